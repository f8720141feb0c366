"""Running other programs: to their end, within a time limit, and never leaving children behind."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from slugfit.base.heroku import BUILD_MINUTES
from slugfit.local.servers import signal_session

_SECONDS = BUILD_MINUTES * 60.0


@dataclass(frozen=True)
class ScriptResult:
    """What a finished program left: its exit status, and its two streams kept apart."""

    status: int
    stdout: str
    stderr: str


def run_script(
    command: Sequence[str | Path],
    *,
    env: Mapping[str, str],
    cwd: Path,
    timeout: float = _SECONDS,
) -> ScriptResult:
    """Run `command` with stdout and stderr seen apart."""
    with _started(command, env, cwd, stderr=subprocess.PIPE) as process:
        out, err = process.communicate(timeout=timeout)
    return ScriptResult(process.returncode, _text(out), _text(err))


def stream_script(
    command: Sequence[str | Path],
    *,
    env: Mapping[str, str],
    cwd: Path,
    write: Callable[[str], None],
    timeout: float = _SECONDS,
) -> int:
    """Run `command` with both streams in one pipe, so that their lines keep their order."""
    with (
        _started(command, env, cwd, stderr=subprocess.STDOUT) as process,
        _killed_after(process, timeout),
    ):
        for line in process.stdout or ():
            write(_text(line))
        return process.wait()


@contextmanager
def _started(
    command: Sequence[str | Path], env: Mapping[str, str], cwd: Path, *, stderr: int
) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        [os.fspath(part) for part in command],
        env=dict(env),
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=stderr,
        start_new_session=True,
    )
    with process:
        try:
            yield process
        finally:
            signal_session(process, signal.SIGKILL)


@contextmanager
def _killed_after(process: subprocess.Popen[bytes], seconds: float) -> Iterator[None]:
    timer = threading.Timer(seconds, signal_session, (process, signal.SIGKILL))
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _text(output: bytes) -> str:
    return output.decode("utf-8", errors="replace")

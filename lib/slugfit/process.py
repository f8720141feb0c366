"""Child processes with bounds: no terminal, a deadline, a short memory of what they said."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

_TAIL_BYTES = 10_000


@dataclass(frozen=True)
class Finished:
    """How a child ended. `said` is its last line of output, "" when it said nothing."""

    ok: bool
    said: str


def run(argv: Sequence[str], *, env: Mapping[str, str], cwd: Path, seconds: float) -> Finished:
    """Run `argv` to its end, or kill it after `seconds`. A child that fails is no exception."""
    with tempfile.TemporaryFile() as stderr:
        child = subprocess.Popen(  # noqa: S603 (argv is ours; no shell)
            argv,
            env=dict(env),
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=stderr,
            # A group of its own, which ends with it: nothing it started stays.
            start_new_session=True,
        )
        try:
            code = child.wait(seconds)
        except subprocess.TimeoutExpired:
            return Finished(ok=False, said=f"took longer than {seconds:g} seconds")
        finally:
            with suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
            child.wait()
        if code < 0:
            return Finished(ok=False, said=f"killed by signal {-code}")
        return Finished(ok=code == 0, said=_last_line(stderr))


def _last_line(file: IO[bytes]) -> str:
    file.seek(max(0, file.seek(0, os.SEEK_END) - _TAIL_BYTES))
    lines = file.read().decode(errors="replace").strip().splitlines()
    return lines[-1] if lines else ""

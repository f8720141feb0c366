"""Child processes with bounds: no terminal, a deadline, a short memory of what they said."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

_TAIL_BYTES = 10_000
_COLOURS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


@dataclass(frozen=True)
class Finished:
    """How a child ended. `code` is its own, minus the signal's, or None when time was up.

    `said` is why it was ended, or else its last line, "" without one; `tail` are its last lines.
    """

    code: int | None
    said: str
    tail: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        return self.code == 0


def run(
    argv: Sequence[str],
    *,
    env: Mapping[str, str],
    cwd: Path,
    seconds: float,
    with_stdout: bool = False,
) -> Finished:
    """Run `argv` to its end, or kill it after `seconds`. A child that fails is no exception.

    Its last lines are those on stderr; `with_stdout`, those on both.
    """
    with tempfile.TemporaryFile() as output:
        child = subprocess.Popen(  # noqa: S603 (argv is ours; no shell)
            argv,
            env=dict(env),
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=output if with_stdout else subprocess.DEVNULL,
            stderr=output,
            # A group of its own, which ends with it: nothing it started stays.
            start_new_session=True,
        )
        try:
            code = child.wait(seconds)
        except subprocess.TimeoutExpired:
            code = None
        finally:
            with suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
            child.wait()
        tail = _tail(output)
    return Finished(code, _ended(code, seconds) or (tail[-1] if tail else ""), tail)


def _ended(code: int | None, seconds: float) -> str:
    """What ended a child that did not end by itself."""
    if code is None:
        return f"took longer than {seconds:g} seconds"
    return f"killed by signal {-code}" if code < 0 else ""


def _tail(file: IO[bytes]) -> tuple[str, ...]:
    """The last lines of `file`, those without a word apart."""
    file.seek(max(0, file.seek(0, os.SEEK_END) - _TAIL_BYTES))
    text = _COLOURS.sub("", file.read().decode(errors="replace"))
    return tuple(line.rstrip() for line in text.splitlines() if line.strip())

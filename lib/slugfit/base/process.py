"""Child processes with limits: no stdin, a timeout, and a bounded tail of their output."""

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
    """How a child ended. `code` is its exit status, -N for signal N, or None when it broke a bound.

    `said` is why it was killed, or else its last line of output, or ""; `tail` are its last lines.
    `broke` names the bound, and `restrictions` is what confined it, for people.
    """

    code: int | None
    said: str
    tail: tuple[str, ...] = ()
    broke: str = ""
    restrictions: str = ""

    @property
    def ok(self) -> bool:
        return self.code == 0


class Tail:
    """The last lines of a stream, in bounded memory. `bytes` counts all of it."""

    def __init__(self) -> None:
        self.bytes = 0
        self._kept = b""

    def add(self, piece: bytes) -> None:
        self.bytes += len(piece)
        self._kept = (self._kept + piece)[-_TAIL_BYTES:]

    def lines(self) -> tuple[str, ...]:
        """Those that have a word in them, without colours."""
        text = _COLOURS.sub("", self._kept.decode(errors="replace"))
        return tuple(line.rstrip() for line in text.splitlines() if line.strip())


def run(
    argv: Sequence[str],
    *,
    env: Mapping[str, str],
    cwd: Path,
    seconds: float,
    with_stdout: bool = False,
) -> Finished:
    """Run `argv`, and kill it after `seconds`. A failing child raises nothing.

    The tail is that of stderr; `with_stdout`, that of both.
    """
    with tempfile.TemporaryFile() as output:
        child = subprocess.Popen(  # noqa: S603 (argv is ours; no shell)
            argv,
            env=dict(env),
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=output if with_stdout else subprocess.DEVNULL,
            stderr=output,
            # A process group of its own, so that its children are killed with it.
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
    broke = "seconds" if code is None else ""
    return Finished(code, _ended(code, seconds) or (tail[-1] if tail else ""), tail, broke)


def _ended(code: int | None, seconds: float) -> str:
    """Why a child was killed; "" if it exited."""
    if code is None:
        return f"took longer than {seconds:g} seconds"
    return f"killed by signal {-code}" if code < 0 else ""


def _tail(file: IO[bytes]) -> tuple[str, ...]:
    """The last lines of `file`, without blank ones."""
    file.seek(max(0, file.seek(0, os.SEEK_END) - _TAIL_BYTES))
    tail = Tail()
    tail.add(file.read())
    return tail.lines()

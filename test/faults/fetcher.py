"""Fetches in a process of its own, to be killed: `python -m faults.fetcher URL TARGET`.

For each line on its standard input, which is a number of seconds, it begins a fetch in a child, and
kills that after so long if it has not finished. Prints the signal, and what it had found there.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

from faults.plans import LIMITS, MIB
from slugfit.base.errors import Failure
from slugfit.base.http import Network
from slugfit.fetch.transfer.retries import Clock, Deadline
from slugfit.fetch.transfer.transfer import Transfer, WantedObject, move_to
from slugfit.stores.web import HttpUrl
from slugfit.stores.web_client import HttpObject


class Watch:
    """Tells on `pipe` what was left by an earlier fetch; calls `move` on the way."""

    def __init__(self, pipe: int, move: Callable[[int], None] = lambda received: None) -> None:
        self._pipe = pipe
        self._move = move

    def begin(self, size: int | None, there: int) -> None:
        os.write(self._pipe, str(there).encode())

    def move(self, received: int) -> None:
        self._move(received)

    def end(self, received: int) -> None: ...


def fetch(url: str, target: Path, watch: Watch) -> None:
    clock = Clock()
    transfer = Transfer(Network(), clock, Deadline(clock, 60), LIMITS)
    source = HttpObject(HttpUrl(url), time.time)
    part = target.with_name("part")
    transfer.fetch(WantedObject(source), part, watch, move_to(target))


def serve(url: str, target: Path) -> None:
    """Fetch as often as asked, on the terms of standard input."""
    _say("ready")
    for line in sys.stdin:
        reading, writing = os.pipe()
        child = os.fork()
        if not child:
            fetch(url, target, Watch(writing))
            os._exit(0)
        os.close(writing)
        number = _wait(child, float(line))
        there = os.read(reading, 100).decode() or "-"
        os.close(reading)
        _say(f"{number} {there}")


def _wait(child: int, seconds: float) -> int:
    """The signal that ended the child, if one did."""
    descriptor = os.pidfd_open(child)
    ended, _, _ = select.select([descriptor], [], [], seconds)
    os.close(descriptor)
    if not ended:
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    return os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)


def fill(url: str, target: Path) -> None:
    """Fetch while something else fills the disk; print what comes of it, and what is left."""

    def take_the_rest(received: int) -> None:
        if received > MIB // 4:
            _take_all(target.with_name("other"))

    try:
        fetch(url, target, Watch(os.open(os.devnull, os.O_WRONLY), take_the_rest))
    except Failure as failure:
        _say(failure.id)
    _say(str(sorted(path.name for path in target.parent.iterdir())))


def _say(line: str) -> None:
    os.write(1, f"{line}\n".encode())


def _take_all(path: Path) -> None:
    with path.open("ab", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            return


if __name__ == "__main__":
    {"serve": serve, "fill": fill}[sys.argv[1]](sys.argv[2], Path(sys.argv[3]))

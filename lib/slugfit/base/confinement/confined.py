"""Runs a program that no one vouches for, by way of its supervisor."""

from __future__ import annotations

import ctypes
import json
import os
import selectors
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from slugfit.base.process import Finished, Tail
from slugfit.base.sizes import format_size

_SUPERVISOR = Path(__file__).with_name("supervisor.py")
_PIECE_BYTES = 64 * 1024
_PIPE_BYTES = 1024 * 1024  # that a pipe holds at most
_ENDING_SECONDS = 10.0  # which the supervisor has for its last acts
_SUBREAPER = 36  # the number of PR_SET_CHILD_SUBREAPER
_supervisors: set[int] = set()


@dataclass(frozen=True)
class Bounds:
    """What a program may use: seconds, and bytes of memory with all that it starts.

    `processes` counts those that run at once; `file_bytes` is the size of any file that it
    writes, `output_bytes` that of all that it prints.
    """

    seconds: float
    memory: int = 2_500_000_000
    processes: int = 256
    file_bytes: int = 2_000_000_000
    output_bytes: int = 50_000_000


@dataclass(frozen=True)
class Access:
    """Where a program may write, what it can't read, and whether it has a network."""

    writable: tuple[Path, ...] = ()
    hidden: tuple[Path, ...] = ()
    network: bool = False


class MemoryShare:
    """Memory that several programs have together: over `limit` bytes, the youngest yields."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self._taken: dict[object, int] = {}  # the oldest first

    @contextmanager
    def of_one(self) -> Iterator[object]:
        """A key for a program, which has its share until the end."""
        key = object()
        with self._lock:
            self._taken[key] = 0
        try:
            yield key
        finally:
            with self._lock:
                del self._taken[key]

    def must_yield(self, key: object, taken: int) -> bool:
        """Whether the program of this key, which takes so many bytes now, has to make room."""
        with self._lock:
            self._taken[key] = taken
            is_youngest = key is list(self._taken)[-1] and len(self._taken) > 1
            return is_youngest and sum(self._taken.values()) > self._limit


@dataclass(frozen=True)
class Confinement:
    """Within which bounds, and with access to what. `share` is memory shared with others."""

    bounds: Bounds
    access: Access = Access()
    share: MemoryShare = field(default_factory=lambda: MemoryShare(sys.maxsize))

    def run(
        self,
        argv: Sequence[str],
        *,
        env: Mapping[str, str],
        cwd: Path,
        with_stdout: bool = False,
    ) -> Finished:
        """Run `argv` to its end, or until it breaks a bound. A program that fails is no exception.

        Its last lines are those on stderr; `with_stdout`, those on both.
        """
        asked = {
            "argv": list(argv),
            "env": dict(env),
            "cwd": str(cwd),
            "stdout": with_stdout,
            "writable": list(map(str, self.access.writable)),
            "hidden": list(map(str, self.access.hidden)),
            "network": self.access.network,
            "protected": [os.getpid(), os.getpgrp()],
            **vars(self.bounds),
        }
        with _supervisor(env) as child, self.share.of_one() as key:
            return _Run(self, child, key, int(stat_of(child.pid)[19])).finished(asked)


@dataclass
class _Run:
    """One program under its supervisor, and what is known of it so far."""

    confinement: Confinement
    child: subprocess.Popen[bytes]
    key: object
    since: int
    tail: Tail = field(default_factory=Tail)
    report: bytes = b""
    outcome: Mapping[str, Any] = field(default_factory=dict)
    broke: str = ""

    def finished(self, asked: Mapping[str, Any]) -> Finished:
        stdin = self._pipes()[0]
        with suppress(BrokenPipeError):
            stdin.write(json.dumps(asked).encode() + b"\n")
            stdin.flush()
        seconds = self.confinement.bounds.seconds + _ENDING_SECONDS
        watchdog = threading.Timer(seconds, self.child.kill)
        watchdog.start()
        try:
            self._listen()
        finally:
            self._stop()
            self.child.wait()
            watchdog.cancel()
        if not self.outcome:
            _end_orphans(self.since)
        return self._finished()

    def _listen(self) -> None:
        """Take what comes, until the supervisor is gone: others may keep its stderr open."""
        _, stdout, stderr = self._pipes()
        with selectors.DefaultSelector() as selector:
            selector.register(stdout, selectors.EVENT_READ, self._hear)
            selector.register(stderr, selectors.EVENT_READ, self._print)
            while stdout in [key.fileobj for key in selector.get_map().values()]:
                for key, _ in selector.select():
                    piece = os.read(key.fd, _PIECE_BYTES)
                    key.data(piece) if piece else selector.unregister(key.fileobj)
        os.set_blocking(stderr.fileno(), False)
        with suppress(BlockingIOError):
            self._print(os.read(stderr.fileno(), _PIPE_BYTES))

    def _print(self, piece: bytes) -> None:
        self.tail.add(piece)
        if self.tail.bytes > self.confinement.bounds.output_bytes:
            self._stop("output_bytes")

    def _hear(self, piece: bytes) -> None:
        *lines, self.report = (self.report + piece).split(b"\n")
        for line in lines:
            said = json.loads(line)
            if "memory" not in said:
                self.outcome = said
            elif self.confinement.share.must_yield(self.key, said["memory"]):
                self._stop("share")

    def _stop(self, broke: str = "") -> None:
        """Have the supervisor end it all; the first reason counts."""
        self.broke = self.broke or broke
        with suppress(BrokenPipeError):
            self._pipes()[0].close()

    def _pipes(self) -> tuple[IO[bytes], IO[bytes], IO[bytes]]:
        child = self.child
        assert child.stdin and child.stdout and child.stderr  # noqa: S101 (asked for)
        return child.stdin, child.stdout, child.stderr

    def _finished(self) -> Finished:
        lines = self.tail.lines()
        code = self.outcome.get("code")
        broke = self.broke or self.outcome.get("broke", "supervisor")
        ended = _said_of(code, broke, self.confinement.bounds)
        return Finished(
            code=code,
            said=ended or (lines[-1] if lines else ""),
            tail=lines,
            broke="" if code is not None else broke,
            restrictions=self.outcome.get("restrictions", ""),
        )


def _said_of(code: int | None, broke: str, bounds: Bounds) -> str:
    """Why a program ended that did not end by itself; "" where it did."""
    if code is not None:
        return f"killed by signal {-code}" if code < 0 else ""
    return {
        "seconds": f"took longer than {bounds.seconds:g} seconds",
        "memory": f"took more than {format_size(bounds.memory)} of memory",
        "processes": f"started more than {bounds.processes} processes",
        "output_bytes": f"printed more than {format_size(bounds.output_bytes)}",
        "share": "took memory that others were using",
    }.get(broke, "ended its supervisor")


@contextmanager
def _supervisor(env: Mapping[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """Its pipes are closed at the end. A Python built as a shared library is found by `env`."""
    _adopt_orphans()
    found = {name: env[name] for name in ("LD_LIBRARY_PATH",) if name in env}
    argv = [sys.executable, "-I", "-S", "-B", str(_SUPERVISOR)]
    pipe = subprocess.PIPE
    with subprocess.Popen(  # noqa: S603 (argv is ours; no shell)
        argv, env=found, stdin=pipe, stdout=pipe, stderr=pipe, start_new_session=True
    ) as child:
        _supervisors.add(child.pid)
        try:
            yield child
        finally:
            _supervisors.discard(child.pid)


def _adopt_orphans() -> None:
    """What a supervisor leaves that was killed comes to this process."""
    ctypes.CDLL(None).prctl(_SUBREAPER, 1, 0, 0, 0)


def _end_orphans(since: int) -> None:
    """Kill what has come to this process since then that it has not started itself."""
    while orphans := [pid for pid, start in _children() if start >= since]:
        for pid in orphans:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            with suppress(ChildProcessError):
                os.waitpid(pid, 0)


def _children() -> Iterator[tuple[int, int]]:
    """The children of this process but for supervisors, and when each began, in clock ticks."""
    for directory in Path("/proc").glob("[0-9]*"):
        pid = int(directory.name)
        fields = stat_of(pid)
        if fields and int(fields[1]) == os.getpid() and pid not in _supervisors:
            yield pid, int(fields[19])


def stat_of(pid: int) -> list[str]:
    """What /proc/PID/stat has after the name, which may hold anything; nothing of what is gone."""
    try:
        text = Path("/proc", str(pid), "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    return text.rpartition(")")[2].split()

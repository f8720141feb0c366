"""Runs one program that no one vouches for, within bounds, and leaves none of its processes.

`python -I -S -B supervisor.py` reads a JSON document from standard input, as `confined.run`
writes it, and prints JSON, a document a line: the memory that the program takes, and at last how
it ended. What the program prints is on standard error. When standard input ends, the one who
waits is gone, and the program is ended. Standard library alone.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import resource
import select
import signal
import sys
import time
from collections.abc import Iterable, Iterator
from typing import Any

sys.path.insert(0, __file__.rpartition("/slugfit/base/")[0])

from slugfit.base.confinement import landlock, seccomp

_EVERY_SECONDS = 0.05
_LAST_SECONDS = 5.0
_SUBREAPER = 36
_PAGE = os.sysconf("SC_PAGE_SIZE")


def main() -> None:
    report, asked = os.dup(1), json.loads(sys.stdin.buffer.readline())
    os.set_inheritable(report, False)
    os.dup2(2, 1)
    ctypes.CDLL(None).prctl(_SUBREAPER, 1, 0, 0, 0)
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGCHLD])
    refused, refuse = os.pipe()
    child = os.fork()
    if not child:
        _become(asked, refuse)
    os.close(refuse)
    restrictions = os.read(refused, 10_000).decode()  # the pipe ends when the program begins
    outcome = _watch(child, asked, report)
    _end_all()
    _tell(report, {**outcome, "restrictions": restrictions})


def _become(asked: dict[str, Any], tell: int) -> None:
    """Restrict this process, and turn it into the program."""
    try:
        os.setsid()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGCHLD])
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        if not asked["stdout"]:
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a core would land in the app
        resource.setrlimit(resource.RLIMIT_FSIZE, (asked["file_bytes"],) * 2)
        os.chdir(asked["cwd"])
        os.write(tell, _restrict(asked).encode())
        os.execvpe(asked["argv"][0], asked["argv"], asked["env"])  # noqa: S606 (no shell is wanted)
    except OSError as error:
        os.write(2, f"{error}\n".encode())
    finally:
        os._exit(127)


def _restrict(asked: dict[str, Any]) -> str:
    """Apply the restrictions, and name those that the kernel accepted."""
    parent = os.getppid()
    protected = [parent, os.getpgid(parent), *asked["protected"]]
    groups = [-pid for pid in protected]
    applied = []
    if version := landlock.restrict(asked["writable"], asked["hidden"]):
        applied.append(f"Landlock {version}")
    if seccomp.restrict(network=asked["network"], protected=[*protected, *groups, -1]):
        applied.append("seccomp")
    return ", ".join(applied)


def _watch(child: int, asked: dict[str, Any], report: int) -> dict[str, Any]:
    """Wait for the program's end, or bring it about: its status, and which bound it broke."""
    end = time.monotonic() + asked["seconds"]
    peak = 0
    while True:
        pid, status = _reap(child)
        if pid:
            return {"code": os.waitstatus_to_exitcode(status), "broke": "", "peak": peak}
        processes = list(_descendants())
        size = sum(map(_resident, processes))
        if size > asked["memory"]:  # shared pages count once only here, which takes longer
            size = sum(map(_proportional, processes))
        peak = max(peak, size)
        _tell(report, {"memory": size})
        broke = _broken(asked, end, size, len(processes))
        if broke:
            return {"code": None, "broke": broke, "peak": peak}
        signal.sigtimedwait([signal.SIGCHLD], min(_EVERY_SECONDS, max(0.0, end - time.monotonic())))


def _tell(report: int, document: dict[str, Any]) -> None:
    with contextlib.suppress(BrokenPipeError):
        os.write(report, json.dumps(document).encode() + b"\n")


def _broken(asked: dict[str, Any], end: float, size: int, processes: int) -> str:
    if select.select([0], [], [], 0)[0]:
        return "parent"
    if time.monotonic() >= end:
        return "seconds"
    if size > asked["memory"]:
        return "memory"
    return "processes" if processes > asked["processes"] else ""


def _reap(child: int) -> tuple[int, int]:
    """The child's end, if it has come; orphans of its own are reaped on the way."""
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return 0, 0
        if pid in (0, child):
            return pid, status


def _end_all() -> None:
    """Kill what is left: no process of the program outlives it, in any session."""
    end = time.monotonic() + _LAST_SECONDS
    while time.monotonic() < end:
        left = list(_descendants())
        for stop in (signal.SIGSTOP, signal.SIGKILL):  # what is stopped starts no more
            for pid in left:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, stop)
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        if not left:
            return
        time.sleep(0.002)


def _descendants() -> Iterator[int]:
    """All processes that this one has led to: as the subreaper, it inherits every orphan."""
    children: dict[int, list[int]] = {}
    for name in os.listdir("/proc"):
        if name.isdigit() and (fields := _fields(f"/proc/{name}/stat")):
            children.setdefault(int(fields[1]), []).append(int(name))
    found = children.get(os.getpid(), [])
    while found:
        yield from found
        found = [pid for parent in found for pid in children.get(parent, ())]


def _fields(path: str) -> list[str]:
    """What a line of /proc/PID/stat has after the name, which may hold anything."""
    return _read(path).rpartition(")")[2].split()


def _resident(pid: int) -> int:
    fields = _read(f"/proc/{pid}/statm").split()
    return int(fields[1]) * _PAGE if len(fields) > 1 else 0


def _proportional(pid: int) -> int:
    lines = _read(f"/proc/{pid}/smaps_rollup").splitlines()
    sizes: Iterable[int] = (
        int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:")
    )
    return next(iter(sizes), None) or _resident(pid)


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:  # it has ended meanwhile
        return ""


if __name__ == "__main__":
    main()

"""How long a command takes, and what it costs the processors and the memory."""

from __future__ import annotations

import os
import resource
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import astuple, dataclass
from pathlib import Path

TIMEOUT_SECONDS = 600.0


@dataclass(frozen=True)
class Run:
    """What one run took, in seconds: by the clock, and of processors by its tree and the server."""

    wall: float
    cpu: float
    server_cpu: float


def run(command: Sequence[str], environment: Mapping[str, str]) -> Run:
    """Run a command and measure it; raise RuntimeError, with what it said, if it fails."""
    cpu, server_cpu, begin = _waited_for(), _server(), time.monotonic()
    done = subprocess.run(
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        timeout=TIMEOUT_SECONDS,
        check=False,
    )
    wall = time.monotonic() - begin
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}\nended with {done.returncode}:\n{done.stderr}")
    return Run(wall, _waited_for() - cpu, _server() - server_cpu)


def _waited_for() -> float:
    """Seconds of processor time of all ended children and theirs: the server lives on."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _server() -> float:
    return sum(_seconds(pid) for pid in children(os.getpid()) if _name(pid) == "juicefs")


def _seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _name(pid: int) -> str:
    return Path(f"/proc/{pid}/comm").read_text().strip()


def children(pid: int) -> list[int]:
    """Return the processes that a process, in any of its threads, has started."""
    return [
        int(child)
        for task in Path(f"/proc/{pid}/task").glob("*/children")
        for child in _read(task).split()
    ]


def tree(pid: int) -> Iterator[int]:
    """Yield a process and all its descendants."""
    yield pid
    for child in children(pid):
        yield from tree(child)


@dataclass(frozen=True)
class Memory:
    """Bytes in memory of a tree of processes: all of it, what no file is behind, and the peaks."""

    resident: int = 0
    anonymous: int = 0
    # Each process's own, added up: at least what the tree ever had at once.
    peaks: int = 0

    def __or__(self, other: Memory) -> Memory:
        """Return the larger of each."""
        return Memory(*map(max, astuple(self), astuple(other)))


def watch(command: Sequence[str], environment: Mapping[str, str], pause: float) -> Memory:
    """Run a command, and return the most that its processes had in memory."""
    most = Memory()
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
    while process.poll() is None:
        most |= _memory(process.pid)
        time.sleep(pause)
    if process.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}\nended with {process.returncode}")
    return most


def _memory(pid: int) -> Memory:
    processes = [Path("/proc", str(process)) for process in tree(pid)]
    rollups = [_read(process / "smaps_rollup") for process in processes]
    statuses = [_read(process / "status") for process in processes]
    return Memory(_sum("Rss:", rollups), _sum("Anonymous:", rollups), _sum("VmHWM:", statuses))


def _sum(name: str, texts: list[str]) -> int:
    lines = (line.split() for text in texts for line in text.splitlines())
    return sum(int(line[1]) * 1024 for line in lines if line[0] == name)


def _read(path: Path) -> str:
    """Read what /proc says of a process, which may have ended."""
    with suppress(OSError):
        return path.read_text()
    return ""

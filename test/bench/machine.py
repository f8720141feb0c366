"""The machine on which it is measured: made ready, and described."""

from __future__ import annotations

import mmap
import os
import platform
import resource
import time
from pathlib import Path

# Of the memory that is free.
TOUCHED = 0.7


def touch_memory() -> str:
    """Use most of the free memory once, and give it back.

    On a virtual machine the first touch of a page is slow, as the host has yet to find one: the
    tools that come early would pay for those that come later.
    """
    size = int(_available() * TOUCHED) // mmap.PAGESIZE * mmap.PAGESIZE
    with mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS) as memory:
        memory[:: mmap.PAGESIZE] = bytes(size // mmap.PAGESIZE)
    return f"{size / 1e9:.1f} GB of memory touched once before"


def describe() -> list[str]:
    """Say what the results depend on."""
    kernel = Path("/proc/sys/net/ipv4/tcp_congestion_control").read_text().strip()
    return [
        f"Linux {platform.release()}, {os.cpu_count()} processors, {_total() / 1e9:.0f} GB memory",
        f"Python {platform.python_version()}; congestion control: {kernel}",
    ]


class Others:
    """What the processors did for others, and what the host took of them, while the bench ran."""

    def __init__(self) -> None:
        self._begin = time.monotonic()
        self._busy, self._own = _busy(), _own()

    @property
    def share(self) -> str:
        """Say how much that was, of all processors, until now; children must have ended."""
        spent = _busy() - self._busy - (_own() - self._own)
        possible = (time.monotonic() - self._begin) * (os.cpu_count() or 1)
        return f"others kept {max(0.0, spent / possible):.0%} of the processors busy"


def _busy() -> float:
    _, *ticks = Path("/proc/stat").read_text().splitlines()[0].split()
    user, nice, system, _, _, *interrupts_and_stolen = map(int, ticks[:8])
    return (user + nice + system + sum(interrupts_and_stolen)) / os.sysconf("SC_CLK_TCK")


def _own() -> float:
    usages = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def _available() -> int:
    return _memory("MemAvailable:")


def _total() -> int:
    return _memory("MemTotal:")


def _memory(name: str) -> int:
    lines = Path("/proc/meminfo").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(name))

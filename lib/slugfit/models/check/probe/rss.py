"""The resident memory (RSS) of this process, and a limit on it."""

from __future__ import annotations

import os
import resource
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

T = TypeVar("T")

_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_EVERY_SECONDS = 0.02


def timed(function: Callable[[], T]) -> tuple[T, float]:
    begin = time.perf_counter()
    result = function()
    return result, time.perf_counter() - begin


def disable_core_dumps() -> None:
    """A core dump would end up in the app."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def resident(process: int | str = "self") -> int:
    """The RSS of a process now, in bytes."""
    with open(f"/proc/{process}/statm", "rb") as file:
        return int(file.read().split()[1]) * _PAGE_BYTES


def forget_peak() -> None:
    """Reset the peak RSS, where the kernel allows it."""
    with suppress(OSError), open("/proc/self/clear_refs", "w", encoding="ascii") as file:
        file.write("5")


def peak_since(before: int) -> int:
    """The peak RSS above `before`, in bytes."""
    with open("/proc/self/status", encoding="ascii", errors="replace") as file:
        found = next((line.split()[1] for line in file if line.startswith("VmHWM:")), "0")
    return max(int(found) * 1024 - before, resident() - before, 0)


def watch(limit: int, marker: str) -> None:
    """Fork a process that kills this one, and writes `marker`, when its RSS exceeds `limit` bytes.

    RLIMIT_AS would limit addresses, of which runtimes reserve far more than they use.
    """
    watched = os.getpid()
    if os.fork():
        return
    while os.getppid() == watched:
        with suppress(OSError, IndexError):
            if resident(watched) > limit:
                with open(marker, "w", encoding="ascii") as file:
                    file.write(str(limit))
                os.kill(watched, signal.SIGKILL)
        time.sleep(_EVERY_SECONDS)
    os._exit(0)

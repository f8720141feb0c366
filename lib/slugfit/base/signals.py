"""Signals that ask a process to end: the first one ends it, and what must not be half done is not.

Heroku ends builds with SIGTERM; a terminal sends SIGINT, SIGQUIT, and SIGHUP when it is closed.
"""

from __future__ import annotations

import ctypes
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType

ENDING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT)
_PR_SET_PDEATHSIG = 1

_received: list[int] = []


def end_as_failures_do() -> None:
    """Let a signal raise SystemExit with its usual status, so that what was begun is undone."""
    for number in ENDING:
        signal.signal(number, _end)


def end_with_parent() -> None:
    """Have the kernel send SIGTERM when the process that started this one is gone."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def ended_by() -> int | None:
    """The status that a signal has asked this process to end with.

    What is running when it comes can turn SystemExit into another exception, or drop it.
    """
    return 128 + _received[0] if _received else None


def end_if_asked() -> None:
    """Raise SystemExit where one was dropped."""
    if status := ended_by():
        raise SystemExit(status)


def ignore_from_now_on() -> None:
    """All is done: what comes now, or was held back, is too late to undo anything."""
    for number in ENDING:
        signal.signal(number, signal.SIG_IGN)


def _end(number: int, _frame: FrameType | None) -> None:
    _received.append(number)
    # Several of them ask for the same: undoing is not to be interrupted.
    ignore_from_now_on()
    raise SystemExit(128 + number)


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Hold such signals back until the block is over."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    asked: SystemExit | None = None
    try:
        signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)
    except SystemExit as error:  # one that came a moment before
        asked = error
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    if asked:
        raise asked

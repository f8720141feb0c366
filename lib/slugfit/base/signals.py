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


def end_as_failures_do() -> None:
    """Let a signal raise SystemExit with its usual status, so that what was begun is undone."""
    for number in ENDING:
        signal.signal(number, _end)


def end_with_parent() -> None:
    """Have the kernel send SIGTERM when the process that started this one is gone."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def _end(number: int, _frame: FrameType | None) -> None:
    # Several of them ask for the same: undoing is not to be interrupted.
    for each in ENDING:
        signal.signal(each, signal.SIG_IGN)
    raise SystemExit(128 + number)


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Hold such signals back until the block is over."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)

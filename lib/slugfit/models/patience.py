"""How often and how long to try: waits with full jitter, and a deadline over everything."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from slugfit.models.failures import OutOfTime
from slugfit.models.sources import Retryable

TRIES = 6
"""In a row, without a byte of progress."""
_FIRST_WAIT = 0.5  # seconds; doubles with each try
_LONGEST_WAIT = 20.0


@dataclass(frozen=True)
class Clock:
    """Time, as an argument. `worked` is the processors' for this process, in seconds."""

    monotonic: Callable[[], float] = time.monotonic
    now: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep
    chance: random.Random = field(default_factory=random.Random)
    worked: Callable[[], float] = time.process_time


class Deadline:
    """`seconds` from now on: the build shall end with words, before the platform ends it."""

    def __init__(self, clock: Clock, seconds: float) -> None:
        self._monotonic = clock.monotonic
        self._seconds = seconds
        self._end = clock.monotonic() + seconds

    @property
    def left(self) -> float:
        return self._end - self._monotonic()

    def check(self, source: str, received: int, size: int | None) -> None:
        """Raise OutOfTime once it has passed."""
        if self.left <= 0:
            raise OutOfTime(source, self._seconds, received, size)


class Patience:
    """Counts the tries for one object, and waits between them."""

    def __init__(self, clock: Clock, deadline: Deadline, tries: int = TRIES) -> None:
        self._clock = clock
        self._deadline = deadline
        self._tries = tries
        self._failed = 0

    def wait(self, invitation: Retryable, *, progress: bool) -> None:
        """Sleep before the next try, or raise the failure when there is none left."""
        self._failed = 1 if progress else self._failed + 1
        seconds = max(invitation.after or 0, jitter(self._clock.chance, self._failed))
        if self._failed >= self._tries or seconds >= self._deadline.left:
            raise invitation.failure from invitation
        self._clock.sleep(seconds)


def jitter(chance: random.Random, failed: int) -> float:
    """The seconds to wait after so many failures: any up to a bound that doubles."""
    return chance.uniform(0, min(_LONGEST_WAIT, _FIRST_WAIT * 2.0 ** (failed - 1)))

"""How often and how long to retry: with full jitter, before an overall deadline."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from slugfit.fetch.failures import DeadlinePassed
from slugfit.stores import Retryable
from slugfit.stores.urls import StoreUrl

TRIES = 6
"""In a row, without a byte of progress."""
_FIRST_WAIT = 0.5  # seconds; doubles with each try
_LONGEST_WAIT = 20.0


@dataclass(frozen=True)
class Clock:
    """Time, as an argument. `cpu_seconds` is the processor time of this process."""

    monotonic: Callable[[], float] = time.monotonic
    now: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep
    rng: random.Random = field(default_factory=random.Random)
    cpu_seconds: Callable[[], float] = time.process_time


class Deadline:
    """`seconds` from now on: the build has to end with an explanation before Heroku ends it."""

    def __init__(self, clock: Clock, seconds: float) -> None:
        self._monotonic = clock.monotonic
        self._seconds = seconds
        self._end = clock.monotonic() + seconds

    @property
    def left(self) -> float:
        return self._end - self._monotonic()

    def check(self, source: StoreUrl, received: int, size: int | None) -> None:
        """Raise DeadlinePassed once it has passed."""
        if self.left <= 0:
            raise DeadlinePassed(source, self._seconds, received, size)


class Retries:
    """Counts the attempts for one object, and waits between them."""

    def __init__(self, clock: Clock, deadline: Deadline, tries: int = TRIES) -> None:
        self._clock = clock
        self._deadline = deadline
        self._tries = tries
        self._failed = 0

    def wait(self, retryable: Retryable, *, progress: bool) -> None:
        """Sleep before the next attempt, or raise the failure when there is none left."""
        self._failed = 1 if progress else self._failed + 1
        seconds = max(retryable.after or 0, jitter(self._clock.rng, self._failed))
        if self._failed >= self._tries or seconds >= self._deadline.left:
            raise retryable.failure from retryable
        self._clock.sleep(seconds)


def jitter(chance: random.Random, failed: int) -> float:
    """The seconds to wait after so many failures: random, up to a bound that doubles."""
    return chance.uniform(0, min(_LONGEST_WAIT, _FIRST_WAIT * 2.0 ** (failed - 1)))

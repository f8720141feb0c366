"""One object's bytes, by as many connections as make it faster.

Those receive and write in threads; here what is there without a gap is hashed, and decided upon.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

from slugfit.models.content import PREFIX_BYTES, check_prefix
from slugfit.models.crew import Crew
from slugfit.models.intake import Intake
from slugfit.models.partial import Partial
from slugfit.models.patience import Clock
from slugfit.models.segments import Segments
from slugfit.models.sources import Opened
from slugfit.models.tuning import USUAL, Tuning
from slugfit.models.wire import Network

_BUSY = 0.5  # of a processor: then it is not the network that is waited for
_HASH_BYTES = 4 * 1024 * 1024  # before the next look

Tick = Callable[[int], None]


class Download:
    """Fetches what is missing of `partial`."""

    def __init__(
        self,
        display: str,
        partial: Partial,
        network: Network,
        clock: Clock,
        tuning: Tuning = USUAL,
    ) -> None:
        self._display = display
        self._partial = partial
        self._network = network
        self._clock = clock
        self._tuning = tuning
        self._looked = self._saved = clock.monotonic()
        self._worked = clock.worked()

    def run(self, opened: Opened, start: int, tick: Tick) -> None:
        """Return when all bytes are there and hashed. `opened` begins at `start`.

        `tick` hears many times a second how many bytes are there; what it raises ends all.
        Raises Retryable, Changed, or a Failure. `partial` then knows what is there.
        """
        size = sys.maxsize if opened.version.size is None else opened.version.size
        segments = Segments(size, self._partial.there, self._tuning.smallest_part)
        intake = Intake(self._partial, segments, self._tuning)
        crew = Crew(self._display, opened, intake, self._network, self._clock)
        try:
            with crew.working(start):
                # The size may become known at the end only.
                while not (intake.is_complete and self._partial.hashed == segments.size):
                    self._hash(crew)
                    self._look(crew, intake, tick)
        finally:
            self._remember(segments)

    def _hash(self, crew: Crew) -> None:
        """Hash what is there, or wait for more."""
        hashed = self._partial.hashed
        end, piece = crew.next(hashed)
        if piece:
            self._partial.hash(piece)
        else:
            self._partial.hash_to(min(end, hashed + _HASH_BYTES))
        if hashed < PREFIX_BYTES <= self._partial.hashed:
            # Now: of what is no model, the rest is not worth waiting for.
            check_prefix(self._partial.beginning(PREFIX_BYTES), self._display)

    def _look(self, crew: Crew, intake: Intake, tick: Tick) -> None:
        now = self._clock.monotonic()
        if now - self._looked < self._tuning.look_seconds:
            return
        worked = self._clock.worked()
        if (worked - self._worked) / (now - self._looked) < _BUSY:
            crew.grow()
        self._looked, self._worked = now, worked
        tick(intake.received)
        if now - self._saved >= self._tuning.save_seconds and self._partial.is_pinned:
            self._partial.save(intake.beyond_frontier())
            self._saved = now

    def _remember(self, segments: Segments) -> None:
        partial = self._partial
        partial.there = segments.ranges()
        if partial.is_pinned:
            partial.hash_to(segments.frontier)
            partial.save(segments.beyond_frontier())

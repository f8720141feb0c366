"""The connections that fetch one object: threads that ask for ranges of it."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from slugfit.models.failures import Truncated
from slugfit.models.intake import Fill, Intake, NotWritten
from slugfit.models.parts import Refused, Whole
from slugfit.models.patience import Clock, jitter
from slugfit.models.refusals import Unreachable
from slugfit.models.segments import Segment
from slugfit.models.sources import Body, Opened, Retryable
from slugfit.models.sources.reasons import reason
from slugfit.models.wire import Connection, Network

_LINE_TRIES = 3  # of one connection in a row, without a byte


class Crew:
    """The connections. What they share is used under the condition of their `intake`."""

    def __init__(
        self, display: str, opened: Opened, intake: Intake, network: Network, clock: Clock
    ) -> None:
        self._display = display
        self._opened = opened
        self._whole = Whole(display, opened.version, clock.now)
        self._intake = intake
        self._network = network
        self._clock = clock
        self._lines: set[Connection] = set()
        self._started = 0
        self._failure: BaseException | None = None
        self._given_up: BaseException | None = None
        self._has_ranges = False

    @contextmanager
    def working(self, start: int) -> Iterator[None]:
        """Fetch in the background, from `start` on; at the end nobody writes any more."""
        segments, opened = self._intake.segments, self._opened
        try:
            if segments.first_missing == start < segments.size:
                first = segments.take(self._intake.tuning.first if opened.address else None)
                if first:
                    self._start(first, opened.body)
            self._add(1)
            yield
        finally:
            self._stop()
            opened.interrupt()

    def next(self, hashed: int) -> tuple[int, memoryview | None]:
        """As the intake's. Raises what ended all."""
        with self._intake.changed:
            segments = self._intake.segments
            if segments.frontier == hashed and not segments.is_complete:
                self._raise_if_over()
            came = self._intake.next(hashed)
            if self._failure:
                raise self._failure
            return came

    def grow(self) -> None:
        """Twice as many connections, once the ones at work have begun to receive."""
        if self._has_ranges:
            self._add(self._started)

    def _raise_if_over(self) -> None:
        if not self._lines:
            size = self._opened.version.size
            over = Truncated(self._display, size, "reason: the connections ended")
            raise self._failure or self._given_up or Retryable(over)

    def _add(self, count: int) -> None:
        for _ in range(min(count, self._intake.tuning.connections - self._started)):
            segment = self._take()
            if segment:
                self._start(segment, None)

    def _start(self, segment: Segment, body: Body | None) -> None:
        line = Connection(self._network)
        with self._intake.changed:
            self._lines.add(line)
        self._started += 1
        # A thread that hangs in a library's read must not keep the process from ending.
        threading.Thread(target=self._work, args=(line, segment, body), daemon=True).start()

    def _stop(self) -> None:
        with self._intake.changed:
            self._intake.is_stopped = True
            for line in self._lines:
                line.interrupt()
        self._intake.stop()

    # What the threads do.

    def _take(self) -> Segment | None:
        """Small parts towards the end: what is last must be hashed after it has come."""
        tuning, segments = self._intake.tuning, self._intake.segments
        with self._intake.changed:
            left = segments.size - segments.first_missing
            fair = left // (2 * max(1, len(self._lines)))
            part = max(tuning.smallest_part, min(tuning.largest_part, fair))
            return segments.take(part) if self._opened.address else None

    def _work(self, line: Connection, segment: Segment, body: Body | None) -> None:
        current: Segment | None = segment
        try:
            if body:
                self._receive_first(segment, body)
                # From here on, the connection that was added beside it may be all it takes.
                current = segment if segment.left else None
            while current and not self._intake.is_stopped:
                self._fetch(current, line)
                current = self._take()
        except BaseException as error:
            self._give_up(current, error)
        finally:
            line.close()
            with self._intake.changed:
                self._lines.discard(line)
                self._intake.changed.notify_all()

    def _give_up(self, segment: Segment | None, error: BaseException) -> None:
        with self._intake.changed:
            if segment:
                self._intake.segments.give_back(segment)
            if isinstance(error, Retryable) and len(self._lines) > 1:
                self._given_up = error  # the others take over
            elif not self._failure:
                self._failure = error.error if isinstance(error, NotWritten) else error

    def _receive_first(self, segment: Segment, body: Body) -> None:
        def fill(view: memoryview) -> int:
            data = body.read(len(view))
            view[: len(data)] = data
            return len(data)

        try:
            self._receive(segment, fill)
        except Retryable:
            if not self._opened.address:
                raise

    def _fetch(self, segment: Segment, line: Connection) -> None:
        """Receive `segment`, however often the connection breaks on the way."""
        failed = 0
        while segment.left and not self._intake.is_stopped:
            before = segment.position
            try:
                self._request(segment, line)
            except Retryable as invitation:
                line.close()
                failed = 1 if segment.position > before else failed + 1
                # Whoever knows the deadline decides whether the store's own wish is granted.
                if failed >= _LINE_TRIES or invitation.after or isinstance(invitation, Refused):
                    raise
                self._intake.pause(jitter(self._clock.chance, failed))

    def _request(self, segment: Segment, line: Connection) -> None:
        address = self._opened.address
        if not address:
            size = self._opened.version.size
            raise Retryable(Truncated(self._display, size, "reason: no more came"))
        asked = {"Range": f"bytes={segment.position}-{segment.end - 1}"}
        try:
            answer = line.get(address.url, {**address.headers, **asked})
            self._whole.check(answer, segment.position)
            self._has_ranges = True
            self._receive(segment, answer.readinto)
        except (OSError, http.client.HTTPException) as error:
            raise Retryable(Unreachable(self._display, reason(error))) from error
        if not line.is_free:
            line.close()

    def _receive(self, segment: Segment, fill: Fill) -> None:
        if not self._intake.receive(segment, fill):
            self._end(segment)

    def _end(self, segment: Segment) -> None:
        size = self._opened.version.size
        if size is not None:
            got = f"received: {self._intake.received} bytes"
            raise Retryable(Truncated(self._display, size, got))
        with self._intake.changed:
            self._intake.segments.end_at(segment.position)

"""The connections that fetch one object: threads that ask for ranges, receive and write."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from slugfit.models.failures import Truncated
from slugfit.models.partial import Partial
from slugfit.models.parts import Refused, Whole
from slugfit.models.patience import Clock, jitter
from slugfit.models.refusals import Unreachable
from slugfit.models.segments import Segment, Segments
from slugfit.models.sources import Address, Body, Opened, Retryable
from slugfit.models.sources.reasons import reason
from slugfit.models.tuning import Tuning
from slugfit.models.wire import Answer, Connection, Network

_LINE_TRIES = 3  # of one connection in a row, without a byte
_POLL_SECONDS = 0.01  # to be told of every piece would cost more than it brings


class Crew:
    """The connections, and what they share. Everything shared is used under `_changed`."""

    def __init__(
        self, display: str, partial: Partial, network: Network, clock: Clock, tuning: Tuning
    ) -> None:
        self._display = display
        self._partial = partial
        self._network = network
        self._clock = clock
        self._tuning = tuning
        self._changed = threading.Condition()
        self._stopped = threading.Event()
        self._lines: set[Connection] = set()
        self._started = 0
        self._writing = 0
        self._failure: BaseException | None = None
        self._given_up: BaseException | None = None
        self._has_ranges = False
        self._segments = Segments(0)
        self._address: Address | None = None
        self._size: int | None = None
        self._whole: Whole | None = None

    @contextmanager
    def working(self, opened: Opened, start: int, segments: Segments) -> Iterator[None]:
        """Fetch in the background; at the end nobody writes any more."""
        self._segments, self._address = segments, opened.address
        self._size = opened.version.size
        self._whole = Whole(self._display, opened.version, self._clock.now)
        try:
            if segments.first_missing == start < segments.size:
                first = segments.take(self._tuning.first if opened.address else None)
                if first:
                    self._start(first, opened.body)
            self._add(1)
            yield
        finally:
            self._stop()
            opened.interrupt()

    @property
    def received(self) -> int:
        with self._changed:
            return self._segments.received

    @property
    def is_complete(self) -> bool:
        with self._changed:
            return self._segments.is_complete

    def beyond_frontier(self) -> list[tuple[int, int]]:
        with self._changed:
            return self._segments.beyond_frontier()

    def frontier_past(self, hashed: int) -> int:
        """Where the first gap is; a moment later if that is `hashed`. Raises what ended all."""
        with self._changed:
            if self._segments.frontier == hashed and not self._segments.is_complete:
                self._raise_if_over()
                self._changed.wait(_POLL_SECONDS)
            if self._failure:
                raise self._failure
            return self._segments.frontier

    def grow(self) -> None:
        """Twice as many connections, once the ones at work have begun to receive."""
        if self._has_ranges:
            self._add(self._started)

    def _raise_if_over(self) -> None:
        if not self._lines:
            over = Truncated(self._display, self._size, "reason: the connections ended")
            raise self._failure or self._given_up or Retryable(over)

    def _add(self, count: int) -> None:
        for _ in range(min(count, self._tuning.connections - self._started)):
            segment = self._take()
            if segment:
                self._start(segment, None)

    def _start(self, segment: Segment, body: Body | None) -> None:
        line = Connection(self._network)
        with self._changed:
            self._lines.add(line)
        self._started += 1
        # A thread that hangs in a library's read must not keep the process from ending.
        threading.Thread(target=self._work, args=(line, segment, body), daemon=True).start()

    def _stop(self) -> None:
        with self._changed:
            self._stopped.set()
            for line in self._lines:
                line.interrupt()
            # The file is about to be closed, and its number to be another file's.
            while self._writing:
                self._changed.wait()

    # What the threads do.

    def _take(self) -> Segment | None:
        """Small parts towards the end: what is last must be hashed after it has come."""
        tuning = self._tuning
        with self._changed:
            left = self._segments.size - self._segments.first_missing
            fair = left // (2 * max(1, len(self._lines)))
            part = max(tuning.smallest_part, min(tuning.largest_part, fair))
            return self._segments.take(part) if self._address else None

    def _work(self, line: Connection, segment: Segment, body: Body | None) -> None:
        current: Segment | None = segment
        try:
            if body:
                self._receive_first(segment, body)
                # From here on, the connection that was added beside it may be all it takes.
                current = segment if segment.left else None
            while current and not self._stopped.is_set():
                self._fetch(current, line)
                current = self._take()
        except BaseException as error:
            self._give_up(current, error)
        finally:
            line.close()
            with self._changed:
                self._lines.discard(line)
                self._changed.notify_all()

    def _give_up(self, segment: Segment | None, error: BaseException) -> None:
        with self._changed:
            if segment:
                self._segments.give_back(segment)
            if isinstance(error, Retryable) and len(self._lines) > 1:
                self._given_up = error  # the others take over
            elif not self._failure:
                self._failure = error.error if isinstance(error, _NotWritten) else error

    def _receive_first(self, segment: Segment, body: Body) -> None:
        try:
            self._receive(segment, body)
        except Retryable:
            if not self._address:
                raise

    def _fetch(self, segment: Segment, line: Connection) -> None:
        """Receive `segment`, however often the connection breaks on the way."""
        failed = 0
        while segment.left and not self._stopped.is_set():
            before = segment.position
            try:
                self._request(segment, line)
            except Retryable as invitation:
                line.close()
                failed = 1 if segment.position > before else failed + 1
                # Whoever knows the deadline decides whether the store's own wish is granted.
                if failed >= _LINE_TRIES or invitation.after or isinstance(invitation, Refused):
                    raise
                self._stopped.wait(jitter(self._clock.chance, failed))

    def _request(self, segment: Segment, line: Connection) -> None:
        address, whole = self._address, self._whole
        if not address or not whole:
            raise Retryable(Truncated(self._display, self._size, "reason: no more came"))
        asked = {"Range": f"bytes={segment.position}-{segment.end - 1}"}
        try:
            answer = line.get(address.url, {**address.headers, **asked})
            whole.check(answer, segment.position)
            self._has_ranges = True
            self._receive(segment, answer)
        except (OSError, http.client.HTTPException) as error:
            raise Retryable(Unreachable(self._display, reason(error))) from error
        if not line.is_free:
            line.close()

    def _receive(self, segment: Segment, body: Body | Answer) -> None:
        """Write what `body` brings of `segment`, of which another connection may take a part."""
        while segment.left:
            data = body.read(min(self._tuning.piece, segment.left))
            if not data:
                self._end(segment)
                return
            if not self._write(segment, data):
                return

    def _write(self, segment: Segment, data: bytes) -> bool:
        """False when nothing is wanted any more."""
        with self._changed:
            if self._stopped.is_set():
                return False
            self._writing += 1
        written = 0
        try:
            self._partial.write(data, segment.position)
            written = len(data)
        except OSError as error:
            raise _NotWritten(error) from error
        finally:
            with self._changed:
                self._writing -= 1
                segment.position += written
                if self._stopped.is_set():
                    self._changed.notify_all()
        return True

    def _end(self, segment: Segment) -> None:
        if self._size is not None:
            got = f"received: {self.received} bytes"
            raise Retryable(Truncated(self._display, self._size, got))
        with self._changed:
            self._segments.end_at(segment.position)


class _NotWritten(Exception):  # noqa: N818 (a fact, not an error)
    """The disk's error, told apart from the network's."""

    def __init__(self, error: OSError) -> None:
        self.error = error

"""The connections that fetch one object: threads that request ranges of it."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from slugfit.base.http import Connection, Network
from slugfit.fetch.transfer.ranges import AddressRefused, RangeCheck
from slugfit.fetch.transfer.retries import Clock, jitter
from slugfit.fetch.transfer.segments import FetchSegment
from slugfit.fetch.transfer.writer import Fill, NotWritten, PieceWriter
from slugfit.stores import Body, ObjectStream, Retryable
from slugfit.stores.client_errors import reason
from slugfit.stores.failures import Truncated
from slugfit.stores.refusals import Unreachable
from slugfit.stores.urls import StoreUrl

_CONNECTION_TRIES = 3  # in a row of one connection, without a byte received


class Connections:
    """Shared state is only used while holding the condition `writer.changed`."""

    def __init__(
        self,
        url: StoreUrl,
        stream: ObjectStream,
        writer: PieceWriter,
        network: Network,
        clock: Clock,
    ) -> None:
        self._url = url
        self._stream = stream
        self._range_check = RangeCheck(url, stream.version, clock.now)
        self._writer = writer
        self._network = network
        self._clock = clock
        self._connections: set[Connection] = set()
        self._started = 0
        self._failure: BaseException | None = None
        self._given_up: BaseException | None = None
        self._has_ranges = False

    @contextmanager
    def working(self, start: int) -> Iterator[None]:
        """Fetch in the background, from `start` on; afterwards no thread writes any more."""
        segments, stream = self._writer.segments, self._stream
        try:
            if segments.first_missing == start < segments.size:
                first = segments.take(self._writer.limits.first if stream.address else None)
                if first:
                    self._start(first, stream.body)
            self._add(1)
            yield
        finally:
            self._stop()
            stream.interrupt()

    def next(self, hashed: int) -> tuple[int, memoryview | None]:
        """As the writer's. Raises the error that ended the download."""
        with self._writer.changed:
            segments = self._writer.segments
            if segments.frontier == hashed and not segments.is_complete:
                self._raise_if_over()
            came = self._writer.next(hashed)
            if self._failure:
                raise self._failure
            return came

    def grow(self) -> None:
        """Double the connections, once the existing ones receive data."""
        if self._has_ranges:
            self._add(self._started)

    def _raise_if_over(self) -> None:
        if not self._connections:
            size = self._stream.version.size
            truncated = Truncated(self._url, size, "reason: the connections ended")
            raise self._failure or self._given_up or Retryable(truncated)

    def _add(self, count: int) -> None:
        for _ in range(min(count, self._writer.limits.connections - self._started)):
            segment = self._take()
            if segment:
                self._start(segment, None)

    def _start(self, segment: FetchSegment, body: Body | None) -> None:
        connection = Connection(self._network)
        with self._writer.changed:
            self._connections.add(connection)
        self._started += 1
        # A thread that hangs in a library's read must not keep the process from ending.
        threading.Thread(target=self._work, args=(connection, segment, body), daemon=True).start()

    def _stop(self) -> None:
        with self._writer.changed:
            self._writer.is_stopped = True
            for connection in self._connections:
                connection.interrupt()
        self._writer.stop()

    # In the threads.

    def _take(self) -> FetchSegment | None:
        """Smaller parts towards the end: the last ones are hashed after they have arrived."""
        limits, segments = self._writer.limits, self._writer.segments
        with self._writer.changed:
            left = segments.size - segments.first_missing
            fair = left // (2 * max(1, len(self._connections)))
            part = max(limits.smallest_part, min(limits.largest_part, fair))
            return segments.take(part) if self._stream.address else None

    def _work(self, connection: Connection, segment: FetchSegment, body: Body | None) -> None:
        current: FetchSegment | None = segment
        try:
            if body:
                self._receive_first(segment, body)
                # From here on, the connection that was started beside it may be enough.
                current = segment if segment.left else None
            while current and not self._writer.is_stopped:
                self._fetch(current, connection)
                current = self._take()
        except BaseException as error:
            self._give_up(current, error)
        finally:
            connection.close()
            with self._writer.changed:
                self._connections.discard(connection)
                self._writer.changed.notify_all()

    def _give_up(self, segment: FetchSegment | None, error: BaseException) -> None:
        with self._writer.changed:
            if segment:
                self._writer.segments.give_back(segment)
            if isinstance(error, Retryable) and len(self._connections) > 1:
                self._given_up = error  # the others take over
            elif not self._failure:
                self._failure = error.error if isinstance(error, NotWritten) else error

    def _receive_first(self, segment: FetchSegment, body: Body) -> None:
        def fill(view: memoryview) -> int:
            data = body.read(len(view))
            view[: len(data)] = data
            return len(data)

        try:
            self._receive(segment, fill)
        except Retryable:
            if not self._stream.address:
                raise

    def _fetch(self, segment: FetchSegment, connection: Connection) -> None:
        """Receive `segment`, over a new connection whenever one breaks."""
        failed = 0
        while segment.left and not self._writer.is_stopped:
            before = segment.position
            try:
                self._request(segment, connection)
            except Retryable as retryable:
                connection.close()
                failed = 1 if segment.position > before else failed + 1
                # The transfer, which knows the deadline, decides how long to wait for the store.
                is_refused = isinstance(retryable, AddressRefused)
                if failed >= _CONNECTION_TRIES or retryable.after or is_refused:
                    raise
                self._writer.pause(jitter(self._clock.rng, failed))

    def _request(self, segment: FetchSegment, connection: Connection) -> None:
        address = self._stream.address
        if not address:
            size = self._stream.version.size
            raise Retryable(Truncated(self._url, size, "reason: the connection closed early"))
        headers = {"Range": f"bytes={segment.position}-{segment.end - 1}"}
        try:
            response = connection.get(address.url, {**address.headers, **headers})
            self._range_check.check(response, segment.position)
            self._has_ranges = True
            self._receive(segment, response.readinto)
        except (OSError, http.client.HTTPException) as error:
            raise Retryable(Unreachable(self._url, reason(error))) from error
        if not connection.is_free:
            connection.close()

    def _receive(self, segment: FetchSegment, fill: Fill) -> None:
        if not self._writer.receive(segment, fill):
            self._end(segment)

    def _end(self, segment: FetchSegment) -> None:
        size = self._stream.version.size
        if size is not None:
            got = f"received: {self._writer.received} bytes"
            raise Retryable(Truncated(self._url, size, got))
        with self._writer.changed:
            self._writer.segments.end_at(segment.position)

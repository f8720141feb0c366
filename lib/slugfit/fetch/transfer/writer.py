"""Writes what the connections receive into the file, and passes it on to be hashed.

Pieces that arrive at the frontier, where no earlier byte is missing, are passed on in memory, while
they are in the processor's cache. The rest is read back from the file once its gap has closed.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

from slugfit.fetch.transfer.limits import TransferLimits
from slugfit.fetch.transfer.partial import Partial
from slugfit.fetch.transfer.segments import FetchSegment, Segments

_AHEAD = 8  # pieces that wait to be hashed; a connection with more waits, too
_WAKE = 4  # pieces: a wake-up for each one would cost more than it saves
_POLL_SECONDS = 0.01

Fill = Callable[[memoryview], int]
"""Fills a buffer with what has arrived; returns the number of bytes, 0 at the end."""


class PieceWriter:
    """All state is only used while holding the condition `changed`."""

    def __init__(self, partial: Partial, segments: Segments, limits: TransferLimits) -> None:
        self.changed = threading.Condition()
        self.segments = segments
        self.is_stopped = False
        self._partial = partial
        self.limits = limits
        self._writing = 0
        self._fresh: deque[tuple[int, memoryview]] = deque()
        self._spare: list[memoryview] = []
        self._lent: memoryview | None = None
        self._is_far = False

    @property
    def received(self) -> int:
        with self.changed:
            return self.segments.received

    @property
    def is_complete(self) -> bool:
        with self.changed:
            return self.segments.is_complete

    def beyond_frontier(self) -> list[tuple[int, int]]:
        with self.changed:
            return self.segments.beyond_frontier()

    def next(self, hashed: int) -> tuple[int, memoryview | None]:
        """Where the bytes that follow `hashed` end, and those bytes unless they are in the file.

        Waits a moment when there are none. The bytes are valid until the next call.
        """
        with self.changed:
            if not self._fresh and self.segments.frontier == hashed:
                self.changed.wait(_POLL_SECONDS)
            self._recycle(self._lent)
            end = self._fresh[0][0] if self._fresh else self.segments.frontier
            self._is_far = end - hashed > self.limits.largest_part
            if end > hashed or not self._fresh:
                self._lent = None
                self.changed.notify_all()
                return end, None
            _, self._lent = self._fresh.popleft()
            if len(self._fresh) == _WAKE:
                self.changed.notify_all()
            return hashed + len(self._lent), self._lent

    def stop(self) -> None:
        """From now on, no thread writes."""
        with self.changed:
            self.is_stopped = True
            self.changed.notify_all()
            # The file is about to be closed, and its descriptor to be reused.
            while self._writing:
                self.changed.wait()

    def pause(self, seconds: float) -> None:
        """Sleep, unless everything is stopped."""
        with self.changed:
            self.changed.wait_for(lambda: self.is_stopped, seconds)

    def receive(self, segment: FetchSegment, fill: Fill) -> bool:
        """Write what arrives of `segment`, a part of which another connection may take over.

        False when it ended too early. Raises what `fill` raises, or NotWritten.
        """
        while segment.left and (buffer := self._buffer_for(segment)):
            count, error = _fill(fill, buffer[: segment.left])
            self._write(segment, buffer[:count])
            if error:
                raise error
            if not count:
                return False
        return True

    def _buffer_for(self, segment: FetchSegment) -> memoryview | None:
        """None once everything is stopped."""
        with self.changed:
            while self._is_full and self.segments.frontier == segment.position:
                self.changed.wait()
            if self.is_stopped:
                return None
            return self._spare.pop() if self._spare else memoryview(bytearray(self.limits.piece))

    @property
    def _is_full(self) -> bool:
        """Whether to wait for the hashing thread, unless that is still reading the file back."""
        return len(self._fresh) > _AHEAD and not (self._is_far or self.is_stopped)

    def _recycle(self, piece: memoryview | None) -> None:
        if piece is not None:
            self._spare.append(memoryview(piece.obj))

    def _write(self, segment: FetchSegment, piece: memoryview) -> None:
        with self.changed:
            if self.is_stopped:
                return
            self._writing += 1
        written = False
        try:
            self._partial.write(piece, segment.position)
            written = True
        except OSError as error:
            raise NotWritten(error) from error
        finally:
            with self.changed:
                self._writing -= 1
                if written:
                    self._advance(segment, piece)
                if self.is_stopped:
                    self.changed.notify_all()

    def _advance(self, segment: FetchSegment, piece: memoryview) -> None:
        start = segment.position
        at_frontier = self.segments.frontier == start
        segment.position += len(piece)
        if not piece or not at_frontier or len(self._fresh) > _AHEAD:
            self._recycle(piece)
            return
        self._fresh.append((start, piece))
        if len(self._fresh) == _WAKE:
            self.changed.notify_all()


class NotWritten(Exception):  # noqa: N818 (a fact, not an error)
    """A disk error, as opposed to one of the network."""

    def __init__(self, error: OSError) -> None:
        self.error = error


def _fill(fill: Fill, view: memoryview) -> tuple[int, Exception | None]:
    """Enough bytes for a write (TLS delivers 16 KiB at a time), and the error that ended them."""
    count = 0
    while count <= len(view) // 2:
        try:
            more = fill(view[count:])
        except Exception as error:
            return count, error
        if not more:
            break
        count += more
    return count, None

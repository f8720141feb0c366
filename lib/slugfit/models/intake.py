"""Where the connections bring the bytes of one object: into its file, and to whoever hashes them.

What comes at the frontier, where no byte before is missing, is handed over in memory, while the
processor's cache has it. The rest is read back from the file once the gap before it has closed.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

from slugfit.models.partial import Partial
from slugfit.models.segments import Segment, Segments
from slugfit.models.tuning import Tuning

_AHEAD = 8  # pieces that wait to be hashed; whoever brings more waits too
_WAKE = 4  # to be told of every piece would cost more than it brings
_POLL_SECONDS = 0.01

Fill = Callable[[memoryview], int]
"""Puts into a buffer what has come: how many bytes; none at the end. Raises when they stop."""


class Intake:
    """Everything is used under `changed`, by which all wait for one another."""

    def __init__(self, partial: Partial, segments: Segments, tuning: Tuning) -> None:
        self.changed = threading.Condition()
        self.segments = segments
        self.is_stopped = False
        self._partial = partial
        self.tuning = tuning
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
        """Up to where the bytes from `hashed` on are there, and those, unless they are to be read.

        Waits a moment when there are none. The bytes are gone with the next call.
        """
        with self.changed:
            if not self._fresh and self.segments.frontier == hashed:
                self.changed.wait(_POLL_SECONDS)
            self._recycle(self._lent)
            end = self._fresh[0][0] if self._fresh else self.segments.frontier
            self._is_far = end - hashed > self.tuning.largest_part
            if end > hashed or not self._fresh:
                self._lent = None
                self.changed.notify_all()
                return end, None
            _, self._lent = self._fresh.popleft()
            if len(self._fresh) == _WAKE:
                self.changed.notify_all()
            return hashed + len(self._lent), self._lent

    def stop(self) -> None:
        """From now on, nobody writes."""
        with self.changed:
            self.is_stopped = True
            self.changed.notify_all()
            # The file is about to be closed, and its number to be another file's.
            while self._writing:
                self.changed.wait()

    def pause(self, seconds: float) -> None:
        """Sleep, unless everything is stopped."""
        with self.changed:
            self.changed.wait_for(lambda: self.is_stopped, seconds)

    def receive(self, segment: Segment, fill: Fill) -> bool:
        """Take in what comes of `segment`, of which another connection may take a part.

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

    def _buffer_for(self, segment: Segment) -> memoryview | None:
        """None when nothing is wanted any more."""
        with self.changed:
            while self._is_full and self.segments.frontier == segment.position:
                self.changed.wait()
            if self.is_stopped:
                return None
            return self._spare.pop() if self._spare else memoryview(bytearray(self.tuning.piece))

    @property
    def _is_full(self) -> bool:
        """Whether to wait for who hashes; but not for one who has a long way to go to here."""
        return len(self._fresh) > _AHEAD and not (self._is_far or self.is_stopped)

    def _recycle(self, piece: memoryview | None) -> None:
        if piece is not None:
            self._spare.append(memoryview(piece.obj))

    def _write(self, segment: Segment, piece: memoryview) -> None:
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

    def _advance(self, segment: Segment, piece: memoryview) -> None:
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
    """The disk's error, told apart from the network's."""

    def __init__(self, error: OSError) -> None:
        self.error = error


def _fill(fill: Fill, view: memoryview) -> tuple[int, Exception | None]:
    """As many bytes as are worth a write (TLS brings 16 KiB at a time), and what ended them."""
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

"""Which bytes of an object have arrived, which are in transit, and which to fetch next."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class FetchSegment:
    """Bytes `start` to `position` have arrived; a connection fetches those up to `end`."""

    start: int
    position: int
    end: int

    @property
    def left(self) -> int:
        return self.end - self.position


class Segments:
    """An object of `size` bytes, of which the ranges `there` (start, end) have arrived.

    No connection takes over less than `smallest` from another one. Not thread-safe: callers hold
    a lock.
    """

    def __init__(
        self, size: int, there: list[tuple[int, int]] | None = None, smallest: int = 1
    ) -> None:
        self.size = size
        self._smallest = smallest
        self._all = [FetchSegment(start, end, end) for start, end in sorted(there or [])]
        self._free = _gaps(size, self._all)

    @property
    def is_complete(self) -> bool:
        return self.frontier == self.size

    @property
    def received(self) -> int:
        return sum(segment.position - segment.start for segment in self._all)

    @property
    def frontier(self) -> int:
        """The number of bytes that have arrived without a gap."""
        reached = 0
        for segment in self._all:
            if segment.start > reached:
                break
            reached = max(reached, segment.position)
        return reached

    @property
    def first_missing(self) -> int:
        """Where to continue; `size` when every byte is taken."""
        return self._free[0].start if self._free else self.size

    def beyond_frontier(self) -> list[tuple[int, int]]:
        """The ranges that have arrived after the first gap."""
        frontier = self.frontier
        return [(s.start, s.position) for s in self._all if frontier < s.start < s.position]

    def ranges(self) -> list[tuple[int, int]]:
        """All that has arrived, in order; adjacent ranges are one."""
        merged: list[tuple[int, int]] = []
        for segment in self._all:
            start, end = segment.start, segment.position
            if merged and start <= merged[-1][1]:
                start, end = merged[-1][0], max(end, merged.pop()[1])
            if start < end:
                merged.append((start, end))
        return merged

    def end_at(self, size: int) -> None:
        """The object turns out to end here."""
        self.size = size
        self._free = []
        for segment in self._all:
            segment.end = min(segment.end, size)

    def take(self, at_most: int | None = None) -> FetchSegment | None:
        """The first free range, or else half of the longest that another connection has left.

        None when nothing is left that is worth a request.
        """
        if self._free:
            return self._start(self._free.pop(0), at_most)
        longest = max(self._all, key=lambda segment: segment.left, default=None)
        if longest is None or longest.left < 2 * self._smallest:
            return None
        middle = longest.position + longest.left // 2
        taken = FetchSegment(middle, middle, longest.end)
        longest.end = middle
        return self._start(taken)

    def give_back(self, segment: FetchSegment) -> None:
        """Free what is left of `segment`."""
        if segment.left:
            self._free.append(FetchSegment(segment.position, segment.position, segment.end))
            self._free.sort(key=lambda free: free.start)
        segment.end = segment.position

    def _start(self, segment: FetchSegment, at_most: int | None = None) -> FetchSegment:
        if at_most is not None and segment.left > at_most:
            rest = segment.start + at_most
            self._free.insert(0, FetchSegment(rest, rest, segment.end))
            segment.end = rest
        self._all.append(segment)
        self._all.sort(key=lambda one: one.start)
        return segment


def _gaps(size: int, there: list[FetchSegment]) -> list[FetchSegment]:
    gaps, reached = [], 0
    for segment in [*there, FetchSegment(size, size, size)]:
        if segment.start > reached:
            gaps.append(FetchSegment(reached, reached, segment.start))
        reached = max(reached, segment.end)
    return gaps

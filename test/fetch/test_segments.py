"""Whoever takes and gives back ranges in whatever order: each byte is one's, and none is lost."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from slugfit.fetch.transfer.segments import FetchSegment, Segments

MOST = 200


class Work(RuleBasedStateMachine):
    """An object whose bytes are fetched by several at once, beside a plain set of them."""

    @initialize(size=st.integers(0, MOST), smallest=st.integers(1, 20), data=st.data())
    def begin(self, size: int, smallest: int, data: st.DataObject) -> None:
        cuts = data.draw(st.lists(st.integers(0, size), max_size=8, unique=True))
        bounds = sorted(cuts)
        there = list(zip(bounds[::2], bounds[1::2], strict=False))
        self.size = size
        self.smallest = smallest
        self.there = {byte for start, end in there for byte in range(start, end)}
        self.segments = Segments(size, there, smallest)
        self.taken: list[FetchSegment] = []

    @rule(at_most=st.none() | st.integers(1, 50))
    def take(self, at_most: int | None) -> None:
        idle = self._idle()
        longest = max((segment.left for segment in self.taken), default=0)
        segment = self.segments.take(at_most)
        if segment is None:
            assert not idle
            assert longest < 2 * self.smallest
            return
        assert segment.start == segment.position < segment.end
        if idle:
            # What is first comes first: it can be hashed.
            assert segment.start == min(idle)
            assert at_most is None or segment.left <= at_most
        else:
            assert segment.left >= self.smallest
        self.taken.append(segment)

    @precondition(lambda self: self.taken)
    @rule(data=st.data())
    def advance(self, data: st.DataObject) -> None:
        segment = data.draw(st.sampled_from(self.taken))
        count = data.draw(st.integers(0, segment.left))
        self.there |= set(range(segment.position, segment.position + count))
        segment.position += count

    @precondition(lambda self: self.taken)
    @rule(data=st.data())
    def give_back(self, data: st.DataObject) -> None:
        segment = data.draw(st.sampled_from(self.taken))
        self.taken.remove(segment)
        self.segments.give_back(segment)

    @rule()
    def go_on_later(self) -> None:
        """Another run knows only what was there."""
        self.segments = Segments(self.size, self.segments.ranges(), self.smallest)
        self.taken = []

    @invariant()
    def no_byte_is_the_work_of_two(self) -> None:
        work = [byte for segment in self.taken for byte in self._left_of(segment)]
        assert len(work) == len(set(work))
        assert not self.there & set(work)

    @invariant()
    def what_is_there_is_told(self) -> None:
        frontier = next(byte for byte in range(self.size + 1) if byte not in self.there)
        ranges = self.segments.ranges()
        assert self.segments.received == len(self.there)
        assert self.segments.frontier == frontier
        assert self.segments.is_complete == (len(self.there) == self.size)
        assert self.segments.first_missing == min(self._idle(), default=self.size)
        assert {byte for start, end in ranges for byte in range(start, end)} == self.there
        assert all(end < start for (_, end), (start, _) in pairwise(ranges))
        assert all(start < end for start, end in ranges)

    @invariant()
    def what_is_beyond_the_frontier_is_told(self) -> None:
        beyond = self.segments.beyond_frontier()
        told = [byte for start, end in beyond for byte in range(start, end)]
        assert len(told) == len(set(told))
        assert set(told) == {byte for byte in self.there if byte > self.segments.frontier}

    def teardown(self) -> None:
        """With patience everything arrives."""
        for segment in self.taken:
            self.segments.give_back(segment)
        while segment := self.segments.take():  # type: ignore[assignment]
            segment.position = segment.end
        assert self.segments.is_complete
        assert self.segments.ranges() == ([(0, self.size)] if self.size else [])

    def _idle(self) -> set[int]:
        """The bytes that are neither there nor anybody's work."""
        work = {byte for segment in self.taken for byte in self._left_of(segment)}
        return set(range(self.size)) - self.there - work

    @staticmethod
    def _left_of(segment: FetchSegment) -> range:
        return range(segment.position, segment.end)


Work.TestCase.settings = settings(max_examples=200, deadline=None)
TestWork = Work.TestCase


def test_half_of_the_longest_is_taken_over() -> None:
    segments = Segments(100, smallest=10)
    first = segments.take()
    second = segments.take()
    assert first and second
    assert (first.end, second.start, second.end) == (50, 50, 100)
    first.position = 30
    third = segments.take()
    assert third
    assert (third.start, third.end, second.end) == (75, 100, 75)


def test_an_object_of_unknown_size_ends_where_its_bytes_do() -> None:
    segments = Segments(2**63 - 1)
    only = segments.take()
    assert only
    only.position = 7
    assert not segments.is_complete
    segments.end_at(7)
    assert segments.is_complete
    assert (segments.size, only.left, segments.take()) == (7, 0, None)


def test_an_empty_object_is_complete() -> None:
    assert Segments(0).is_complete
    assert Segments(0).take() is None

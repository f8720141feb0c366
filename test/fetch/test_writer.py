"""What connections bring is written, and handed over to be hashed, in order, as it comes."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from slugfit.fetch.transfer.limits import TransferLimits
from slugfit.fetch.transfer.partial import Partial, open_partial
from slugfit.fetch.transfer.segments import FetchSegment, Segments
from slugfit.fetch.transfer.writer import Fill, NotWritten, PieceWriter
from support.chance import chance

PIECE = 1_000
CONTENT = chance(4).randbytes(100 * PIECE)
LIMITS = TransferLimits(piece=PIECE, smallest_part=PIECE, largest_part=10 * PIECE)


@pytest.fixture
def partial(tmp_path: Path) -> Iterator[Partial]:
    with open_partial(tmp_path / "part") as partial:
        yield partial


@pytest.fixture
def writer(partial: Partial) -> Iterator[PieceWriter]:
    writer = PieceWriter(partial, Segments(len(CONTENT), None, PIECE), LIMITS)
    yield writer
    writer.stop()


def bringing(segment: FetchSegment, end: int = len(CONTENT)) -> Fill:
    """All of the content from where the segment begins, as fast as it is taken."""
    position = segment.position

    def fill(view: memoryview) -> int:
        nonlocal position
        data = CONTENT[position : min(end, position + len(view))]
        view[: len(data)] = data
        position += len(data)
        return len(data)

    return fill


def take(writer: PieceWriter, size: int) -> FetchSegment:
    segment = writer.segments.take(size)
    assert segment
    return segment


def in_background(work: Callable[[], object]) -> threading.Thread:
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


def hash_all(writer: PieceWriter, partial: Partial) -> list[int]:
    """Hash until all is hashed; how many bytes were read from the file."""
    read = []
    while partial.hashed < len(CONTENT):
        hashed = partial.hashed
        end, piece = writer.next(hashed)
        if piece:
            partial.hash(piece)
        else:
            partial.hash_to(end)
            read.append(partial.hashed - hashed)
    return read


def test_what_comes_in_order_is_not_read_from_the_file(
    writer: PieceWriter, partial: Partial
) -> None:
    segment = take(writer, len(CONTENT))
    thread = in_background(lambda: writer.receive(segment, bringing(segment)))
    assert sum(hash_all(writer, partial)) == 0
    thread.join()
    assert partial.digest.digest() == hashlib.sha256(CONTENT).digest()
    assert partial.path.read_bytes() == CONTENT


def test_who_brings_more_than_is_hashed_waits(writer: PieceWriter, partial: Partial) -> None:
    segment = take(writer, len(CONTENT))
    thread = in_background(lambda: writer.receive(segment, bringing(segment)))
    time.sleep(0.1)
    assert thread.is_alive()
    assert segment.position < 20 * PIECE
    hash_all(writer, partial)
    thread.join()


def test_what_lies_behind_a_gap_is_read_once_that_has_closed(
    writer: PieceWriter, partial: Partial
) -> None:
    first, later = take(writer, 5 * PIECE), take(writer, len(CONTENT))
    assert writer.receive(later, bringing(later))
    assert writer.next(0) == (0, None)
    assert writer.receive(first, bringing(first))
    assert sum(hash_all(writer, partial)) == later.end - later.start
    assert partial.digest.digest() == hashlib.sha256(CONTENT).digest()


def test_nobody_waits_for_one_who_has_a_long_way_to_go(
    writer: PieceWriter, partial: Partial
) -> None:
    first, second, rest = take(writer, PIECE), take(writer, 20 * PIECE), take(writer, len(CONTENT))
    assert writer.receive(second, bringing(second))
    assert writer.receive(first, bringing(first))
    end, piece = writer.next(0)
    assert piece
    partial.hash(piece)
    assert writer.next(end) == (second.end, None)
    assert writer.receive(rest, bringing(rest))
    assert sum(hash_all(writer, partial)) > second.end - second.start
    assert partial.digest.digest() == hashlib.sha256(CONTENT).digest()


def test_small_pieces_are_gathered(writer: PieceWriter) -> None:
    segment = take(writer, 2 * PIECE)
    fill = bringing(segment)
    assert writer.receive(segment, lambda view: fill(view[:100]))
    _, piece = writer.next(0)
    assert piece and len(piece) > PIECE / 2


def test_what_came_before_an_error_is_kept(writer: PieceWriter, partial: Partial) -> None:
    segment = take(writer, len(CONTENT))
    fills = [bringing(segment, 300)]

    def fill(view: memoryview) -> int:
        return fills.pop()(view)  # and then raises

    with pytest.raises(IndexError):
        writer.receive(segment, fill)
    assert segment.position == writer.received == 300
    assert partial.path.read_bytes() == CONTENT[:300]


def test_an_end_that_comes_too_early_is_told(writer: PieceWriter) -> None:
    segment = take(writer, len(CONTENT))
    assert not writer.receive(segment, bringing(segment, 5 * PIECE))
    assert segment.position == 5 * PIECE


def test_a_disk_that_takes_nothing_is_told_apart(writer: PieceWriter, partial: Partial) -> None:
    segment = take(writer, len(CONTENT))
    whole, partial.descriptor = partial.descriptor, -1
    with pytest.raises(NotWritten):
        writer.receive(segment, bringing(segment))
    partial.descriptor = whole
    assert writer.received == 0


def test_a_stop_ends_all_waiting(writer: PieceWriter) -> None:
    segment = take(writer, len(CONTENT))
    threads = [
        in_background(lambda: writer.receive(segment, bringing(segment))),
        in_background(lambda: writer.pause(60)),
    ]
    time.sleep(0.1)
    writer.stop()
    for thread in threads:
        thread.join(5)
        assert not thread.is_alive()
    assert segment.left

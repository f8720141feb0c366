"""What connections bring is written, and handed over to be hashed, in order, as it comes."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from slugfit.models.intake import Fill, Intake, NotWritten
from slugfit.models.partial import Partial, opened
from slugfit.models.segments import Segment, Segments
from slugfit.models.tuning import Tuning
from unit.chance import chance

PIECE = 1_000
CONTENT = chance(4).randbytes(100 * PIECE)
TUNING = Tuning(piece=PIECE, smallest_part=PIECE, largest_part=10 * PIECE)


@pytest.fixture
def partial(tmp_path: Path) -> Iterator[Partial]:
    with opened(tmp_path / "part") as partial:
        yield partial


@pytest.fixture
def intake(partial: Partial) -> Iterator[Intake]:
    intake = Intake(partial, Segments(len(CONTENT), None, PIECE), TUNING)
    yield intake
    intake.stop()


def bringing(segment: Segment, end: int = len(CONTENT)) -> Fill:
    """All of the content from where the segment begins, as fast as it is taken."""
    position = segment.position

    def fill(view: memoryview) -> int:
        nonlocal position
        data = CONTENT[position : min(end, position + len(view))]
        view[: len(data)] = data
        position += len(data)
        return len(data)

    return fill


def take(intake: Intake, size: int) -> Segment:
    segment = intake.segments.take(size)
    assert segment
    return segment


def in_background(work: Callable[[], object]) -> threading.Thread:
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


def hash_all(intake: Intake, partial: Partial) -> list[int]:
    """Hash until all is hashed; how many bytes were read from the file."""
    read = []
    while partial.hashed < len(CONTENT):
        hashed = partial.hashed
        end, piece = intake.next(hashed)
        if piece:
            partial.hash(piece)
        else:
            partial.hash_to(end)
            read.append(partial.hashed - hashed)
    return read


def test_what_comes_in_order_is_not_read_from_the_file(intake: Intake, partial: Partial) -> None:
    segment = take(intake, len(CONTENT))
    thread = in_background(lambda: intake.receive(segment, bringing(segment)))
    assert sum(hash_all(intake, partial)) == 0
    thread.join()
    assert partial.digest.digest() == hashlib.sha256(CONTENT).digest()
    assert partial.path.read_bytes() == CONTENT


def test_who_brings_more_than_is_hashed_waits(intake: Intake, partial: Partial) -> None:
    segment = take(intake, len(CONTENT))
    thread = in_background(lambda: intake.receive(segment, bringing(segment)))
    time.sleep(0.1)
    assert thread.is_alive()
    assert segment.position < 20 * PIECE
    hash_all(intake, partial)
    thread.join()


def test_what_lies_behind_a_gap_is_read_once_that_has_closed(
    intake: Intake, partial: Partial
) -> None:
    first, later = take(intake, 5 * PIECE), take(intake, len(CONTENT))
    assert intake.receive(later, bringing(later))
    assert intake.next(0) == (0, None)
    assert intake.receive(first, bringing(first))
    assert sum(hash_all(intake, partial)) == later.end - later.start
    assert partial.digest.digest() == hashlib.sha256(CONTENT).digest()


def test_nobody_waits_for_one_who_has_a_long_way_to_go(intake: Intake, partial: Partial) -> None:
    first, second, rest = take(intake, PIECE), take(intake, 20 * PIECE), take(intake, len(CONTENT))
    assert intake.receive(second, bringing(second))
    assert intake.receive(first, bringing(first))
    end, piece = intake.next(0)
    assert piece
    partial.hash(piece)
    assert intake.next(end) == (second.end, None)
    assert intake.receive(rest, bringing(rest))
    assert sum(hash_all(intake, partial)) > second.end - second.start
    assert partial.digest.digest() == hashlib.sha256(CONTENT).digest()


def test_small_pieces_are_gathered(intake: Intake) -> None:
    segment = take(intake, 2 * PIECE)
    fill = bringing(segment)
    assert intake.receive(segment, lambda view: fill(view[:100]))
    _, piece = intake.next(0)
    assert piece and len(piece) > PIECE / 2


def test_what_came_before_an_error_is_kept(intake: Intake, partial: Partial) -> None:
    segment = take(intake, len(CONTENT))
    fills = [bringing(segment, 300)]

    def fill(view: memoryview) -> int:
        return fills.pop()(view)  # and then raises

    with pytest.raises(IndexError):
        intake.receive(segment, fill)
    assert segment.position == intake.received == 300
    assert partial.path.read_bytes() == CONTENT[:300]


def test_an_end_that_comes_too_early_is_told(intake: Intake) -> None:
    segment = take(intake, len(CONTENT))
    assert not intake.receive(segment, bringing(segment, 5 * PIECE))
    assert segment.position == 5 * PIECE


def test_a_disk_that_takes_nothing_is_told_apart(intake: Intake, partial: Partial) -> None:
    segment = take(intake, len(CONTENT))
    whole, partial.descriptor = partial.descriptor, -1
    with pytest.raises(NotWritten):
        intake.receive(segment, bringing(segment))
    partial.descriptor = whole
    assert intake.received == 0


def test_a_stop_ends_all_waiting(intake: Intake) -> None:
    segment = take(intake, len(CONTENT))
    threads = [
        in_background(lambda: intake.receive(segment, bringing(segment))),
        in_background(lambda: intake.pause(60)),
    ]
    time.sleep(0.1)
    intake.stop()
    for thread in threads:
        thread.join(5)
        assert not thread.is_alive()
    assert segment.left

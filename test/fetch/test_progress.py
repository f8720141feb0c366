"""A transfer tells how it goes: a line now and then in a log, a bar where somebody watches."""

from __future__ import annotations

import fcntl
import io
import os
import pty
import struct
import termios
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slugfit.base.output import Output, Redactor
from slugfit.fetch.progress import Progress
from support.build_log import BuildLog

MB = 1_000_000
SOURCE = "s3://bucket/m.bin"
HEAD = f"-----> Fetching models/m.bin (100.0 MB)\n       from {SOURCE}\n"


class Watch:
    """A clock that stands still unless a test moves it."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Transfer:
    """A transfer that is only told of."""

    def __init__(self, output: Output) -> None:
        self._clock = Watch()
        self._progress = Progress("models/m.bin", SOURCE, output, self._clock)

    def begin(self, size: int | None = 100 * MB, there: int = 0) -> None:
        self._progress.begin(size, there)

    def move(self, seconds: float, received: int) -> None:
        """`seconds` later, so many bytes are there."""
        self._clock.now += seconds
        self._progress.move(received)

    def end(self, seconds: float, received: int) -> None:
        self._clock.now += seconds
        self._progress.end(received)


def test_a_short_transfer_is_told_in_three_lines() -> None:
    log = BuildLog()
    transfer = Transfer(log.output)
    transfer.begin()
    transfer.move(1.0, 50 * MB)
    transfer.end(1.0, 100 * MB)
    assert log.steps == f"{HEAD}       100.0 MB in 2.0 s, 50.0 MB/s\n"


def test_every_five_seconds_a_line_tells_how_far_it_is_and_how_long_it_will_take() -> None:
    log = BuildLog()
    transfer = Transfer(log.output)
    transfer.begin()
    for second in range(1, 13):
        transfer.move(1.0, second * 2 * MB)
    transfer.end(0.0, 100 * MB)
    assert log.steps == (
        f"{HEAD}"
        "       10.0 MB of 100.0 MB, 2.0 MB/s, 45.0 s left\n"
        "       20.0 MB of 100.0 MB, 2.0 MB/s, 40.0 s left\n"
        "       100.0 MB in 12.0 s, 8.3 MB/s\n"
    )


def test_a_transfer_that_stands_still_says_so() -> None:
    log = BuildLog()
    transfer = Transfer(log.output)
    transfer.begin()
    transfer.move(6.0, 0)
    assert log.steps == f"{HEAD}       0 B of 100.0 MB, 0 B/s\n"


def test_a_size_that_nobody_knows_is_not_guessed() -> None:
    log = BuildLog()
    transfer = Transfer(log.output)
    transfer.begin(None)
    transfer.move(5.0, 10 * MB)
    transfer.end(5.0, 20 * MB)
    assert log.steps == (
        f"-----> Fetching models/m.bin\n       from {SOURCE}\n"
        "       10.0 MB, 2.0 MB/s\n"
        "       20.0 MB in 10.0 s, 2.0 MB/s\n"
    )


def test_what_an_earlier_run_has_left_does_not_count_as_fast() -> None:
    log = BuildLog()
    transfer = Transfer(log.output)
    transfer.begin(there=60 * MB)
    transfer.move(5.0, 70 * MB)
    transfer.end(5.0, 100 * MB)
    assert log.steps == (
        f"{HEAD}       resuming after 60.0 MB from an earlier run\n"
        "       70.0 MB of 100.0 MB, 2.0 MB/s, 15.0 s left\n"
        "       40.0 MB in 10.0 s, 4.0 MB/s\n"
    )


def test_what_turns_out_to_be_of_no_use_counts_again() -> None:
    log = BuildLog()
    transfer = Transfer(log.output)
    transfer.begin(there=60 * MB)
    transfer.move(1.0, 0)
    transfer.end(9.0, 100 * MB)
    assert log.steps.endswith("       100.0 MB in 10.0 s, 10.0 MB/s\n")


def test_an_empty_object_has_no_speed() -> None:
    log = BuildLog()
    transfer = Transfer(log.output)
    transfer.begin(0)
    transfer.end(0.0, 0)
    assert log.steps.endswith("       0 B in 0.0 s\n")


STEPS = st.lists(st.tuples(st.floats(0, 1e6), st.integers(0, 10**13)), max_size=5)


@given(st.none() | st.integers(0, 10**13), st.integers(0, 10**13), STEPS, st.integers(40, 200))
def test_whatever_happens_no_number_is_negative_and_no_line_too_long(
    size: int | None, there: int, steps: list[tuple[float, int]], columns: int
) -> None:
    log = BuildLog()
    with Terminal(columns) as terminal:
        for output in (log.output, terminal.output):
            transfer = Transfer(output)
            transfer.begin(size, there)
            for seconds, received in steps:
                transfer.move(seconds, received)
            transfer.end(1.0, steps[-1][1] if steps else 0)
        shown = terminal.read().replace("\r\n", "\n")
    assert "-" not in log.steps.replace("----->", "")
    # What follows the last one clears it, and stays.
    replaceable = shown.split("\r\033[K")[1:-1]
    assert all(len(line) < columns for line in replaceable)


# --- on a terminal --------------------------------------------------------------------------


class Terminal:
    """A terminal, and an output whose stdout it is; a context manager."""

    def __init__(self, columns: int) -> None:
        self._screen, keyboard = pty.openpty()
        fcntl.ioctl(keyboard, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        self._stdout = os.fdopen(keyboard, "w")
        self.output = Output(self._stdout, io.StringIO(), Redactor())

    def read(self) -> str:
        """What was written so far."""
        os.set_blocking(self._screen, False)
        pieces = []
        while True:
            try:
                pieces.append(os.read(self._screen, 1 << 16))
            except BlockingIOError:
                return b"".join(pieces).decode()

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, *exception: object) -> None:
        self._stdout.close()
        os.close(self._screen)


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    with Terminal(80) as terminal:
        yield terminal


def test_on_a_terminal_a_bar_takes_the_place_of_the_one_before(terminal: Terminal) -> None:
    transfer = Transfer(terminal.output)
    transfer.begin()
    transfer.move(1.0, 25 * MB)
    transfer.move(0.01, 26 * MB)
    transfer.move(1.0, 50 * MB)
    transfer.end(2.0, 100 * MB)
    assert terminal.read() == (
        f"{HEAD}"
        "\r\033[K       [####............] 25.0 MB of 100.0 MB, 25.0 MB/s, 3.0 s left"
        "\r\033[K       [########........] 50.0 MB of 100.0 MB, 24.9 MB/s, 2.0 s left"
        "\r\033[K       100.0 MB in 4.0 s, 24.9 MB/s\n"
    ).replace("\n", "\r\n")


def test_without_a_size_there_is_no_bar(terminal: Terminal) -> None:
    transfer = Transfer(terminal.output)
    transfer.begin(None)
    transfer.move(1.0, 25 * MB)
    assert terminal.read().endswith("\r\033[K       25.0 MB, 25.0 MB/s")


def test_an_error_takes_the_place_of_the_bar_too(tmp_path: Path, terminal: Terminal) -> None:
    transfer = Transfer(terminal.output)
    transfer.begin()
    transfer.move(1.0, 25 * MB)
    terminal.read()
    terminal.output.warning("Something happened.")
    assert terminal.read() == "\r\033[K"


def test_a_terminal_that_does_not_know_its_width_gets_a_line_of_80() -> None:
    with Terminal(0) as terminal:
        terminal.output.transient("x" * 200)
        assert terminal.read() == "\r\033[K       " + "x" * 72


def test_a_log_is_no_terminal(tmp_path: Path) -> None:
    with (tmp_path / "log").open("w") as log:
        assert not Output(log, log, Redactor()).is_terminal

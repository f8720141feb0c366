"""Sizes and times are read as people write them, and written as people read them."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from slugfit.base.sizes import (
    count_of,
    format_change,
    format_percent,
    format_size,
    parse_duration,
    parse_size,
)

PETABYTE = 10**15
TERABYTE = 10**12


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("0B", 0),
        ("1B", 1),
        ("300MB", 300_000_000),
        ("300 MB", 300_000_000),
        ("  300MB\n", 300_000_000),
        ("300mb", 300_000_000),
        ("300Mb", 300_000_000),
        ("1000M", 1_000_000_000),
        ("1.5 GB", 1_500_000_000),
        ("0.5KB", 500),
        ("0.0001KB", 0),
        ("1K", 1_000),
        ("1G", 1_000_000_000),
        ("2TB", 2_000_000_000_000),
        ("1KiB", 1_024),
        ("512MiB", 536_870_912),
        ("1gib", 1_073_741_824),
        ("1TiB", 1_099_511_627_776),
    ],
)
def test_a_size_is_a_number_and_its_unit(text: str, count: int) -> None:
    assert parse_size(text) == count


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "MB",
        "300",
        "-1MB",
        "+1MB",
        ".5GB",
        "1.GB",
        "1,5GB",
        "1 000MB",
        "1_000MB",
        "1e3MB",
        "300XB",
        "300Mi",
        "300MBB",
        "300MB or so",
        "infMB",
        "nanMB",
        "0x10MB",
    ],
)
def test_anything_else_is_no_size(text: str) -> None:
    assert parse_size(text) is None


@given(st.text())
@example("9" * 400 + "GB")
@example("9" * 400 + ".5B")
def test_no_text_is_worse_than_no_size(text: str) -> None:
    size = parse_size(text)
    assert size is None or size >= 0


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0s", 0),
        ("90s", 90),
        ("20m", 1200),
        (" 20 m\n", 1200),
        ("1.5h", 5400),
        ("0.5s", 0.5),
    ],
)
def test_a_time_is_a_number_and_its_unit(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    "text",
    ["", "20", "m", "-1m", "1d", "20M", "1h30m", "1:30", "1e3s", "infs", "nans", "٣s", ".5s"],
)
def test_anything_else_is_no_time(text: str) -> None:
    assert parse_duration(text) is None


@given(st.text())
@example("9" * 400 + "h")
def test_no_text_is_worse_than_no_time(text: str) -> None:
    seconds = parse_duration(text)
    assert seconds is None or 0 <= seconds < 10**13


@given(st.integers(0, PETABYTE))
def test_bytes_are_read_to_the_last_one(count: int) -> None:
    assert parse_size(f"{count}B") == count
    assert parse_size(f"{count} b") == count


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (1, "1 B"),
        (999, "999 B"),
        (1_000, "1.0 KB"),
        (1_049, "1.0 KB"),
        (1_051, "1.1 KB"),
        (999_949, "999.9 KB"),
        (999_950, "1.0 MB"),
        (48_200_000, "48.2 MB"),
        (300_000_000, "300.0 MB"),
        (999_949_999, "999.9 MB"),
        (999_950_000, "1.00 GB"),
        (1_000_000_000, "1.00 GB"),
        (1_234_000_000, "1.23 GB"),
        (30_000_000_000, "30.00 GB"),
    ],
)
def test_a_size_is_written_in_the_unit_that_suits_it(count: int, text: str) -> None:
    assert format_size(count) == text


@given(st.integers(0, TERABYTE - 5_000_001))
def test_a_written_size_has_one_to_three_digits_before_the_point(count: int) -> None:
    assert re.fullmatch(r"\d{1,3} B|\d{1,3}\.\d [KM]B|\d{1,3}\.\d\d GB", format_size(count))


@given(st.integers(0, TERABYTE))
def test_a_written_size_is_at_most_half_its_last_digit_off(count: int) -> None:
    text = format_size(count)
    last_digit = {"B": 0, "KB": 100, "MB": 100_000, "GB": 10_000_000}[text.split()[1]]
    read = parse_size(text)
    assert read is not None
    assert abs(read - count) <= last_digit / 2 + 1


@given(st.integers(0, TERABYTE), st.integers(0, TERABYTE))
def test_a_larger_size_never_reads_as_a_smaller_one(one: int, other: int) -> None:
    below, above = sorted((one, other))
    assert (parse_size(format_size(below)) or 0) <= (parse_size(format_size(above)) or 0)


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 files"), (1, "1 file"), (2, "2 files"), (1_200, "1,200 files")],
)
def test_a_count_agrees_with_its_noun(count: int, text: str) -> None:
    assert count_of(count, "file") == text


@pytest.mark.parametrize(
    ("share", "text"),
    [(0.0, "0.0%"), (0.57, "57.0%"), (0.9612, "96.1%"), (0.99999, "99.9%"), (1.0, "100.0%")],
)
def test_a_percentage_is_rounded_down(share: float, text: str) -> None:
    assert format_percent(share) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "+0 B"), (212_000_000, "+212.0 MB"), (-3_000, "−3.0 KB")],  # noqa: RUF001 - a minus sign
)
def test_a_change_has_its_sign(count: int, text: str) -> None:
    assert format_change(count) == text

"""What a boot costs, by a stated model."""

from __future__ import annotations

import pytest

from bench.boot import fit
from slugfit.slug.boot import Boot, boot_of
from slugfit.slug.contents import Slug
from slugfit.slug.items import Item
from slugfit.slug.weigh.compress import Weight

MB = 1_000_000


def slug(compressed: int, raw: int, files: int) -> Slug:
    return Slug({Item("python", "Python"): Weight(raw, compressed)}, Weight(), files=files)


def test_an_empty_slug_costs_nothing() -> None:
    assert boot_of(slug(0, 0, 0)) == Boot(0, 0)


def test_a_download_takes_its_time_by_the_compressed_size() -> None:
    assert boot_of(slug(300 * MB, 0, 0)).download == pytest.approx(6.0)


def test_unpacking_takes_its_time_by_the_raw_size_and_the_files() -> None:
    assert boot_of(slug(0, 1000 * MB, 10_000)).unpack == pytest.approx(8.28)


@pytest.mark.parametrize("more", [(MB, 0, 0), (0, MB, 0), (0, 0, 1000)])
def test_more_of_anything_takes_longer(more: tuple[int, int, int]) -> None:
    size = (100 * MB, 300 * MB, 10_000)
    larger = tuple(a + b for a, b in zip(size, more, strict=True))
    assert boot_of(slug(*larger)).seconds > boot_of(slug(*size)).seconds


def test_the_bench_finds_the_line_through_its_points() -> None:
    rows = [
        (1.0, 50.0, 100.0, 3.0),
        (1.0, 9.0, 90.0, 1.0),
        (1.0, 8.0, 7.0, 20.0),
        (1.0, 99.0, 1.0, 0.0),
    ]
    rows += [(1.0, 20.0, 70.0, 9.0)]
    factors = [0.25, 0.01, 0.002, 0.05]
    seconds = [sum(f * x for f, x in zip(factors, row, strict=True)) for row in rows]
    assert fit(rows, seconds) == pytest.approx(factors)


def test_no_part_of_a_boot_takes_less_than_no_time() -> None:
    rows = [(1.0, 1.0, 2.0, 1.0), (1.0, 2.0, 3.0, 2.0), (1.0, 3.0, 5.0, 1.0), (1.0, 4.0, 6.0, 5.0)]
    found = fit([*rows, (1.0, 5.0, 9.0, 2.0)], [1.0, 1.4, 2.5, 2.1, 4.0])
    assert min(found) >= 0

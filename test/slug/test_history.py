"""What has changed since the last build."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from slugfit.slug.contents import Slug
from slugfit.slug.history import History, ItemChange, compare, history
from slugfit.slug.items import Item, Kind
from slugfit.slug.weigh.compress import Weight

MB = 1_000_000
PYTHON = Item("python", "Python")


def weights(
    *items: tuple[str, str, int], kind: Kind = "distribution", python: int = 15 * MB
) -> dict[Item, Weight]:
    found = {Item(kind, name, version): Weight(size * 3, size) for name, version, size in items}
    return {PYTHON: Weight(python * 3, python), **found}


def test_every_kind_of_change_is_found_the_largest_first() -> None:
    before = weights(("torch", "2.12.0", 180 * MB), ("black", "25.1", 2 * MB), ("app", "", MB))
    after = weights(
        ("torch", "2.13.0", 210 * MB), ("nvidia-cublas-cu12", "12.8", 180 * MB), ("app", "", 4 * MB)
    )
    found = compare(before, after)
    assert found == History(
        211 * MB,
        (
            ItemChange("nvidia-cublas-cu12", None, "12.8", 180 * MB),
            ItemChange("torch", "2.12.0", "2.13.0", 30 * MB),
            ItemChange("app", "", "", 3 * MB),
            ItemChange("black", "25.1", None, -2 * MB),
        ),
    )


@pytest.mark.parametrize(
    ("size", "changes"),
    [
        (0, 0),
        (14_000, 0),  # less than a thousandth of the slug
        (140_000, 0),  # more, but less than two estimates of one thing may differ
        (-140_000, 0),
        (200_000, 1),
        (-200_000, 1),
    ],
)
def test_what_is_hardly_a_change_is_none(size: int, changes: int) -> None:
    found = compare(weights(), weights(python=15 * MB + size))
    assert len(found.differences) == changes


def test_a_name_in_two_versions_is_compared_one_by_one() -> None:
    before = weights(("setuptools", "65.5", MB), ("setuptools", "80.9", MB))
    found = compare(before, weights(("setuptools", "65.5", MB)))
    assert found.differences == (ItemChange("setuptools", "80.9", None, -MB),)


def test_the_last_report_is_what_a_slug_is_compared_to(tmp_path: Path) -> None:
    last = tmp_path / "report.json"
    item = {"kind": "python", "name": "Python", "version": "", "compressed_bytes": 10 * MB}
    last.write_text(json.dumps({"schema_version": 2, "slug": {"items": [item]}}))
    found = history(Slug(weights(), Weight()), last)
    assert found == History(5 * MB, (ItemChange("Python", "", "", 5 * MB),))


@pytest.mark.parametrize(
    "content",
    [None, b"", b"[]", b'{"slug": 1}', b'{"slug": {"items": [{}]}}', b'{"slug": {"items": [7]}}'],
)
def test_without_a_last_report_there_is_no_history(tmp_path: Path, content: bytes | None) -> None:
    last = tmp_path / "report.json"
    if content is not None:
        last.write_bytes(content)
    assert history(Slug(weights(), Weight()), last) is None

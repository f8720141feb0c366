"""How a slug differs from that of the last successful build."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any

from slugfit.slug.contents import Slug
from slugfit.slug.items import Item
from slugfit.slug.weigh.compress import Weight
from slugfit.slug.weigh.sampling import ERROR

_SIGNIFICANT = 0.001  # as a share of the slug

_Sized = tuple[str, int]  # a version, and compressed bytes


@dataclass(frozen=True)
class ItemChange:
    """An item that was added, removed, updated or resized, by `bytes` compressed.

    `before` and `after` are versions; None for an item that was added or removed.
    """

    name: str
    before: str | None
    after: str | None
    bytes: int


@dataclass(frozen=True)
class History:
    """The change in compressed bytes, in total and by item, the largest first."""

    bytes: int = 0
    differences: tuple[ItemChange, ...] = ()


def history(slug: Slug, last: Path) -> History | None:
    """The differences from the slug in `last`, a report.json; None without a readable one."""
    try:
        document = json.loads(last.read_bytes())["slug"]["items"]
        before = {_item(item): Weight(0, int(item["compressed_bytes"])) for item in document}
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None
    return compare(before, slug.items)


def compare(before: Mapping[Item, Weight], after: Mapping[Item, Weight]) -> History:
    """The differences between two slugs that exceed a thousandth of the larger one."""
    total, earlier = _total(after), _total(before)
    threshold = _SIGNIFICANT * max(total, earlier)
    found = [d for d in _differences(before, after) if abs(d.bytes) > threshold]
    ordered = sorted(found, key=lambda d: (-abs(d.bytes), d.name))
    return History(total - earlier, tuple(ordered))


def _differences(
    before: Mapping[Item, Weight], after: Mapping[Item, Weight]
) -> Iterator[ItemChange]:
    old, new = _by_name(before), _by_name(after)
    for key in sorted(old.keys() | new.keys()):
        # Several versions of one name are paired in order.
        for left, right in zip_longest(old.get(key, ()), new.get(key, ())):
            if not _are_alike(left, right):
                yield ItemChange(
                    key[1],
                    left[0] if left else None,
                    right[0] if right else None,
                    (right[1] if right else 0) - (left[1] if left else 0),
                )


def _are_alike(left: _Sized | None, right: _Sized | None) -> bool:
    """Whether the sizes of one version differ by no more than two estimates can."""
    if left is None or right is None or left[0] != right[0]:
        return False
    return abs(right[1] - left[1]) <= 2 * ERROR * left[1]


def _by_name(items: Mapping[Item, Weight]) -> dict[tuple[str, str], list[_Sized]]:
    found: dict[tuple[str, str], list[_Sized]] = {}
    for item, weight in sorted(items.items(), key=lambda pair: pair[0].version):
        found.setdefault((item.kind, item.name), []).append((item.version, weight.compressed))
    return found


def _total(items: Mapping[Item, Weight]) -> int:
    return sum(weight.compressed for weight in items.values())


def _item(document: Mapping[str, Any]) -> Item:
    return Item(document["kind"], document["name"], document["version"])

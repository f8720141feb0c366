"""What has become of a slug since the last build that succeeded."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any

from slugfit.sizes import format_size
from slugfit.slug.contents import Slug
from slugfit.slug.tree import Item
from slugfit.slug.weighing.compress import Weight
from slugfit.slug.weighing.sampling import ERROR

_WORTH = 0.001  # of the slug: what is less is not told
_BIGGEST = 4

_Sized = tuple[str, int]  # a version, and compressed bytes


@dataclass(frozen=True)
class Difference:
    """An item that is new, gone, of another version, or of another size. `bytes` are compressed.

    `before` and `after` are versions; None where the item was not there, or no longer is.
    """

    name: str
    before: str | None
    after: str | None
    bytes: int

    def __str__(self) -> str:
        size = signed(self.bytes)
        if self.before is None:
            return f"new {self.name} {self.after}".rstrip() + f" ({size})"
        if self.after is None:
            return f"without {self.name} ({size})"
        if self.before != self.after:
            return f"{self.name} {self.before} → {self.after} ({size})"
        return f"{self.name} ({size})"


@dataclass(frozen=True)
class History:
    """How a slug differs from the last one: by compressed bytes, most first."""

    bytes: int = 0
    differences: tuple[Difference, ...] = ()

    def __str__(self) -> str:
        """One line, or nothing when nothing is worth telling."""
        if not self.differences:
            return ""
        told = [str(difference) for difference in self.differences[:_BIGGEST]]
        more = ["…"] if len(self.differences) > _BIGGEST else []
        return f"{signed(self.bytes)}: {', '.join([*told, *more])}"


def signed(count: int) -> str:
    """A difference of sizes: +212.0 MB, −3.0 KB."""  # noqa: RUF002 - a minus sign
    sign = "−" if count < 0 else "+"  # noqa: RUF001 - a minus sign
    return f"{sign}{format_size(abs(count))}"


def history(slug: Slug, last: Path) -> History | None:
    """What differs from the slug that `last`, a report.json, tells of; None without one."""
    try:
        told = json.loads(last.read_bytes())["slug"]["items"]
        before = {_item(item): Weight(0, int(item["compressed_bytes"])) for item in told}
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None
    return compare(before, slug.items)


def compare(before: Mapping[Item, Weight], after: Mapping[Item, Weight]) -> History:
    """The differences between two slugs that are more than a thousandth of the larger."""
    total, earlier = _total(after), _total(before)
    least = _WORTH * max(total, earlier)
    found = [d for d in _differences(before, after) if abs(d.bytes) > least]
    ordered = sorted(found, key=lambda d: (-abs(d.bytes), d.name))
    return History(total - earlier, tuple(ordered))


def _differences(
    before: Mapping[Item, Weight], after: Mapping[Item, Weight]
) -> Iterator[Difference]:
    old, new = _by_name(before), _by_name(after)
    for key in sorted(old.keys() | new.keys()):
        # Of a name that is there in several versions, each stands against one of the others.
        for left, right in zip_longest(old.get(key, ()), new.get(key, ())):
            if not _are_alike(left, right):
                yield Difference(
                    key[1],
                    left[0] if left else None,
                    right[0] if right else None,
                    (right[1] if right else 0) - (left[1] if left else 0),
                )


def _are_alike(left: _Sized | None, right: _Sized | None) -> bool:
    """Whether two sizes of one version are nearer than two estimates of it can be."""
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


def _item(told: Mapping[str, Any]) -> Item:
    return Item(told["kind"], told["name"], told["version"])

"""LightGBM's text."""

from __future__ import annotations

import re

from slugfit.models.formats.inspection import TITLES, Inspection
from slugfit.models.formats.reader import BrokenError, Reader, cut

_START = re.compile(rb"tree\r?\nversion=v\d")
_TREE_SIZES = re.compile(rb"\ntree_sizes=((?:\d{1,12} ?)+)\n")
_LONGEST_HEADER = 16 << 20


def recognises(reader: Reader) -> bool:
    return _START.match(reader.head) is not None


def inspect(reader: Reader) -> Inspection:
    """Raises BrokenError."""
    header = reader.peek(0, _LONGEST_HEADER)
    first = header.find(b"\nTree=0")
    sizes = _TREE_SIZES.search(header, 0, first if first > 0 else len(header))
    if first < 0 or not sizes:
        if reader.contains(b"end of trees", _LONGEST_HEADER) or reader.size > _LONGEST_HEADER:
            return Inspection("lightgbm", TITLES["lightgbm"])
        raise BrokenError("it has no trees, and no end")
    trees = [int(size) for size in sizes[1].split()]
    end = first + 1 + sum(trees)
    if end > reader.size:
        raise cut(f"the last of its {len(trees):,} trees", end)
    if b"end of trees" not in reader.peek(end - 64, 256):
        raise BrokenError("after its trees, their end is missing")
    return Inspection("lightgbm", TITLES["lightgbm"], facts=(("trees", f"{len(trees):,}"),))

"""LightGBM's text format."""

from __future__ import annotations

import re

from slugfit.models.formats.inspection import TITLES, Inspection
from slugfit.models.formats.reader import BoundedReader, BrokenError, truncated

_START = re.compile(rb"tree\r?\nversion=v\d")
_TREE_SIZES = re.compile(rb"\ntree_sizes=((?:\d{1,12} ?)+)\n")
_MAX_HEADER_BYTES = 16 << 20


def recognises(reader: BoundedReader) -> bool:
    return _START.match(reader.head) is not None


def inspect(reader: BoundedReader) -> Inspection:
    """Inspect the model. Raises BrokenError."""
    header = reader.peek(0, _MAX_HEADER_BYTES)
    first = header.find(b"\nTree=0")
    sizes = _TREE_SIZES.search(header, 0, first if first > 0 else len(header))
    if first < 0 or not sizes:
        if reader.contains(b"end of trees", _MAX_HEADER_BYTES) or reader.size > _MAX_HEADER_BYTES:
            return Inspection("lightgbm", TITLES["lightgbm"])
        raise BrokenError("it has no trees and is truncated")
    trees = [int(size) for size in sizes[1].split()]
    end = first + 1 + sum(trees)
    if end > reader.size:
        raise truncated(f"the last of its {len(trees):,} trees", end)
    if b"end of trees" not in reader.peek(end - 64, 256):
        raise BrokenError("the end marker after its trees is missing")
    return Inspection("lightgbm", TITLES["lightgbm"], facts=(("trees", f"{len(trees):,}"),))

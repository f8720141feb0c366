"""LightGBM's text format."""

from __future__ import annotations

import re

from slugfit.models.formats.inspection import TITLES, Inspection
from slugfit.models.formats.reader import BoundedReader, BrokenError, truncated

_START = re.compile(rb"tree\r?\nversion=v\d")
_TREE_SIZES = b"\ntree_sizes="
_SIZE = re.compile(rb"\d{1,12}")
_MAX_SIZES_BYTES = 4 << 20  # of 400,000 trees
_MAX_HEADER_BYTES = 16 << 20


def recognises(reader: BoundedReader) -> bool:
    return _START.match(reader.head) is not None


def inspect(reader: BoundedReader) -> Inspection:
    """Inspect the model. Raises BrokenError."""
    header = reader.peek(0, _MAX_HEADER_BYTES)
    first = header.find(b"\nTree=0")
    trees = _tree_sizes(header[: max(0, first)])
    if not trees:
        if reader.contains(b"end of trees", _MAX_HEADER_BYTES) or reader.size > _MAX_HEADER_BYTES:
            return Inspection("lightgbm", TITLES["lightgbm"])
        raise BrokenError("it has no trees and is truncated")
    end = first + 1 + sum(trees)
    if end > reader.size:
        raise truncated(f"the last of its {len(trees):,} trees", end)
    if b"end of trees" not in reader.peek(end - 64, 256):
        raise BrokenError("the end marker after its trees is missing")
    return Inspection("lightgbm", TITLES["lightgbm"], facts=(("trees", f"{len(trees):,}"),))


def _tree_sizes(header: bytes) -> list[int]:
    """The bytes of each tree, as the header has them; none where it does not, or not all."""
    start = header.find(_TREE_SIZES) + len(_TREE_SIZES)
    end = header.find(b"\n", start)
    if start < len(_TREE_SIZES) or not 0 <= end - start <= _MAX_SIZES_BYTES:
        return []
    words = header[start:end].split()
    return [int(word) for word in words] if all(map(_SIZE.fullmatch, words)) else []

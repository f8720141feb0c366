"""The checkpoint format of PyTorch up to 1.5, still an option since: five pickles, then data."""

from __future__ import annotations

import re

from slugfit.models.formats import pickles
from slugfit.models.formats.inspection import TITLES, Inspection
from slugfit.models.formats.reader import BoundedReader, BrokenError

# The first pickle is this magic number. The others: a version, a platform, the object, and the
# keys of its storages, whose data follows in that order.
_START = re.compile(
    rb"\x80[\x02-\x05](?:\x95.{8})?\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19", re.DOTALL
)
_BEFORE_NAMES = 4
_WIDTHS = (4, 8, 2, 1, 16)  # bytes per element; which one is only in the pickled object
_MAX_TRIES = 100_000


def recognises(reader: BoundedReader) -> bool:
    return _START.match(reader.head) is not None


def inspect(reader: BoundedReader) -> Inspection:
    """Inspect the model. Raises BrokenError."""
    at: int | None = 0
    for _ in range(_BEFORE_NAMES):
        at = pickles.skip(reader, at)[0] if at is not None else None
    if at is not None:
        at, storages = pickles.skip(reader, at)
        if at is not None and not _has_room(reader, at, storages):
            raise BrokenError(f"the data of its {storages:,} tensors is incomplete")
    title = f"{TITLES['torch-checkpoint']} (legacy)"
    return Inspection("torch-checkpoint", title, code="a pickle")


def _has_room(reader: BoundedReader, at: int, storages: int) -> bool:
    """Whether `storages` fit from `at` on, each an element count and elements of some width."""
    tried: set[tuple[int, int]] = set()
    to_try = [(at, storages)]
    while to_try and len(tried) < _MAX_TRIES:
        at, left = to_try.pop()
        if not left:
            return True
        if (at, left) in tried or at + 8 > reader.size:
            continue
        tried.add((at, left))
        count = reader.u64(at)
        ends = (at + 8 + count * width for width in reversed(_WIDTHS))
        to_try += [(end, left - 1) for end in ends if end <= reader.size]
    return bool(to_try)

"""PyTorch's checkpoints up to version 1.5, and since then on request: five pickles, then data."""

from __future__ import annotations

import re

from slugfit.models.formats import pickles
from slugfit.models.formats.inspection import TITLES, Inspection
from slugfit.models.formats.reader import BrokenError, Reader

# The first pickle is this number. The others: a version, a platform, the object, and the names
# of its storages, whose data comes in that order.
_START = re.compile(
    rb"\x80[\x02-\x05](?:\x95.{8})?\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19", re.DOTALL
)
_BEFORE_NAMES = 4
_WIDTHS = (4, 8, 2, 1, 16)  # of an element, in bytes; only the object would say which
_MOST_TRIES = 100_000


def recognises(reader: Reader) -> bool:
    return _START.match(reader.head) is not None


def inspect(reader: Reader) -> Inspection:
    """Raises BrokenError."""
    at: int | None = 0
    for _ in range(_BEFORE_NAMES):
        at = pickles.skip(reader, at)[0] if at is not None else None
    if at is not None:
        at, storages = pickles.skip(reader, at)
        if at is not None and not _has_room(reader, at, storages):
            raise BrokenError(f"the data of its {storages:,} tensors is not all there")
    title = f"{TITLES['torch-checkpoint']} of the old kind"
    return Inspection("torch-checkpoint", title, unpickles=True)


def _has_room(reader: Reader, at: int, storages: int) -> bool:
    """Whether so many storages can follow: each a number of elements, and these of some width."""
    tried: set[tuple[int, int]] = set()
    to_try = [(at, storages)]
    while to_try and len(tried) < _MOST_TRIES:
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

"""What files weigh in a slug: a tar of them, through gzip at its usual level."""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from dataclasses import dataclass

# What `gzip -6` does: its buffer of symbols is twice as long as that of zlib's own -6.
LEVEL = 6
MEMORY_LEVEL = 9


@dataclass(frozen=True)
class Weight:
    """Bytes on disk, every hard link counted, and bytes in the slug."""

    raw: int = 0
    compressed: int = 0

    def __add__(self, other: Weight) -> Weight:
        return Weight(self.raw + other.raw, self.compressed + other.compressed)


def compressed_size(stream: Iterable[bytes]) -> int:
    """The bytes that gzip makes of `stream`. Memory stays bounded."""
    compressor = zlib.compressobj(LEVEL, zlib.DEFLATED, 16 + zlib.MAX_WBITS, MEMORY_LEVEL)
    return sum(len(compressor.compress(piece)) for piece in stream) + len(compressor.flush())

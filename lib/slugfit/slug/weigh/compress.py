"""The weight of files in a slug: that of a tar, compressed by gzip at its default level."""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from dataclasses import dataclass

# As `gzip -6`, whose symbol buffer is twice as long as that of zlib's default.
LEVEL = 6
MEMORY_LEVEL = 9


@dataclass(frozen=True)
class Weight:
    """Bytes on disk, counting every hard link, and compressed bytes in the slug."""

    raw: int = 0
    compressed: int = 0

    def __add__(self, other: Weight) -> Weight:
        return Weight(self.raw + other.raw, self.compressed + other.compressed)


def compressed_size(stream: Iterable[bytes]) -> int:
    """The size of `stream` after gzip, in bytes, in constant memory."""
    compressor = zlib.compressobj(LEVEL, zlib.DEFLATED, 16 + zlib.MAX_WBITS, MEMORY_LEVEL)
    return sum(len(compressor.compress(piece)) for piece in stream) + len(compressor.flush())

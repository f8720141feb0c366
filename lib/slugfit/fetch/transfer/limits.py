"""The sizes and intervals of a download. Tests shrink them to split small objects."""

from __future__ import annotations

from dataclasses import dataclass

from slugfit.stores import FIRST_BYTES

_MIB = 1024 * 1024


@dataclass(frozen=True)
class TransferLimits:
    """Bytes and seconds.

    A `piece` is read, written and hashed at once. A connection takes over no less than
    `smallest_part` from another one; that is at least a piece, which may be in transit.
    """

    first: int = FIRST_BYTES
    # 1 MiB is slower: the page cache then allocates larger pages.
    piece: int = _MIB // 4
    smallest_part: int = 4 * _MIB
    largest_part: int = 128 * _MIB
    connections: int = 16
    poll_seconds: float = 0.05
    save_seconds: float = 1.0

    def __post_init__(self) -> None:
        if self.piece > self.smallest_part:
            raise ValueError(f"{self.piece} > {self.smallest_part}")


DEFAULT_LIMITS = TransferLimits()

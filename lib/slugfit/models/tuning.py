"""The sizes and times of a download. Tests shrink them, so that small objects are many parts."""

from __future__ import annotations

from dataclasses import dataclass

from slugfit.models.sources import FIRST_BYTES

_MIB = 1024 * 1024


@dataclass(frozen=True)
class Tuning:
    """Bytes and seconds.

    `piece` is read, written and hashed at once. Of another connection's work nothing less than
    `smallest_part` is taken over, which is never less than a piece: that may be under way.
    """

    first: int = FIRST_BYTES
    # Four times as much is slower: the page cache then looks for larger pages.
    piece: int = _MIB // 4
    smallest_part: int = 4 * _MIB
    largest_part: int = 128 * _MIB
    connections: int = 16
    look_seconds: float = 0.05
    save_seconds: float = 1.0

    def __post_init__(self) -> None:
        if self.piece > self.smallest_part:
            raise ValueError(f"{self.piece} > {self.smallest_part}")


USUAL = Tuning()

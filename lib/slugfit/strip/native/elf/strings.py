"""The bytes of an ELF file in which a program's strings can stand."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from slugfit.strip.native.elf.layout import (
    LOAD,
    Layout,
    NotElfError,
    Range,
    read_layout,
    read_range,
)

_PIECE_BYTES = 1024 * 1024
_OVERLAP_BYTES = 256  # a name that a piece cuts through is whole in the next one


def mapped_pieces(file: Path) -> Iterator[bytes]:
    """What of `file` is mapped, a piece at a time; all of it if its headers don't tell."""
    size = file.stat().st_size
    with file.open("rb") as opened:
        try:
            ranges = _mapped(read_layout(opened, size))
        except NotElfError:
            ranges = []
        for mapped in ranges or [Range(0, size)]:
            end = min(mapped.end, size)
            for begin in range(mapped.offset, end, _PIECE_BYTES):
                length = min(end - begin, _PIECE_BYTES + _OVERLAP_BYTES)
                yield read_range(opened, Range(begin, length))


def _mapped(layout: Layout) -> list[Range]:
    return sorted(
        {segment.range for segment in layout.segments if segment.kind == LOAD},
        key=lambda r: r.offset,
    )

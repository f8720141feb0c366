"""The parts of an ELF file that no loader reads: symbol tables and debug sections.

Cutting them out moves the rest, and that is what breaks libraries that were
patched after linking. Overwritten with zeros they compress to nothing, and the
file's layout stays as it was.

Source: the System V ABI, chapters "Object Files" and "Program Loading".
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

_MAGIC = b"\x7fELF"
_SYMTAB, _STRTAB, _NOBITS = 2, 3, 8
_ALLOC = 0x2  # a section that is part of the process's image
_LONGEST_NAMES = 16 * 1024 * 1024
_PIECE_BYTES = 1024 * 1024
_DEBUG = (b".debug", b".zdebug", b".gnu.debuglto_")


@dataclass(frozen=True)
class Range:
    """`size` bytes of a file, from `offset` on."""

    offset: int
    size: int

    @property
    def end(self) -> int:
        return self.offset + self.size

    def overlaps(self, other: Range) -> bool:
        return self.offset < other.end and other.offset < self.end


@dataclass(frozen=True)
class _Section:
    name: bytes
    kind: int
    flags: int
    link: int
    range: Range


@dataclass(frozen=True)
class _Layout:
    """Where the headers of one class and byte order are, and what they hold."""

    header: struct.Struct
    segment: struct.Struct
    segment_fields: tuple[int, int]  # of p_offset and p_filesz
    section: struct.Struct


def _layout(order: str, *, wide: bool) -> _Layout:
    if wide:
        return _Layout(
            struct.Struct(f"{order}16sHHIQQQIHHHHHH"),
            struct.Struct(f"{order}IIQQQQQQ"),
            (2, 5),
            struct.Struct(f"{order}IIQQQQIIQQ"),
        )
    return _Layout(
        struct.Struct(f"{order}16sHHIIIIIHHHHHH"),
        struct.Struct(f"{order}IIIIIIII"),
        (1, 4),
        struct.Struct(f"{order}IIIIIIIIII"),
    )


def dead_ranges(file: Path) -> tuple[Range, ...]:
    """The ranges of `file` that nothing maps and no header needs, and that are no zeros yet.

    None for what is no ELF file, or has headers that contradict each other: a range
    is dead only if it overlaps no segment, no header and no section that stays.
    """
    with file.open("rb") as opened:
        if opened.read(4) != _MAGIC:
            return ()
        try:
            found = _dead_ranges(opened, file.stat().st_size)
        except (struct.error, IndexError, ValueError, OverflowError, OSError):
            return ()
        return tuple(piece for piece in found if not _is_zero(opened, piece))


def _dead_ranges(file: IO[bytes], size: int) -> tuple[Range, ...]:
    file.seek(4)
    wide, order = file.read(1) == b"\x02", "<" if file.read(1) == b"\x01" else ">"
    layout = _layout(order, wide=wide)
    file.seek(0)
    header = layout.header.unpack(file.read(layout.header.size))
    segments_at, sections_at = header[5], header[6]
    segment_count, section_count, names_index = header[10], header[12], header[13]
    sections = _sections(file, layout, sections_at, section_count, names_index)
    dead = {index for index, s in enumerate(sections) if _is_dead(s)}
    dead |= set(_strings_of(sections, dead, names_index))
    needed = [
        Range(0, layout.header.size),
        Range(segments_at, segment_count * layout.segment.size),
        Range(sections_at, section_count * layout.section.size),
        *_segments(file, layout, segments_at, segment_count),
        *(s.range for i, s in enumerate(sections) if i not in dead and s.kind != _NOBITS),
    ]
    ranges = sorted((sections[index].range for index in dead), key=lambda r: r.offset)
    return tuple(r for r in ranges if r.size and r.end <= size and not any(map(r.overlaps, needed)))


def _sections(
    file: IO[bytes], layout: _Layout, at: int, count: int, names_index: int
) -> list[_Section]:
    file.seek(at)
    rows = [layout.section.unpack(file.read(layout.section.size)) for _ in range(count)]
    if not rows:
        return []
    names_at, names_size = rows[names_index][4:6]
    if names_size > _LONGEST_NAMES:
        raise ValueError("no linker writes so many names of sections")
    file.seek(names_at)
    names = file.read(names_size)
    return [
        _Section(
            name=names[row[0] : names.index(b"\0", row[0])],
            kind=row[1],
            flags=row[2],
            link=row[6],
            range=Range(row[4], row[5]),
        )
        for row in rows
    ]


def _segments(file: IO[bytes], layout: _Layout, at: int, count: int) -> Iterator[Range]:
    offset, size = layout.segment_fields
    file.seek(at)
    for _ in range(count):
        row = layout.segment.unpack(file.read(layout.segment.size))
        yield Range(row[offset], row[size])


def _is_dead(section: _Section) -> bool:
    if section.flags & _ALLOC or section.kind == _NOBITS:
        return False
    return section.kind == _SYMTAB or section.name.startswith(_DEBUG)


def _strings_of(sections: list[_Section], dead: set[int], names_index: int) -> Iterator[int]:
    """The string tables that only dead sections use."""
    used = {s.link for i, s in enumerate(sections) if i not in dead} | {names_index}
    for index in {sections[i].link for i in dead} - used:
        if sections[index].kind == _STRTAB and not sections[index].flags & _ALLOC:
            yield index


def copy_without(source: Path, dead: tuple[Range, ...], target: IO[bytes]) -> None:
    """Write `source` to `target`, its dead ranges as zeros. Reads a piece at a time."""
    with source.open("rb") as file:
        for piece in dead:
            _copy(file, target, piece.offset - file.tell())
            _zeros(target, piece.size)
            file.seek(piece.end)
        _copy(file, target, source.stat().st_size - file.tell())


def _copy(file: IO[bytes], target: IO[bytes], count: int) -> None:
    while count:
        piece = file.read(min(count, _PIECE_BYTES))
        target.write(piece)
        count -= len(piece)


def _is_zero(file: IO[bytes], dead: Range) -> bool:
    file.seek(dead.offset)
    for begin in range(0, dead.size, _PIECE_BYTES):
        piece = file.read(min(dead.size - begin, _PIECE_BYTES))
        if piece.count(0) != len(piece):
            return False
    return True


def _zeros(target: IO[bytes], count: int) -> None:
    for begin in range(0, count, _PIECE_BYTES):
        target.write(bytes(min(count - begin, _PIECE_BYTES)))

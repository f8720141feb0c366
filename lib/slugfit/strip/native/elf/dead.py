"""What no loader reads of an ELF file: symbol tables, debug sections, compilers' notes.

Cutting them out of the middle moves the rest, and that is what breaks libraries that were
patched after linking. Overwritten with zeros they compress to nothing, and the file's
layout stays as it was. Where nothing but them is left behind the last byte that is
mapped, the file can end there.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from slugfit.strip.native.elf.layout import (
    ALLOC,
    EXECUTABLE,
    REL,
    RELA,
    SHARED,
    STRTAB,
    SYMTAB,
    SYMTAB_SHNDX,
    Layout,
    NotElfError,
    Range,
    Section,
    read_layout,
    read_range,
)

_PIECE_BYTES = 1024 * 1024
_LONGEST_PADDING = 64  # bytes between two parts of a file
# Of sections that are not mapped. Others may be read by the program itself, from its own file.
_FOR_TOOLS = (
    b".debug",
    b".zdebug",
    b".stab",
    b".gdb_index",
    b".gnu_debug",  # .gnu_debuglink, .gnu_debugaltlink, .gnu_debugdata
    b".gnu.debuglto_",
    b".gnu.lto_",
    b".gnu.build.attributes",
    b".annobin",
    b".llvm",
    b".comment",
    b".GCC.command.line",
)
_TABLES_OF_SYMBOLS = (SYMTAB, SYMTAB_SHNDX)
_RELOCATIONS = (REL, RELA)  # those of the linker: the loader's are mapped


@dataclass(frozen=True)
class Shrink:
    """How a file gets smaller: its `dead` ranges become zeros; from `end` on there is no more.

    Behind `end` follow only the sections' names and headers, which no loader reads either.
    None means that the file keeps its length.
    """

    dead: tuple[Range, ...]
    end: int | None = None

    @property
    def bytes(self) -> int:
        return sum(piece.size for piece in self.dead)


def shrink(file: Path) -> Shrink:
    """How `file` can get smaller, by nothing if it is no ELF file or all of it is needed."""
    with file.open("rb") as opened:
        try:
            layout = read_layout(opened, file.stat().st_size)
        except NotElfError:
            return Shrink(())
        ranges = _dead_ranges(layout)
        dead = tuple(piece for piece in ranges if not _is_zero(opened, piece))
        return Shrink(dead, _end(opened, layout, ranges) if dead else None)


def dead_ranges(file: Path) -> tuple[Range, ...]:
    """The ranges of `file` that nothing maps and no header needs, and that are no zeros yet.

    None for what is no ELF file, or has headers that contradict each other.
    """
    return shrink(file).dead


def dead_sections(layout: Layout) -> frozenset[int]:
    """The indices of the sections that no loader and no section that stays needs."""
    if layout.kind not in (EXECUTABLE, SHARED):
        return frozenset()  # an object file is read by linkers, which need all of it
    sections = layout.sections
    dead = {index for index, section in enumerate(sections) if _is_dead(section)}
    return frozenset(dead | set(_strings_of(sections, dead, layout.names_index)))


def _dead_ranges(layout: Layout) -> list[Range]:
    """A range is dead only if it overlaps no segment, no header and no section that stays."""
    dead = dead_sections(layout)
    needed = [
        layout.sections_at,
        *_pinned(layout, dead),
        *(layout.sections[i].range for i in [layout.names_index] if layout.sections),
    ]
    ranges = sorted((layout.sections[i].range for i in dead), key=lambda r: r.offset)
    return [
        r
        for r in ranges
        if r.size and r.end <= layout.size and not any(r.overlaps(n) for n in needed)
    ]


def _pinned(layout: Layout, dead: frozenset[int]) -> Iterator[Range]:
    """What has to stay where it is: all but dead sections and what only tells of sections."""
    yield layout.header
    yield layout.segments_at
    yield from (segment.range for segment in layout.segments)
    for index, section in enumerate(layout.sections):
        if index not in dead and index != layout.names_index and section.in_file:
            yield section.range


def _is_dead(section: Section) -> bool:
    if section.flags & ALLOC or not section.in_file:
        return False
    return (
        section.kind in _TABLES_OF_SYMBOLS
        or section.kind in _RELOCATIONS
        or section.name.startswith(_FOR_TOOLS)
    )


def _strings_of(sections: Sequence[Section], dead: set[int], names_index: int) -> Iterator[int]:
    """The string tables that only dead sections use."""
    used = {s.link for i, s in enumerate(sections) if i not in dead} | {names_index}
    for index in {sections[i].link for i in dead} - used:
        if index < len(sections) and _is_string_table(sections[index]):
            yield index


def _is_string_table(section: Section) -> bool:
    return section.kind == STRTAB and not section.flags & ALLOC


def _end(file: IO[bytes], layout: Layout, dead: Sequence[Range]) -> int | None:
    """Where a copy of the file can end, followed only by its names and headers of sections.

    None if anything else lies behind: a section that stays, or bytes that no header
    tells of, such as an archive that a program carries at its end.
    """
    end = max(piece.end for piece in _pinned(layout, dead_sections(layout)))
    names = layout.sections[layout.names_index]
    headers = [names.range, layout.sections_at]
    cut = [piece for piece in dead if piece.offset >= end]
    if not cut or names.align > _LONGEST_PADDING or any(piece.offset < end for piece in headers):
        return None
    at = end
    for piece in sorted([*cut, *headers], key=lambda r: r.offset):
        if piece.offset < at or not _is_padding(file, Range(at, piece.offset - at)):
            return None
        at = piece.end
    return end if at == layout.size else None


def _is_padding(file: IO[bytes], gap: Range) -> bool:
    return gap.size < _LONGEST_PADDING and not any(read_range(file, gap))


def _is_zero(file: IO[bytes], dead: Range) -> bool:
    file.seek(dead.offset)
    for begin in range(0, dead.size, _PIECE_BYTES):
        piece = file.read(min(dead.size - begin, _PIECE_BYTES))
        if piece.count(0) != len(piece):
            return False
    return True

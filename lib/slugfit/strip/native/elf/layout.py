"""The headers of an ELF file: which bytes are mapped, which belong to what.

Source: the System V ABI, chapters "Object Files" and "Program Loading".
"""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass
from typing import IO

MAGIC = b"\x7fELF"
EXECUTABLE, SHARED = 2, 3  # what a file is, if a loader takes it
LOAD, DYNAMIC, INTERPRETER = 1, 2, 3  # kinds of segments
NULL, SYMTAB, STRTAB, RELA, NOBITS, REL, DYNSYM, SYMTAB_SHNDX = 0, 2, 3, 4, 8, 9, 11, 18
ALLOC = 0x2  # a section that is part of the process's image
_LONGEST_NAMES = 16 * 1024 * 1024


class NotElfError(ValueError):
    """No ELF file, or one whose headers contradict each other."""


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
class ElfSegment:
    """A part of the file that is mapped, from `address` on, or that the loader reads."""

    kind: int
    address: int
    range: Range


@dataclass(frozen=True)
class Section:
    """A part of the file that has a name. `link` is the index of another one that it uses."""

    name: bytes
    kind: int
    flags: int
    link: int
    align: int
    range: Range

    @property
    def in_file(self) -> bool:
        return self.kind not in (NULL, NOBITS)


@dataclass(frozen=True)
class Forms:
    """The structures of one class and byte order."""

    order: str  # "<" or ">", as struct has it
    wide: bool  # 64 bits, not 32
    header: struct.Struct
    segment: struct.Struct
    section: struct.Struct
    dynamic: struct.Struct
    symbol: struct.Struct


@dataclass(frozen=True)
class Layout:
    """What the headers of a file say. `size` is the file's, in bytes."""

    forms: Forms
    kind: int
    size: int
    segments_at: Range
    sections_at: Range
    names_index: int
    segments: tuple[ElfSegment, ...]
    sections: tuple[Section, ...]

    @property
    def header(self) -> Range:
        return Range(0, self.forms.header.size)


def read_layout(file: IO[bytes], size: int) -> Layout:
    """The layout of `file`, which has `size` bytes. Raises NotElfError."""
    try:
        return _read_layout(file, size)
    except (struct.error, IndexError, ValueError, OverflowError, OSError) as error:
        raise NotElfError(str(error)) from error


def read_range(file: IO[bytes], piece: Range) -> bytes:
    """The bytes of `piece`, as far as the file has them: damaged headers know no bounds."""
    left = max(0, os.fstat(file.fileno()).st_size - piece.offset)
    file.seek(piece.offset)
    return file.read(min(piece.size, left))


def _read_layout(file: IO[bytes], size: int) -> Layout:
    file.seek(0)
    start = file.read(16)
    if start[:4] != MAGIC:
        raise NotElfError("another file format")
    forms = _forms("<" if start[5] == 1 else ">", wide=start[4] == 2)
    # e_ident, e_type, …, e_phoff [5], e_shoff [6], …, e_phnum [10], …, e_shnum [12], e_shstrndx
    header = forms.header.unpack(start + file.read(forms.header.size - 16))
    segments_at = Range(header[5], header[10] * forms.segment.size)
    sections_at = Range(header[6], header[12] * forms.section.size)
    return Layout(
        forms=forms,
        kind=header[1],
        size=size,
        segments_at=segments_at,
        sections_at=sections_at,
        names_index=header[13],
        segments=_segments(read_range(file, segments_at), forms),
        sections=_sections(file, forms, sections_at, header[13]),
    )


def _forms(order: str, *, wide: bool) -> Forms:
    shapes = (
        ("16sHHIQQQIHHHHHH", "IIQQQQQQ", "IIQQQQIIQQ", "qQ", "IBBHQQ")
        if wide
        else ("16sHHIIIIIHHHHHH", "IIIIIIII", "IIIIIIIIII", "iI", "IIIBBH")
    )
    return Forms(order, wide, *(struct.Struct(order + shape) for shape in shapes))


def _segments(table: bytes, forms: Forms) -> tuple[ElfSegment, ...]:
    # p_type, p_offset, p_vaddr, …, p_filesz: the flags stand in different places.
    kind, offset, address, size = (0, 2, 3, 5) if forms.wide else (0, 1, 2, 4)
    return tuple(
        ElfSegment(row[kind], row[address], Range(row[offset], row[size]))
        for row in forms.segment.iter_unpack(table)
    )


def _sections(file: IO[bytes], forms: Forms, at: Range, names_index: int) -> tuple[Section, ...]:
    # sh_name, sh_type, sh_flags, sh_addr, sh_offset, sh_size, sh_link, sh_info, sh_addralign, …
    rows = list(forms.section.iter_unpack(read_range(file, at)))
    if not rows:
        return ()
    names_at = Range(*rows[names_index][4:6])
    if names_at.size > _LONGEST_NAMES:
        raise NotElfError("no linker writes so many names of sections")
    names = read_range(file, names_at)
    return tuple(
        Section(
            name=names[row[0] : names.index(b"\0", row[0])],
            kind=row[1],
            flags=row[2],
            link=row[6],
            align=row[8],
            range=Range(row[4], row[5]),
        )
        for row in rows
    )

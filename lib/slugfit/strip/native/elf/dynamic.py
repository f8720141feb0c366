"""What a dynamic loader reads of an ELF file: its own name, and those of the libraries it needs.

Source: the System V ABI, chapter "Dynamic Linking", and glibc's <elf.h>.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from slugfit.strip.native.elf.layout import (
    DYNAMIC,
    DYNSYM,
    EXECUTABLE,
    INTERPRETER,
    LOAD,
    MAGIC,
    SHARED,
    Layout,
    NotElfError,
    Range,
    read_layout,
    read_range,
)

_STRTAB, _STRSZ, _SONAME, _FLAGS_1 = 5, 10, 14, 0x6FFFFFFB
# DT_NEEDED, DT_AUXILIARY, DT_FILTER, DT_AUDIT, DT_DEPAUDIT
_LIBRARIES = (1, 0x7FFFFFFD, 0x7FFFFFFF, 0x6FFFFEFC, 0x6FFFFEFB)
_PIE = 0x08000000  # of DT_FLAGS_1: a program, though it has a shared library's kind
_LONGEST_NAME = 4096
_DAMAGE = (NotElfError, struct.error, IndexError, ValueError, OverflowError, OSError)


@dataclass(frozen=True)
class Dynamic:
    """A program or library. `needed` are file names; `strings` is its table of names."""

    is_program: bool
    soname: str | None
    needed: tuple[str, ...]
    strings: Range


def read_dynamic(file: Path) -> Dynamic | None:
    """What a loader reads of `file`; None if it would not take it."""
    with file.open("rb") as opened:
        if opened.read(4) != MAGIC:
            return None
        try:
            return _read_dynamic(opened, read_layout(opened, file.stat().st_size))
        except _DAMAGE:
            return None


def symbol_names(file: Path, dynamic: Dynamic) -> bytes:
    """The names of all symbols that a library offers or needs, each ended by a zero byte."""
    with file.open("rb") as opened:
        return read_range(opened, dynamic.strings)


def defined_symbols(file: Path) -> frozenset[bytes] | None:
    """The symbols that a library offers to others; None if it has no section that lists them."""
    with file.open("rb") as opened:
        try:
            return _defined_symbols(opened, read_layout(opened, file.stat().st_size))
        except _DAMAGE:
            return None


def _read_dynamic(file: IO[bytes], layout: Layout) -> Dynamic | None:
    if layout.kind not in (EXECUTABLE, SHARED):
        return None
    kinds = {segment.kind: segment for segment in layout.segments}
    rows = _rows(file, layout, kinds[DYNAMIC].range) if DYNAMIC in kinds else []
    only = dict(rows)
    strings = Range(_offset(layout, only.get(_STRTAB, 0)), only.get(_STRSZ, 0))
    return Dynamic(
        is_program=layout.kind == EXECUTABLE
        or INTERPRETER in kinds
        or bool(only.get(_FLAGS_1, 0) & _PIE),
        soname=_name(file, strings, only[_SONAME]) if _SONAME in only else None,
        needed=tuple(_name(file, strings, at) for tag, at in rows if tag in _LIBRARIES),
        strings=strings,
    )


def _rows(file: IO[bytes], layout: Layout, at: Range) -> list[tuple[int, int]]:
    """The rows (tag, value) up to the end mark."""
    table = read_range(file, at)
    whole = len(table) - len(table) % layout.forms.dynamic.size
    rows = []
    for tag, value in layout.forms.dynamic.iter_unpack(table[:whole]):
        if tag == 0:
            break
        rows.append((tag, value))
    return rows


def _offset(layout: Layout, address: int) -> int:
    """Where in the file is what is mapped at `address`."""
    for segment in layout.segments:
        begin = segment.address
        if segment.kind == LOAD and begin <= address < begin + segment.range.size:
            return segment.range.offset + address - begin
    return 0


def _name(file: IO[bytes], strings: Range, at: int) -> str:
    """The last part of the path that stands at `at` in the table."""
    text = read_range(file, Range(strings.offset + at, _LONGEST_NAME))
    return text.partition(b"\0")[0].decode("utf-8", "surrogateescape").rpartition("/")[2]


def _defined_symbols(file: IO[bytes], layout: Layout) -> frozenset[bytes] | None:
    for section in layout.sections:
        if section.kind == DYNSYM:
            names = read_range(file, layout.sections[section.link].range)
            table = read_range(file, section.range)
            return frozenset(names[at : names.index(b"\0", at)] for at in _defined(table, layout))
    return None


def _defined(table: bytes, layout: Layout) -> Iterator[int]:
    """Where the names of the symbols are that are defined here: their section is none of 0."""
    section = 3 if layout.forms.wide else 5
    for row in layout.forms.symbol.iter_unpack(table):
        if row[section]:
            yield row[0]

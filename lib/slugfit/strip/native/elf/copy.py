"""Copies an ELF file without what is dead of it, reading a piece at a time.

Kept ranges go from file to file within the kernel where no hash is needed.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Protocol

from slugfit.strip.native.elf.dead import Shrink, dead_sections
from slugfit.strip.native.elf.layout import Layout, NotElfError, Range, read_layout, read_range

if TYPE_CHECKING:
    from typing_extensions import Buffer  # the standard library has it from 3.12 on

_PIECE_BYTES = 1024 * 1024
_ZEROS = bytes(_PIECE_BYTES)


class Digest(Protocol):
    """What hashlib's constructors return."""

    def update(self, data: Buffer, /) -> None: ...


@dataclass(frozen=True)
class _Hole:
    """So many zeros."""

    size: int


_Part = Range | _Hole | bytes  # kept, zeros, or something new


def copy_shrunk(
    source: Path, shrink: Shrink, target: IO[bytes], digest: Digest | None = None
) -> int:
    """Write `source` to the empty file `target` as `shrink` says; return the new size in bytes.

    `digest` is updated with all that is written. Zeros are not written but left out,
    as a hole, where the filesystem knows holes.
    """
    with source.open("rb", buffering=0) as file:
        writer = _Writer(file, target, digest)
        for part in _parts(file, source.stat().st_size, shrink):
            writer.add(part)
        return writer.finish()


def _parts(file: IO[bytes], size: int, shrink: Shrink) -> Iterator[_Part]:
    if shrink.end is None:
        yield from _kept(0, size, shrink)
        return
    layout = read_layout(file, size)
    names = read_range(file, layout.sections[layout.names_index].range)
    names_at = _aligned(shrink.end, layout.sections[layout.names_index].align)
    sections_at = _aligned(names_at + len(names), 8 if layout.forms.wide else 4)
    yield _with_sections_at(read_range(file, layout.header), sections_at, layout)
    yield from _kept(layout.header.end, shrink.end, shrink)
    yield bytes(names_at - shrink.end) + names
    yield bytes(sections_at - names_at - len(names))
    yield _section_headers(file, layout, names_at)


def _kept(begin: int, end: int, shrink: Shrink) -> Iterator[_Part]:
    """The parts of the file from `begin` to `end`."""
    for dead in shrink.dead:
        if dead.offset < end:
            yield Range(begin, dead.offset - begin)
            yield _Hole(dead.size)
            begin = dead.end
    yield Range(begin, end - begin)


def _with_sections_at(header: bytes, at: int, layout: Layout) -> bytes:
    fields = list(layout.forms.header.unpack(header))
    fields[6] = at  # e_shoff
    return layout.forms.header.pack(*fields)


def _section_headers(file: IO[bytes], layout: Layout, names_at: int) -> bytes:
    """The table as it was, but that dead sections are none and the names have moved.

    The indices stay: symbols refer to sections by them.
    """
    form = layout.forms.section
    dead = dead_sections(layout)
    rows = [list(row) for row in form.iter_unpack(read_range(file, layout.sections_at))]
    rows[layout.names_index][4] = names_at  # sh_offset
    return b"".join(
        bytes(form.size) if index in dead else form.pack(*row) for index, row in enumerate(rows)
    )


def _aligned(offset: int, align: int) -> int:
    return -(-offset // align) * align if align > 1 else offset


class _Writer:
    """Writes parts one after the other, past the buffer of `target`."""

    def __init__(self, file: IO[bytes], target: IO[bytes], digest: Digest | None) -> None:
        target.flush()
        self._source = file.fileno()
        self._target = target.fileno()
        self._digest = digest
        self._at = 0

    def add(self, part: _Part) -> None:
        if isinstance(part, bytes):
            self._write(memoryview(part))
        elif isinstance(part, _Hole):
            self._skip(part.size)
        elif self._digest:
            self._read_and_write(part)
        else:
            self._hand_over(part)

    def finish(self) -> int:
        """Make the file as long as what it holds, which may end in zeros."""
        os.ftruncate(self._target, self._at)
        return self._at

    def _skip(self, size: int) -> None:
        if self._digest:
            for begin in range(0, size, _PIECE_BYTES):
                self._digest.update(memoryview(_ZEROS)[: size - begin])
        self._at += size

    def _hand_over(self, kept: Range) -> None:
        offset, left = kept.offset, kept.size
        with suppress(AttributeError, OSError):  # not on this system, or filesystem
            while left and (
                count := os.copy_file_range(self._source, self._target, left, offset, self._at)
            ):
                offset, left, self._at = offset + count, left - count, self._at + count
        self._read_and_write(Range(offset, left))

    def _read_and_write(self, kept: Range) -> None:
        buffer = memoryview(bytearray(min(kept.size, _PIECE_BYTES)))
        offset = kept.offset
        while offset < kept.end:
            count = os.preadv(self._source, [buffer[: kept.end - offset]], offset)
            if not count:
                raise NotElfError("the file has become shorter")
            self._write(buffer[:count])
            offset += count

    def _write(self, data: memoryview) -> None:
        if self._digest:
            self._digest.update(data)
        while data:
            count = os.pwrite(self._target, data, self._at)
            data, self._at = data[count:], self._at + count

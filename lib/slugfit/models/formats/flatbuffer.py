"""A FlatBuffers reader that follows no offset out of the file.

Source: "FlatBuffers internals" of the FlatBuffers documentation.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from slugfit.models.formats.reader import BoundedReader, BrokenError, readable

_MAX_TABLES = 300_000  # more than any converter writes; offsets can form a cycle
_MAX_STRING_BYTES = 1 << 12


class Flatbuffer:
    """One buffer. It counts the tables visited, to stop at cycles."""

    def __init__(self, reader: BoundedReader) -> None:
        self.reader = reader
        self._visited = 0

    def root(self) -> FlatbufferTable:
        return self.table(self.reader.u32(0))

    def table(self, at: int) -> FlatbufferTable:
        self._visited += 1
        if self._visited > _MAX_TABLES:
            raise BrokenError(f"it has more than {_MAX_TABLES:,} tables")
        vtable = at - self.reader.i32(at)
        if vtable < 0:
            raise BrokenError(f"the table at byte {at:,} has a vtable before the start of the file")
        size = self.reader.u16(vtable)
        self.reader.need(at, self.reader.u16(vtable + 2), f"the table at byte {at:,}")
        if size < 4 or size % 2:
            raise BrokenError(f"the table at byte {at:,} has a vtable of {size} bytes")
        content = self.reader.read(vtable + 4, size - 4, f"the table at byte {at:,}")
        return FlatbufferTable(self, at, struct.unpack(f"<{len(content) // 2}H", content))


@dataclass(frozen=True)
class FlatbufferTable:
    """`fields` has each slot's offset from `at`, in bytes; 0 for an absent field."""

    flat: Flatbuffer
    at: int
    fields: tuple[int, ...]

    def place(self, slot: int) -> int | None:
        """A field's offset in the file; None for an absent field."""
        offset = self.fields[slot] if slot < len(self.fields) else 0
        return self.at + offset if offset else None

    def number(self, slot: int, form: struct.Struct, default: int = 0) -> int:
        place = self.place(slot)
        return default if place is None else self.flat.reader.unpack(form, place)[0]

    def vector(self, slot: int, width: int, what: str) -> tuple[int, int]:
        """The offset and number of a vector's elements of `width` bytes; (0, 0) when absent."""
        place = self.place(slot)
        if place is None:
            return 0, 0
        reader = self.flat.reader
        start = place + reader.u32(place)
        count = reader.u32(start)
        reader.need(start + 4, count * width, what)
        return start + 4, count

    def integers(self, slot: int, what: str) -> tuple[int, ...]:
        """The elements of a vector of 32-bit integers."""
        start, count = self.vector(slot, 4, what)
        return struct.unpack(f"<{count}i", self.flat.reader.read(start, count * 4, what))

    def tables(self, slot: int, what: str) -> Iterator[FlatbufferTable]:
        """The elements of a vector of tables."""
        start, count = self.vector(slot, 4, what)
        for place in range(start, start + count * 4, 4):
            yield self.flat.table(place + self.flat.reader.u32(place))

    def string(self, slot: int, what: str) -> str:
        start, count = self.vector(slot, 1, what)
        return readable(self.flat.reader.peek(start, min(count, _MAX_STRING_BYTES)))

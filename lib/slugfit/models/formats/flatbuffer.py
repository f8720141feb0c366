"""A reader of FlatBuffers that follows no offset out of the file.

Source: "FlatBuffers internals" of the FlatBuffers documentation.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from slugfit.models.formats.reader import BrokenError, Reader, readable

_MOST_TABLES = 300_000  # no converter writes so many; offsets may go round in circles
_LONGEST_STRING = 1 << 12


class Flat:
    """One buffer, and how many of its tables have been visited."""

    def __init__(self, reader: Reader) -> None:
        self.reader = reader
        self._visited = 0

    def root(self) -> Table:
        return self.table(self.reader.u32(0))

    def table(self, at: int) -> Table:
        self._visited += 1
        if self._visited > _MOST_TABLES:
            raise BrokenError(f"it has more than {_MOST_TABLES:,} tables")
        vtable = at - self.reader.i32(at)
        if vtable < 0:
            raise BrokenError(f"the table at byte {at:,} has its fields before the file")
        size = self.reader.u16(vtable)
        self.reader.need(at, self.reader.u16(vtable + 2), f"the table at byte {at:,}")
        if size < 4 or size % 2:
            raise BrokenError(f"the table at byte {at:,} has a list of {size} bytes of fields")
        content = self.reader.read(vtable + 4, size - 4, f"the table at byte {at:,}")
        return Table(self, at, struct.unpack(f"<{len(content) // 2}H", content))


@dataclass(frozen=True)
class Table:
    """`fields` has for each slot where the field is, from `at` on; 0 for one that is not there."""

    flat: Flat
    at: int
    fields: tuple[int, ...]

    def place(self, slot: int) -> int | None:
        """Where a field is in the file."""
        offset = self.fields[slot] if slot < len(self.fields) else 0
        return self.at + offset if offset else None

    def number(self, slot: int, form: struct.Struct, default: int = 0) -> int:
        place = self.place(slot)
        return default if place is None else self.flat.reader.unpack(form, place)[0]

    def vector(self, slot: int, width: int, what: str) -> tuple[int, int]:
        """Where the elements of `width` bytes begin, and how many there are."""
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

    def tables(self, slot: int, what: str) -> Iterator[Table]:
        """The elements of a vector of tables."""
        start, count = self.vector(slot, 4, what)
        for place in range(start, start + count * 4, 4):
            yield self.flat.table(place + self.flat.reader.u32(place))

    def string(self, slot: int, what: str) -> str:
        start, count = self.vector(slot, 1, what)
        return readable(self.flat.reader.peek(start, min(count, _LONGEST_STRING)))

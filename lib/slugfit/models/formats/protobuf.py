"""A reader of Protocol Buffers' wire format, one message at a time.

Source: "Encoding" of the Protocol Buffers documentation.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from slugfit.models.formats.reader import BrokenError, Reader, cut, readable

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
_FIXED = {FIXED64: 8, FIXED32: 4}
_LONGEST_VARINT = 10
_LONGEST_TEXT = 1 << 16
_LONGEST_LIST = 1 << 10
_MOST_FIELDS = 2_000_000


class Field(NamedTuple):
    """A field of a message. `at` and `end` are where its content is, `value` that of a varint."""

    number: int
    wire: int
    at: int
    end: int
    value: int = 0

    @property
    def signed(self) -> int:
        """A varint as int64 has it."""
        return _signed(self.value)


def fields(reader: Reader, start: int, end: int, what: str) -> Iterator[Field]:
    """The fields of the message in these bytes. Raises BrokenError when one goes beyond."""
    at = start
    for _ in range(_MOST_FIELDS):
        if at >= end:
            return
        field = _field(reader, at, end, what)
        yield field
        at = field.end
    raise BrokenError(f"{what} has more than {_MOST_FIELDS:,} parts")


def _field(reader: Reader, at: int, end: int, what: str) -> Field:
    tag, at = varint(reader, at, end, what)
    number, wire = tag >> 3, tag & 7
    if not number:
        raise BrokenError(f"{what} has a field without a number at byte {at:,}")
    if wire == VARINT:
        value, after = varint(reader, at, end, what)
        return Field(number, wire, at, after, value)
    if wire == BYTES:
        length, at = varint(reader, at, end, what)
    elif wire in _FIXED:
        length = _FIXED[wire]
    else:
        raise BrokenError(f"{what} has a field of an unknown kind at byte {at:,}")
    if at + length > end:
        raise cut(what, at + length)
    return Field(number, wire, at, at + length)


def text(reader: Reader, field: Field) -> str:
    """The content of a string."""
    return readable(reader.peek(field.at, min(field.end - field.at, _LONGEST_TEXT)))


def varints(reader: Reader, field: Field, what: str) -> Iterator[int]:
    """The values of a repeated int64, packed or one."""
    if field.wire == VARINT:
        yield field.signed
        return
    at = field.at
    if field.end - at > _LONGEST_LIST:
        raise BrokenError(f"{what} has {field.end - at:,} bytes")
    while at < field.end:
        value, at = varint(reader, at, field.end, what)
        yield _signed(value)


def _signed(value: int) -> int:
    return value - (1 << 64) if value >> 63 else value


def varint(reader: Reader, at: int, end: int, what: str) -> tuple[int, int]:
    """A varint, and where it ends."""
    first = reader.peek(at, 1) if at < end else b""
    if first and first[0] < 0x80:  # as most are
        return first[0], at + 1
    value = 0
    for index, byte in enumerate(reader.peek(at, min(_LONGEST_VARINT, end - at))):
        value |= (byte & 0x7F) << (7 * index)
        if byte < 0x80:
            return value & (1 << 64) - 1, at + index + 1
    if end - at < _LONGEST_VARINT:
        raise cut(what, end + 1)
    raise BrokenError(f"{what} has a number without an end at byte {at:,}")

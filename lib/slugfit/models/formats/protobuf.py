"""A reader of the Protocol Buffers wire format, one message at a time.

Source: "Encoding" of the Protocol Buffers documentation.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from slugfit.models.formats.reader import BoundedReader, BrokenError, readable, truncated

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
_FIXED = {FIXED64: 8, FIXED32: 4}
_MAX_VARINT_BYTES = 10
_MAX_TEXT_BYTES = 1 << 16
_MAX_LIST_BYTES = 1 << 10
_MAX_FIELDS = 2_000_000


class ProtobufField(NamedTuple):
    """A field of a message. Its content is at bytes `at` to `end`; `value` is a varint's."""

    number: int
    wire: int
    at: int
    end: int
    value: int = 0

    @property
    def signed(self) -> int:
        """A varint as an int64."""
        return _signed(self.value)


def fields(reader: BoundedReader, start: int, end: int, what: str) -> Iterator[ProtobufField]:
    """The fields of the message in these bytes. Raises BrokenError for one that exceeds them."""
    at = start
    for _ in range(_MAX_FIELDS):
        if at >= end:
            return
        field = _field(reader, at, end, what)
        yield field
        at = field.end
    raise BrokenError(f"{what} has more than {_MAX_FIELDS:,} fields")


def _field(reader: BoundedReader, at: int, end: int, what: str) -> ProtobufField:
    tag, at = varint(reader, at, end, what)
    number, wire = tag >> 3, tag & 7
    if not number:
        raise BrokenError(f"{what} has a field without a number at byte {at:,}")
    if wire == VARINT:
        value, after = varint(reader, at, end, what)
        return ProtobufField(number, wire, at, after, value)
    if wire == BYTES:
        length, at = varint(reader, at, end, what)
    elif wire in _FIXED:
        length = _FIXED[wire]
    else:
        raise BrokenError(f"{what} has a field of an unknown wire type at byte {at:,}")
    if at + length > end:
        raise truncated(what, at + length)
    return ProtobufField(number, wire, at, at + length)


def text(reader: BoundedReader, field: ProtobufField) -> str:
    """The content of a string."""
    return readable(reader.peek(field.at, min(field.end - field.at, _MAX_TEXT_BYTES)))


def varints(reader: BoundedReader, field: ProtobufField, what: str) -> Iterator[int]:
    """The values of a repeated int64 field, packed or single."""
    if field.wire == VARINT:
        yield field.signed
        return
    at = field.at
    if field.end - at > _MAX_LIST_BYTES:
        raise BrokenError(f"{what} has {field.end - at:,} bytes")
    while at < field.end:
        value, at = varint(reader, at, field.end, what)
        yield _signed(value)


def _signed(value: int) -> int:
    return value - (1 << 64) if value >> 63 else value


def varint(reader: BoundedReader, at: int, end: int, what: str) -> tuple[int, int]:
    """A varint's value and end offset."""
    first = reader.peek(at, 1) if at < end else b""
    if first and first[0] < 0x80:  # the usual case
        return first[0], at + 1
    value = 0
    for index, byte in enumerate(reader.peek(at, min(_MAX_VARINT_BYTES, end - at))):
        value |= (byte & 0x7F) << (7 * index)
        if byte < 0x80:
            return value & (1 << 64) - 1, at + index + 1
    if end - at < _MAX_VARINT_BYTES:
        raise truncated(what, end + 1)
    raise BrokenError(f"{what} has an unterminated varint at byte {at:,}")

"""A zip's central directory and small members. Nothing is extracted to disk.

Source: APPNOTE.TXT of PKWARE. zipfile would read a directory of any size into memory.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from functools import lru_cache

from slugfit.models.formats.reader import BoundedReader, BrokenError

MAGIC = b"PK\3\4"
_STORED, _DEFLATED = 0, 8
_END = struct.Struct("<4s4H2LH")
_END64 = struct.Struct("<4sQ2H2L4Q")
_LOCATOR = struct.Struct("<4sLQL")
_ENTRY = struct.Struct("<4s6H3L5H2L")
_LOCAL = struct.Struct("<4s5H3L2H")
_MAX_COMMENT_BYTES = 0xFFFF
_MAX32, _MAX16 = 0xFFFFFFFF, 0xFFFF
_MAX_MEMBERS = 200_000


@dataclass(frozen=True)
class ZipMember:
    """`offset` is that of the local header; `size` is bytes after decompression."""

    name: str
    method: int
    offset: int
    compressed_size: int
    size: int
    crc: int


def names(reader: BoundedReader) -> tuple[tuple[str, ...], bool]:
    """The names of all members, and True; without its directory, only the first name, and False.

    No names for a file that is not a zip.
    """
    if not reader.head.startswith(MAGIC):
        return (), False
    try:
        return tuple(members(reader)), True
    except BrokenError:
        return (_first_name(reader),), False


def _first_name(reader: BoundedReader) -> str:
    """The first member's name, also in a truncated zip."""
    header = reader.peek(0, _LOCAL.size)
    if len(header) < _LOCAL.size:
        return ""
    return reader.peek(_LOCAL.size, int(_LOCAL.unpack(header)[9])).decode(errors="replace")


@lru_cache(maxsize=1)  # every zip-based format asks
def members(reader: BoundedReader) -> dict[str, ZipMember]:
    """All members by name, each of them within the file. Raises BrokenError."""
    count, size, at = _directory(reader)
    end = at + size
    reader.need(at, size, "the zip's directory")
    found: dict[str, ZipMember] = {}
    for _ in range(count):
        if at + _ENTRY.size > end:
            raise BrokenError(f"the zip's directory ends before its {count:,} members")
        member, at = _member(reader, at)
        found[member.name] = member
        _check(reader, member)
    return found


def content(reader: BoundedReader, member: ZipMember, limit: int) -> bytes:
    """The first `limit` bytes of a member; the checksum is verified when that is all of it."""
    start = data_offset(reader, member)
    compressed_size = reader.peek(start, min(member.compressed_size, limit))
    if member.method == _STORED:
        data = compressed_size
    elif member.method == _DEFLATED:
        try:
            data = zlib.decompressobj(-zlib.MAX_WBITS).decompress(compressed_size, limit)
        except zlib.error as error:
            raise BrokenError(f"{member.name} can't be decompressed") from error
    else:
        raise BrokenError(f"{member.name} uses an unsupported compression method")
    if member.size <= limit and zlib.crc32(data) != member.crc:
        raise BrokenError(f"{member.name} does not match its checksum in the zip")
    return data


def data_offset(reader: BoundedReader, member: ZipMember) -> int:
    """The offset of the member's data."""
    local = _LOCAL.unpack(reader.read(member.offset, _LOCAL.size))
    return member.offset + _LOCAL.size + int(local[9]) + int(local[10])


def _check(reader: BoundedReader, member: ZipMember) -> None:
    if reader.peek(member.offset, 4) != MAGIC:
        raise BrokenError(f"{member.name} is not where the zip's directory says")
    reader.need(data_offset(reader, member), member.compressed_size, member.name)


def _directory(reader: BoundedReader) -> tuple[int, int, int]:
    """The directory's number of members, its size and its offset."""
    at, end = _end(reader)
    _, _, _, _, count, size, offset, _ = end
    if not (count == _MAX16 or _MAX32 in (size, offset)):
        return count, size, offset
    locator = reader.peek(at - _LOCATOR.size, _LOCATOR.size)
    if len(locator) == _LOCATOR.size and locator.startswith(b"PK\6\7"):
        end64 = _END64.unpack(reader.read(_LOCATOR.unpack(locator)[2], _END64.size))
        if end64[0] != b"PK\6\6" or end64[7] > _MAX_MEMBERS:
            raise BrokenError("the zip's directory is not where its end record says")
        return int(end64[7]), int(end64[8]), int(end64[9])
    return count, size, offset


def _end(reader: BoundedReader) -> tuple[int, tuple[bytes, int, int, int, int, int, int, int]]:
    """The offset and fields of the end-of-central-directory record."""
    start = max(0, reader.size - _END.size - _MAX_COMMENT_BYTES)
    tail = reader.peek(start, reader.size - start)
    at = tail.rfind(b"PK\5\6", 0, len(tail) - _END.size + 4)
    if at < 0:
        raise BrokenError("the zip is truncated: its directory is missing")
    return start + at, _END.unpack_from(tail, at)


def _member(reader: BoundedReader, at: int) -> tuple[ZipMember, int]:
    """The member at `at`, and the offset of the next entry."""
    entry = _ENTRY.unpack(reader.read(at, _ENTRY.size, "the zip's directory"))
    if entry[0] != b"PK\1\2":
        raise BrokenError("the zip's directory is not where its end record says")
    method, crc, compressed_size, size = entry[4], entry[7], entry[8], entry[9]
    name_size, extra_size, comment_size, offset = entry[10], entry[11], entry[12], entry[16]
    at += _ENTRY.size
    name = reader.read(at, name_size).decode(errors="replace")
    extra = reader.read(at + name_size, extra_size)
    size, compressed_size, offset = _wide(extra, size, compressed_size, offset)
    return ZipMember(name, method, offset, compressed_size, size, crc), at + sum(
        (name_size, extra_size, comment_size)
    )


def _wide(extra: bytes, *numbers: int) -> tuple[int, ...]:
    """`numbers`, with those too large for 32 bits taken from the zip64 extra field."""
    at = 0
    while at + 4 <= len(extra):
        kind, length = struct.unpack_from("<2H", extra, at)
        if kind == 1:
            wide = iter(
                struct.unpack_from(f"<{min(length, len(extra) - at - 4) // 8}Q", extra, at + 4)
            )
            return tuple(next(wide, n) if n == _MAX32 else n for n in numbers)
        at += 4 + length
    return numbers

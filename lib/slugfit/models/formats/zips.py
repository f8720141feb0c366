"""The directory of a zip, and small members of it. Nothing is unpacked to disk.

Source: APPNOTE.TXT of PKWARE. zipfile would read a directory of any size into memory.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from functools import lru_cache

from slugfit.models.formats.reader import BrokenError, Reader

MAGIC = b"PK\3\4"
_STORED, _DEFLATED = 0, 8
_END = struct.Struct("<4s4H2LH")
_END64 = struct.Struct("<4sQ2H2L4Q")
_LOCATOR = struct.Struct("<4sLQL")
_ENTRY = struct.Struct("<4s6H3L5H2L")
_LOCAL = struct.Struct("<4s5H3L2H")
_LONGEST_COMMENT = 0xFFFF
_MAX32, _MAX16 = 0xFFFFFFFF, 0xFFFF
_MOST_MEMBERS = 200_000


@dataclass(frozen=True)
class Member:
    """`offset` is of its own header; `packed` and `size` are bytes, before and after unpacking."""

    name: str
    method: int
    offset: int
    packed: int
    size: int
    crc: int


def names(reader: Reader) -> tuple[tuple[str, ...], bool]:
    """The names of all members, and whether it is all: of the first one where the rest is lost.

    None at all of what is no zip.
    """
    if not reader.head.startswith(MAGIC):
        return (), False
    try:
        return tuple(members(reader)), True
    except BrokenError:
        return (_first_name(reader),), False


def _first_name(reader: Reader) -> str:
    """The name of the first member, also of a zip that is cut off."""
    header = reader.peek(0, _LOCAL.size)
    if len(header) < _LOCAL.size:
        return ""
    return reader.peek(_LOCAL.size, int(_LOCAL.unpack(header)[9])).decode(errors="replace")


@lru_cache(maxsize=1)  # each format that is a zip asks in turn
def members(reader: Reader) -> dict[str, Member]:
    """All members by name, each of them within the file. Raises BrokenError."""
    count, size, at = _directory(reader)
    end = at + size
    reader.need(at, size, "the zip's directory")
    found: dict[str, Member] = {}
    for _ in range(count):
        if at + _ENTRY.size > end:
            raise BrokenError(f"the zip's directory ends before its {count:,} members")
        member, at = _member(reader, at)
        found[member.name] = member
        _check(reader, member)
    return found


def content(reader: Reader, member: Member, limit: int) -> bytes:
    """The first `limit` bytes of a member; its checksum is compared where that is all of it."""
    start = data_offset(reader, member)
    packed = reader.peek(start, min(member.packed, limit))
    if member.method == _STORED:
        data = packed
    elif member.method == _DEFLATED:
        try:
            data = zlib.decompressobj(-zlib.MAX_WBITS).decompress(packed, limit)
        except zlib.error as error:
            raise BrokenError(f"{member.name} can't be unpacked") from error
    else:
        raise BrokenError(f"{member.name} is compressed by an unusual method")
    if member.size <= limit and zlib.crc32(data) != member.crc:
        raise BrokenError(f"{member.name} does not have the checksum that the zip says")
    return data


def data_offset(reader: Reader, member: Member) -> int:
    """Where the member's bytes begin."""
    local = _LOCAL.unpack(reader.read(member.offset, _LOCAL.size))
    return member.offset + _LOCAL.size + int(local[9]) + int(local[10])


def _check(reader: Reader, member: Member) -> None:
    if reader.peek(member.offset, 4) != MAGIC:
        raise BrokenError(f"{member.name} is not where the zip's directory says")
    reader.need(data_offset(reader, member), member.packed, member.name)


def _directory(reader: Reader) -> tuple[int, int, int]:
    """How many members the directory has, its size, and where it begins."""
    at, end = _end(reader)
    _, _, _, _, count, size, offset, _ = end
    if not (count == _MAX16 or _MAX32 in (size, offset)):
        return count, size, offset
    locator = reader.peek(at - _LOCATOR.size, _LOCATOR.size)
    if len(locator) == _LOCATOR.size and locator.startswith(b"PK\6\7"):
        end64 = _END64.unpack(reader.read(_LOCATOR.unpack(locator)[2], _END64.size))
        if end64[0] != b"PK\6\6" or end64[7] > _MOST_MEMBERS:
            raise BrokenError("the zip's directory is not where its end says")
        return int(end64[7]), int(end64[8]), int(end64[9])
    return count, size, offset


def _end(reader: Reader) -> tuple[int, tuple[bytes, int, int, int, int, int, int, int]]:
    """Where the record at a zip's end is, and what it says."""
    start = max(0, reader.size - _END.size - _LONGEST_COMMENT)
    tail = reader.peek(start, reader.size - start)
    at = tail.rfind(b"PK\5\6", 0, len(tail) - _END.size + 4)
    if at < 0:
        raise BrokenError("the end of the zip is missing, and its directory with it")
    return start + at, _END.unpack_from(tail, at)


def _member(reader: Reader, at: int) -> tuple[Member, int]:
    """The member whose entry is there, and where the next entry is."""
    entry = _ENTRY.unpack(reader.read(at, _ENTRY.size, "the zip's directory"))
    if entry[0] != b"PK\1\2":
        raise BrokenError("the zip's directory is not where its end says")
    method, crc, packed, size = entry[4], entry[7], entry[8], entry[9]
    name_size, extra_size, comment_size, offset = entry[10], entry[11], entry[12], entry[16]
    at += _ENTRY.size
    name = reader.read(at, name_size).decode(errors="replace")
    extra = reader.read(at + name_size, extra_size)
    size, packed, offset = _wide(extra, size, packed, offset)
    return Member(name, method, offset, packed, size, crc), at + sum(
        (name_size, extra_size, comment_size)
    )


def _wide(extra: bytes, *numbers: int) -> tuple[int, ...]:
    """`numbers`, of which those that are too large for 32 bits are in the extra field."""
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

"""What is in a wheel, read off its table of contents: a few kilobytes of it, not all.

A wheel is a zip, which ends with a directory of its files. Of a shared library, the headers at
its beginning tell what a loader maps; what it does not is what a strip takes.
"""

from __future__ import annotations

import re
import struct
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import IO

from slugfit.strip.trials.entry_points import console_scripts

# Of smaller libraries it is not worth a request; these make nearly all of the bytes.
LEAST_LIBRARY = 60_000
_HEAD_BYTES = 4096
_NAME_BYTES = 1024  # around the name in front of each member
_LOCAL = struct.Struct("<26xHH")
_RAW_DEFLATE = -15
_METADATA = re.compile(r"[^/]+\.dist-info/METADATA")
_ENTRY_POINTS = re.compile(r"[^/]+\.dist-info/entry_points\.txt")
_LONGEST_METADATA = 2_000_000
_REQUIRES = re.compile(r"^Requires-Dist:(.*)$", re.MULTILINE)
_SUFFIX = re.compile(r"\.[A-Za-z]\w*$")  # protoc-3.13.0.0 has none
_ELF64 = b"\x7fELF\x02\x01"
_SECTION_BYTES = 64
_PAGE = 4096
_STORED_RATIO = 0.4  # of what lies uncompressed in the zip: as libraries and texts have it
_WHERE = {"purelib": "", "platlib": "", "scripts": "../../../bin/", "data": "../../../"}


@dataclass(frozen=True)
class WheelMember:
    """A file of a wheel: its path in site-packages, and its bytes, raw and deflated.

    `dead` are the raw bytes that no loader maps; None where that is not known, or no library.
    `program` is whether it may be executed.
    """

    path: str
    raw: int
    deflated: int
    dead: int | None = None
    program: bool = False


@dataclass(frozen=True)
class WheelContents:
    """The files of a wheel, the Requires-Dist lines of its metadata, and its console scripts."""

    members: tuple[WheelMember, ...]
    requires: tuple[str, ...] = ()
    programs: tuple[str, ...] = ()


def read_wheel(wheel: IO[bytes]) -> WheelContents:
    """Raises zipfile.BadZipFile, or what `wheel` raises."""
    with zipfile.ZipFile(wheel) as opened:
        files = [info for info in opened.infolist() if not info.is_dir()]
        head = _text(opened, files, _METADATA).partition("\n\n")[0]
        entry_points = _text(opened, files, _ENTRY_POINTS)
    return WheelContents(
        tuple(_member(wheel, info) for info in files),
        tuple(match[1].strip() for match in _REQUIRES.finditer(head)),
        tuple(sorted(console_scripts(entry_points))),
    )


def _text(opened: zipfile.ZipFile, files: Iterable[zipfile.ZipInfo], name: re.Pattern[str]) -> str:
    """The content of the member with this name; "" without one of a sensible size."""
    for info in files:
        if name.fullmatch(info.filename) and info.file_size <= _LONGEST_METADATA:
            return opened.read(info).decode(errors="replace")
    return ""


def _member(wheel: IO[bytes], info: zipfile.ZipInfo) -> WheelMember:
    is_stored = info.compress_type == zipfile.ZIP_STORED
    deflated = round(info.file_size * _STORED_RATIO) if is_stored else info.compress_size
    name = info.filename.rpartition("/")[2]
    is_library = ".so" in name
    program = bool(info.external_attr >> 16 & 0o111) and not (is_library or _SUFFIX.search(name))
    dead = None
    if info.compress_size >= LEAST_LIBRARY and (is_library or program):
        dead = unmapped(_head(wheel, info), info.file_size)
    return WheelMember(_path(info.filename), info.file_size, deflated, dead, program)


def _path(name: str) -> str:
    """Where an installer puts a file of `NAME.data`, relative to site-packages."""
    top, _, inner = name.partition("/")
    kind, _, rest = inner.partition("/")
    return _WHERE.get(kind, f"../../../include/{kind}/") + rest if top.endswith(".data") else name


def _head(wheel: IO[bytes], info: zipfile.ZipInfo) -> bytes:
    """The first bytes of a member, inflated."""
    wheel.seek(info.header_offset)
    piece = wheel.read(_LOCAL.size + _NAME_BYTES + _HEAD_BYTES)
    start = _LOCAL.size + sum(_LOCAL.unpack_from(piece))
    if info.compress_type == zipfile.ZIP_STORED:
        return piece[start:]
    try:
        return zlib.decompressobj(_RAW_DEFLATE).decompress(piece[start:], _HEAD_BYTES)
    except zlib.error:
        return b""


def unmapped(head: bytes, size: int) -> int | None:
    """The bytes of an ELF file of `size` that no segment and no header has; None if unknown."""
    if not head.startswith(_ELF64):
        return None
    try:
        (table,) = struct.unpack_from("<Q", head, 32)
        entry, count, _, sections = struct.unpack_from("<4H", head, 54)
        spans = [struct.unpack_from("<8xQ16xQ", head, table + entry * i) for i in range(count)]
    except struct.error:
        return None  # the table was moved to another place
    gaps = _gaps([(0, 64), *spans, (max(0, size - sections * _SECTION_BYTES), 0)])
    return min(size, sum(gap for gap in gaps if gap >= _PAGE))  # else it is padding


def _gaps(spans: Iterable[tuple[int, ...]]) -> Iterator[int]:
    """The bytes between the spans (offset, size)."""
    reached = 0
    for offset, size in sorted(spans):
        yield max(0, offset - reached)
        reached = max(reached, offset + size)

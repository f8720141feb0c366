"""The members of a .zip."""

from __future__ import annotations

import io
import os
import posixpath
import stat
import struct
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from slugfit.fetch.archives.failures import ArchiveEncrypted, ArchiveUnsafe, shown
from slugfit.fetch.archives.unpacked_tree import ArchiveMember, Kind, UnpackLimits
from slugfit.stores.urls import StoreUrl

# The size of a member's entry in the directory, with a long name. zipfile reads the directory
# whole, and needs ten times its size in memory.
_ENTRY_BYTES = 160
_PATH_BYTES = 4096
_UTF8_NAME = 0x800
_ENCRYPTED = 0x1
_UNIX = 3
_KINDS: dict[int, Kind] = {
    0: "file",  # from systems without file types
    stat.S_IFREG: "file",
    stat.S_IFDIR: "directory",
    stat.S_IFLNK: "link",
}


class BoundedFile(io.BufferedReader):
    """A file that refuses to be read by zipfile if its directory has too many members."""

    def __init__(self, path: Path, limits: UnpackLimits) -> None:
        super().__init__(io.FileIO(path))
        self._limits = limits

    def read(self, size: int | None = -1, /) -> bytes:
        self._limits.check_members((size or 0) // _ENTRY_BYTES)
        return super().read(size)


def members(file: IO[bytes], source: StoreUrl) -> Iterator[ArchiveMember]:
    """Each member in turn. Raises ArchiveEncrypted, ArchiveUnsafe, and what zipfile raises."""
    with zipfile.ZipFile(file) as archive:
        infos = archive.infolist()
        for info in infos:
            if info.flag_bits & _ENCRYPTED:
                raise ArchiveEncrypted(source, f"member: {shown(info.filename)}")
        _refuse_overlaps(file, infos)
        for info in infos:
            yield _member(archive, info, source)


def _refuse_overlaps(file: IO[bytes], infos: list[zipfile.ZipInfo]) -> None:
    """Raise BadZipFile when two members share bytes, as in the bombs that grow a millionfold."""
    end = 0
    for info in sorted(infos, key=lambda info: info.header_offset):
        if info.header_offset < end:
            raise zipfile.BadZipFile(f"members overlap: {shown(info.filename)}")
        file.seek(info.header_offset + 26)
        end = file.tell() + 4 + sum(struct.unpack("<HH", file.read(4))) + info.compress_size


def _member(archive: zipfile.ZipFile, info: zipfile.ZipInfo, source: StoreUrl) -> ArchiveMember:
    name = _name(info)
    mode = info.external_attr >> 16
    kind: Kind = "directory" if name.endswith("/") else _KINDS.get(stat.S_IFMT(mode), "other")
    if "\\" in name:
        raise ArchiveUnsafe(source, name, "its name has a backslash")
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        # zipfile decompresses others in pieces of any size.
        raise zipfile.BadZipFile(f"{name} is compressed by another method than deflate")
    target = ""
    if kind == "link":
        with archive.open(info) as content:
            target = posixpath.join(posixpath.dirname(name), os.fsdecode(content.read(_PATH_BYTES)))
    return ArchiveMember(name, kind, info.file_size, mode, lambda: archive.open(info), target)


def _name(info: zipfile.ZipInfo) -> str:
    """The member's name, including what follows a zero byte, which `info.filename` drops."""
    if info.flag_bits & _UTF8_NAME or info.create_system != _UNIX:
        return info.orig_filename
    # The bytes of the file system, which zipfile decodes as code page 437.
    return info.orig_filename.encode("cp437").decode("utf-8", "surrogateescape")

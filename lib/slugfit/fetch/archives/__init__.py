"""Unpacks an archive into a directory that none of its members can leave.

Reads .zip, and .tar plain or compressed by gzip, bzip2, xz or zstd; the first bytes decide which,
not the name. What macOS adds to an archive (`__MACOSX/`, `.DS_Store`) is left out.
"""

from __future__ import annotations

import errno
import re
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from slugfit.base.files import naming_full_disk
from slugfit.fetch.archives import tar_members, zip_members
from slugfit.fetch.archives.failures import ArchiveUnreadable, shown
from slugfit.fetch.archives.unpacked_tree import (
    ArchiveMember,
    UnpackedTree,
    UnpackLimits,
    unsafe_errors,
)
from slugfit.stores.urls import StoreUrl

_FORMATS = {
    ".zip": re.compile(rb"PK(\x03\x04|\x05\x06)"),
    ".tar.gz": re.compile(rb"\x1f\x8b\x08"),
    ".tar.bz2": re.compile(rb"BZh[1-9](1AY&SY|\x17\x72\x45\x38\x50\x90)"),
    ".tar.xz": re.compile(rb"\xfd7zXZ\x00"),
    ".tar.zst": re.compile(rb"\x28\xb5\x2f\xfd|[\x50-\x5f]\x2a\x4d\x18"),
}
_BROKEN = (
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    ValueError,  # a malformed number or string in a header
    OverflowError,
    NotImplementedError,
    RecursionError,  # tarfile, on headers of headers of headers
)


def unpack(archive: Path, into: Path, source: StoreUrl) -> tuple[str, ...]:
    """Unpack `archive` into the empty directory `into`; the sorted paths of its files.

    The result has only regular files and directories; links become hard links. Raises
    ArchiveUnreadable, ArchiveUnsafe, ArchiveExpands, ArchiveEncrypted and NoSpace, and leaves in
    `into` what it has unpacked until then.
    """
    limits = UnpackLimits(source, archive.stat().st_size)
    tree = UnpackedTree(into, limits)
    with naming_full_disk(into), zip_members.BoundedFile(archive, limits) as file:
        form = _format(file)
        with _archive_errors(source, form):
            for member in _members(file, form, limits):
                with unsafe_errors(source, member.name):
                    tree.add(member)
            for name in tree.links:
                with unsafe_errors(source, name):
                    tree.link(name)
    if not tree.files:
        raise ArchiveUnreadable(source, f"read as: {form}\nfound:   no files")
    return tuple(sorted(tree.files))


def _format(file: IO[bytes]) -> str:
    """The suffix for the first bytes of `file`; `.tar`, which has no magic number, for others."""
    prefix = file.read(16)
    file.seek(0)
    return next((form for form, magic in _FORMATS.items() if magic.match(prefix)), ".tar")


def _members(file: IO[bytes], form: str, limits: UnpackLimits) -> Iterator[ArchiveMember]:
    if form == ".zip":
        return zip_members.members(file, limits.source)
    return tar_members.members(file, form, limits)


@contextmanager
def _archive_errors(source: StoreUrl, form: str) -> Iterator[None]:
    try:
        yield
    except (*_BROKEN, OSError) as error:
        if isinstance(error, OSError) and error.errno not in (None, errno.EINVAL):
            raise  # from the disk; with broken data it has no errno, or that of an impossible seek
        found = shown(str(error)) or type(error).__name__
        raise ArchiveUnreadable(source, f"read as: {form}\nfound:   {found}") from error

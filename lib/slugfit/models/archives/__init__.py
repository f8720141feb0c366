"""Unpacks an archive into a directory that nothing in it can leave.

Reads .zip, and .tar plain or compressed by gzip, bzip2, xz or zstd; the first bytes say which,
not the name. What macOS adds to an archive (`__MACOSX/`, `.DS_Store`) is kept out.
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

from slugfit.files import naming_full_disk
from slugfit.models.archives import tars, zips
from slugfit.models.archives.failures import ArchiveUnreadable, shown
from slugfit.models.archives.tree import Limits, Member, Tree, telling_what_is_unsafe

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
    ValueError,  # a number or a text in a header that is none
    OverflowError,
    NotImplementedError,
    RecursionError,  # tarfile, on headers of headers of headers
)


def unpack(archive: Path, into: Path, source: str) -> tuple[str, ...]:
    """Fill the empty directory `into` with what `archive` holds; the paths of its files, sorted.

    Then there are only regular files, in directories; a link has become another name of its
    file. Raises ArchiveUnreadable, ArchiveUnsafe, ArchiveExpands, ArchiveEncrypted and NoSpace,
    and leaves in `into` what it had unpacked until then.
    """
    limits = Limits(source, archive.stat().st_size)
    tree = Tree(into, limits)
    with naming_full_disk(into), zips.Sparing(archive, limits) as file:
        form = _format(file)
        with _telling_what_is_broken(source, form):
            for member in _members(file, form, limits):
                with telling_what_is_unsafe(source, member.name):
                    tree.add(member)
            for name in tree.links:
                with telling_what_is_unsafe(source, name):
                    tree.link(name)
    if not tree.files:
        raise ArchiveUnreadable(source, f"read as: {form}\nfound:   no files")
    return tuple(sorted(tree.files))


def _format(file: IO[bytes]) -> str:
    """The suffix of archives that begin as `file` does; `.tar`, which needs no mark, for others."""
    prefix = file.read(16)
    file.seek(0)
    return next((form for form, magic in _FORMATS.items() if magic.match(prefix)), ".tar")


def _members(file: IO[bytes], form: str, limits: Limits) -> Iterator[Member]:
    if form == ".zip":
        return zips.members(file, limits.source)
    return tars.members(file, form, limits)


@contextmanager
def _telling_what_is_broken(source: str, form: str) -> Iterator[None]:
    try:
        yield
    except (*_BROKEN, OSError) as error:
        if isinstance(error, OSError) and error.errno not in (None, errno.EINVAL):
            raise  # of the disk; of broken data it has no number, or that of a place no file has
        found = shown(str(error)) or type(error).__name__
        raise ArchiveUnreadable(source, f"read as: {form}\nfound:   {found}") from error

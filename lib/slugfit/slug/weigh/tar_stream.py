"""The slug compiler's tar of files, as a stream."""

from __future__ import annotations

import os
import stat
import tarfile
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path

from slugfit.base.files import directories_above
from slugfit.slug.weigh.content_hash import ContentHash

_ROOT = "./app/"
_PIECE_BYTES = 1024 * 1024


def tar_stream(
    root: Path, paths: Iterable[str], content_hash: ContentHash | None = None
) -> Iterator[bytes]:
    """The entries of `paths`, relative to `root`, and of the directories above them.

    `content_hash` hashes the files on the way. They are in the order of a directory on disk, which
    is that of a hash of the names: sorted files would compress better than they do in a slug.
    """
    directories: set[str] = set()
    for path in sorted(paths, key=_disk_order):
        for directory in sorted(set(directories_above(path)) - directories):
            directories.add(directory)
            yield from _entry(root / directory, directory, None)
        yield from _entry(root / path, path, content_hash)


def _disk_order(path: str) -> list[int]:
    return [zlib.crc32(os.fsencode(part)) for part in path.split("/")]


def pieces(file: Path, offset: int, size: int) -> Iterator[bytes]:
    """The `size` bytes of `file` from `offset` on, in pieces."""
    with file.open("rb") as opened:
        opened.seek(offset)
        while size > 0 and (piece := opened.read(min(size, _PIECE_BYTES))):
            size -= len(piece)
            yield piece


def _entry(path: Path, name: str, content_hash: ContentHash | None) -> Iterator[bytes]:
    status = path.lstat()
    entry = tarfile.TarInfo(_ROOT + name)
    entry.mode, entry.mtime = stat.S_IMODE(status.st_mode), int(status.st_mtime)
    if stat.S_ISREG(status.st_mode):
        # Also for a second hard link: the slug compiler dereferences them.
        entry.size = status.st_size
    elif stat.S_ISLNK(status.st_mode):
        entry.type, entry.linkname = tarfile.SYMTYPE, os.readlink(path)
    else:
        entry.type = tarfile.DIRTYPE if stat.S_ISDIR(status.st_mode) else tarfile.FIFOTYPE
    yield entry.tobuf(tarfile.GNU_FORMAT, errors="surrogateescape")
    if content_hash:
        content_hash.file(name, path, status)
    if entry.size:
        for piece in pieces(path, 0, entry.size):
            if content_hash:
                content_hash.feed(piece)
            yield piece
        yield bytes(-entry.size % tarfile.BLOCKSIZE)

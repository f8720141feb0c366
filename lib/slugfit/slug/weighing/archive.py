"""The tar that the slug compiler makes of files, as a stream."""

from __future__ import annotations

import os
import stat
import tarfile
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path

from slugfit.files import directories_above
from slugfit.slug.weighing.fingerprint import Fingerprint

_ROOT = "./app/"
_PIECE_BYTES = 1024 * 1024


def archive(root: Path, paths: Iterable[str], seen: Fingerprint | None = None) -> Iterator[bytes]:
    """The entries of `paths`, relative to `root`, and of the directories above them.

    `seen` takes the fingerprint of the files.

    In the order of a directory on disk, which is that of a hash of the names: sorted files would
    compress better than they do in a slug.
    """
    directories: set[str] = set()
    for path in sorted(paths, key=_scattered):
        for directory in sorted(set(directories_above(path)) - directories):
            directories.add(directory)
            yield from _entry(root / directory, directory, None)
        yield from _entry(root / path, path, seen)


def _scattered(path: str) -> list[int]:
    return [zlib.crc32(os.fsencode(part)) for part in path.split("/")]


def pieces(file: Path, offset: int, size: int) -> Iterator[bytes]:
    """The `size` bytes of `file` from `offset` on, a piece at a time."""
    with file.open("rb") as opened:
        opened.seek(offset)
        while size > 0 and (piece := opened.read(min(size, _PIECE_BYTES))):
            size -= len(piece)
            yield piece


def _entry(path: Path, name: str, seen: Fingerprint | None) -> Iterator[bytes]:
    status = path.lstat()
    entry = tarfile.TarInfo(_ROOT + name)
    entry.mode, entry.mtime = stat.S_IMODE(status.st_mode), int(status.st_mtime)
    if stat.S_ISREG(status.st_mode):
        # A second hard link, too: the slug compiler stores it in full.
        entry.size = status.st_size
    elif stat.S_ISLNK(status.st_mode):
        entry.type, entry.linkname = tarfile.SYMTYPE, os.readlink(path)
    else:
        entry.type = tarfile.DIRTYPE if stat.S_ISDIR(status.st_mode) else tarfile.FIFOTYPE
    yield entry.tobuf(tarfile.GNU_FORMAT, errors="surrogateescape")
    if seen:
        seen.file(name, path, status)
    if entry.size:
        for piece in pieces(path, 0, entry.size):
            if seen:
                seen.feed(piece)
            yield piece
        yield bytes(-entry.size % tarfile.BLOCKSIZE)

"""What files weigh in a slug: a tar of them, through gzip at its usual level."""

from __future__ import annotations

import io
import os
import stat
import tarfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from slugfit.files import directories_above

if TYPE_CHECKING:
    from typing_extensions import Buffer  # the standard library has it from 3.12 on

_LEVEL = 6
_GZIP = 16 + zlib.MAX_WBITS
_ROOT = "./app/"
_BUFFER_BYTES = 1024 * 1024


@dataclass(frozen=True)
class Weight:
    """Bytes on disk, every hard link counted, and bytes in the slug."""

    raw: int = 0
    compressed: int = 0

    def __add__(self, other: Weight) -> Weight:
        return Weight(self.raw + other.raw, self.compressed + other.compressed)


def weigh(root: Path, paths: Iterable[str]) -> Weight:
    """The weight of `paths`, relative to `root`, as one archive. Streams: memory stays bounded."""
    sink = _Compressed()
    raw = 0
    with tarfile.open(
        fileobj=sink, mode="w|", bufsize=_BUFFER_BYTES, format=tarfile.GNU_FORMAT
    ) as archive:
        directories: set[str] = set()
        for path in paths:
            for directory in sorted(set(directories_above(path)) - directories):
                directories.add(directory)
                _add(archive, root / directory, _ROOT + directory)
            raw += _add(archive, root / path, _ROOT + path)
    return Weight(raw, sink.finish())


def weigh_ranges(root: Path, ranges: Iterable[tuple[str, int, int]]) -> int:
    """The compressed size of parts of files, each a path, an offset and a size in bytes."""
    sink = _Compressed()
    for path, offset, size in ranges:
        for piece in pieces(root / path, offset, size):
            sink.write(piece)
    return sink.finish()


def pieces(file: Path, offset: int, size: int) -> Iterator[bytes]:
    """The `size` bytes of `file` from `offset` on, a piece at a time."""
    with file.open("rb") as opened:
        opened.seek(offset)
        while size > 0 and (piece := opened.read(min(size, _BUFFER_BYTES))):
            size -= len(piece)
            yield piece


class _Compressed(io.RawIOBase):
    """A file to write to that keeps nothing but the compressed size."""

    def __init__(self) -> None:
        self._compressor = zlib.compressobj(_LEVEL, zlib.DEFLATED, _GZIP)
        self._size = 0

    def writable(self) -> bool:
        return True

    def write(self, data: Buffer) -> int:
        self._size += len(self._compressor.compress(data))
        return memoryview(data).nbytes

    def finish(self) -> int:
        self._size += len(self._compressor.flush())
        return self._size


def _add(archive: tarfile.TarFile, path: Path, name: str) -> int:
    status = path.lstat()
    entry = tarfile.TarInfo(name)
    entry.mode, entry.mtime = stat.S_IMODE(status.st_mode), int(status.st_mtime)
    if stat.S_ISLNK(status.st_mode):
        entry.type, entry.linkname = tarfile.SYMTYPE, os.readlink(path)
    elif stat.S_ISREG(status.st_mode):
        # Set by hand: tarfile would store a second hard link as a reference, and
        # the slug compiler stores it in full.
        entry.size = status.st_size
        with path.open("rb") as file:
            archive.addfile(entry, file)
        return status.st_size
    else:
        entry.type = tarfile.DIRTYPE if stat.S_ISDIR(status.st_mode) else tarfile.FIFOTYPE
    archive.addfile(entry)
    return 0

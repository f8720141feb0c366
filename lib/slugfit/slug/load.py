"""Files that are weighed together."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from slugfit.slug.archive import archive, pieces


@dataclass(frozen=True)
class Load:
    """Files to weigh as one archive; where `ranges` are given, those parts of files beside it.

    `paths` are relative to `root`. A range is a path, an offset and a size in bytes.
    """

    root: Path
    paths: tuple[str, ...] = ()
    ranges: tuple[tuple[str, int, int], ...] = ()

    def stream(self) -> Iterator[bytes]:
        """The bytes that gzip gets."""
        yield from archive(self.root, self.paths)
        for path, offset, size in self.ranges:
            yield from pieces(self.root / path, offset, size)

    def fingerprint(self) -> tuple[int, str]:
        """The bytes that the files have together, and a hash of what decides their weight."""
        digest = hashlib.sha256()
        raw = sum(_hash(self.root / path, path, digest) for path in self.paths)
        for path, offset, size in self.ranges:
            digest.update(b"range\0")
            _feed(pieces(self.root / path, offset, size), digest)
        return raw, digest.hexdigest()


def _feed(stream: Iterable[bytes], digest: hashlib._Hash) -> None:
    for piece in stream:
        digest.update(piece)


def _hash(file: Path, name: str, digest: hashlib._Hash) -> int:
    """Feed all that counts of one file, and tell its size."""
    status = file.lstat()
    digest.update(f"{name}\0{stat.S_IFMT(status.st_mode)}\0".encode(errors="surrogateescape"))
    if stat.S_ISLNK(status.st_mode):
        digest.update(os.fsencode(file.readlink()))
    elif stat.S_ISREG(status.st_mode):
        digest.update(f"{status.st_size}\0".encode())
        _feed(pieces(file, 0, status.st_size), digest)
        return status.st_size
    return 0

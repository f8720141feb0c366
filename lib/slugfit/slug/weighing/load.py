"""Files that are weighed together."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from slugfit.slug.weighing.archive import archive, pieces
from slugfit.slug.weighing.fingerprint import Fingerprint


@dataclass(frozen=True)
class Load:
    """Files to weigh as one archive; where `ranges` are given, those parts of files beside it.

    `paths` are relative to `root`. A range is a path, an offset and a size in bytes.
    """

    root: Path
    paths: tuple[str, ...] = ()
    ranges: tuple[tuple[str, int, int], ...] = ()

    @property
    def raw(self) -> int:
        """The bytes that the files have together."""
        sizes = (self.root.joinpath(path).lstat() for path in self.paths)
        files = sum(status.st_size for status in sizes if stat.S_ISREG(status.st_mode))
        return files + sum(size for _, _, size in self.ranges)

    def stream(self, seen: Fingerprint | None = None) -> Iterator[bytes]:
        """The bytes that gzip gets; `seen` takes the fingerprint on the way."""
        yield from archive(self.root, self.paths, seen)
        yield from self._parts(seen or Fingerprint())

    def fingerprint(self) -> Fingerprint:
        """That of the files, from reading them and nothing else."""
        seen = Fingerprint()
        for name in self.paths:
            path = self.root / name
            status = path.lstat()
            seen.file(name, path, status)
            if stat.S_ISREG(status.st_mode):
                for piece in pieces(path, 0, status.st_size):
                    seen.feed(piece)
        for _ in self._parts(seen):
            pass
        return seen

    def _parts(self, seen: Fingerprint) -> Iterator[bytes]:
        for number, (path, offset, size) in enumerate(self.ranges):
            seen.part(number)
            for piece in pieces(self.root / path, offset, size):
                seen.feed(piece)
                yield piece

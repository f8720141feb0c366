"""What is compressed together, as one archive."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from slugfit.slug.weigh.content_hash import ContentHash
from slugfit.slug.weigh.tar_stream import pieces, tar_stream


@dataclass(frozen=True)
class ArchiveSpec:
    """Files to compress as one archive, followed by `ranges` of other files.

    `paths` are relative to `root`. A range is a path, an offset and a size in bytes.
    """

    root: Path
    paths: tuple[str, ...] = ()
    ranges: tuple[tuple[str, int, int], ...] = ()

    @property
    def raw(self) -> int:
        """The uncompressed bytes of all files and ranges."""
        sizes = (self.root.joinpath(path).lstat() for path in self.paths)
        files = sum(status.st_size for status in sizes if stat.S_ISREG(status.st_mode))
        return files + sum(size for _, _, size in self.ranges)

    def stream(self, content_hash: ContentHash | None = None) -> Iterator[bytes]:
        """The bytes to compress. `content_hash` hashes the files on the way."""
        yield from tar_stream(self.root, self.paths, content_hash)
        yield from self._ranges(content_hash or ContentHash())

    def hash(self) -> ContentHash:
        """The hash of the files, without the archive."""
        content_hash = ContentHash()
        for name in self.paths:
            path = self.root / name
            status = path.lstat()
            content_hash.file(name, path, status)
            if stat.S_ISREG(status.st_mode):
                for piece in pieces(path, 0, status.st_size):
                    content_hash.feed(piece)
        for _ in self._ranges(content_hash):
            pass
        return content_hash

    def _ranges(self, content_hash: ContentHash) -> Iterator[bytes]:
        for number, (path, offset, size) in enumerate(self.ranges):
            content_hash.range(number)
            for piece in pieces(self.root / path, offset, size):
                content_hash.feed(piece)
                yield piece

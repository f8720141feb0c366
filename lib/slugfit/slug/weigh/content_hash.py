"""A hash of everything that a weight depends on: names, types and contents, but not times."""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path


class ContentHash:
    """Computed while files are read, in any order. `raw` are their bytes so far."""

    def __init__(self) -> None:
        self.raw = 0
        self._hashes: dict[str, hashlib._Hash] = {}
        self._current = hashlib.sha256()

    def file(self, name: str, path: Path, status: os.stat_result) -> None:
        """Begin the file `name` at `path`. The bytes of a regular file are fed next."""
        self._begin(f"{name}\0{stat.S_IFMT(status.st_mode)}\0")
        if stat.S_ISLNK(status.st_mode):
            self._current.update(os.fsencode(path.readlink()))
        elif stat.S_ISREG(status.st_mode):
            self.raw += status.st_size
            self._current.update(f"{status.st_size}\0".encode())

    def range(self, number: int) -> None:
        """Begin a range of a file. Its bytes are fed next."""
        self._begin(f"\0{number}\0")

    def feed(self, piece: bytes) -> None:
        self._current.update(piece)

    @property
    def hexdigest(self) -> str:
        together = hashlib.sha256()
        for _, hashed in sorted(self._hashes.items()):
            together.update(hashed.digest())
        return together.hexdigest()

    def _begin(self, description: str) -> None:
        self._current = hashlib.sha256(description.encode(errors="surrogateescape"))
        self._hashes[description] = self._current

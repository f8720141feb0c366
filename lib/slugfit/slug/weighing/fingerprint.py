"""A hash of what decides how much files weigh: their names, kinds and contents, not their times."""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path


class Fingerprint:
    """Taken while files are read, whatever their order. `raw` are their bytes so far."""

    def __init__(self) -> None:
        self.raw = 0
        self._hashes: dict[str, hashlib._Hash] = {}
        self._current = hashlib.sha256()

    def file(self, name: str, path: Path, status: os.stat_result) -> None:
        """The next one is called `name` and lies at `path`; if it is regular, its bytes follow."""
        self._begin(f"{name}\0{stat.S_IFMT(status.st_mode)}\0")
        if stat.S_ISLNK(status.st_mode):
            self._current.update(os.fsencode(path.readlink()))
        elif stat.S_ISREG(status.st_mode):
            self.raw += status.st_size
            self._current.update(f"{status.st_size}\0".encode())

    def part(self, number: int) -> None:
        """The next one is no file of its own, but a part of one: its bytes follow."""
        self._begin(f"\0{number}\0")

    def feed(self, piece: bytes) -> None:
        self._current.update(piece)

    @property
    def hexdigest(self) -> str:
        together = hashlib.sha256()
        for _, hashed in sorted(self._hashes.items()):
            together.update(hashed.digest())
        return together.hexdigest()

    def _begin(self, about: str) -> None:
        self._current = hashlib.sha256(about.encode(errors="surrogateescape"))
        self._hashes[about] = self._current

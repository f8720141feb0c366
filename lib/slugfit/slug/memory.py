"""Compressed sizes, remembered from one build to the next by content.

Hashing files is some twenty times faster than compressing them, and most of a
slug is the same in the next build.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from slugfit.files import Changes
from slugfit.slug.compress import Weight, pieces, weigh, weigh_ranges
from slugfit.slug.tree import Item

# Belongs to the sizes: raise it when compress.py comes to other ones.
_SCHEMA_VERSION = 1
_PIECE_BYTES = 1024 * 1024


class Scales:
    """Weighs groups of files; those that it has weighed before, by their hash alone."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._known = _read(file)
        self._used: dict[str, int] = {}

    def weigh(self, root: Path, paths: Iterable[str]) -> Weight:
        """The weight of `paths`, relative to `root`, as one archive."""
        ordered = list(paths)
        raw, key = fingerprint(root, ordered)
        if key not in self._known:
            self._known[key] = weigh(root, ordered).compressed
        self._used[key] = self._known[key]
        return Weight(raw, self._used[key])

    def weigh_ranges(self, root: Path, ranges: Iterable[tuple[str, int, int]]) -> int:
        """The compressed size of parts of files: path, offset and size in bytes of each."""
        ordered = list(ranges)
        digest = hashlib.sha256(b"ranges\0")
        for path, offset, size in ordered:
            for piece in pieces(root / path, offset, size):
                digest.update(piece)
        key = digest.hexdigest()
        if key not in self._known:
            self._known[key] = weigh_ranges(root, ordered)
        self._used[key] = self._known[key]
        return self._used[key]

    def weigh_items(self, root: Path, items: Mapping[Item, list[str]]) -> dict[Item, Weight]:
        """Each item on its own. zlib and hashlib work outside the interpreter lock."""
        with ThreadPoolExecutor(min(os.cpu_count() or 1, 4)) as pool:
            futures = {item: pool.submit(self.weigh, root, paths) for item, paths in items.items()}
            return {item: future.result() for item, future in futures.items()}

    def remember(self, changes: Changes) -> None:
        """Keep what this build has weighed for the next one, and nothing else."""
        document = {"schema_version": _SCHEMA_VERSION, "compressed_bytes": self._used}
        changes.write(self._file, json.dumps(document, indent=2, sort_keys=True).encode())


def fingerprint(root: Path, paths: Iterable[str]) -> tuple[int, str]:
    """The bytes that files have together, and a hash of all that decides their archive's size."""
    digest = hashlib.sha256()
    raw = 0
    for path in paths:
        full = root / path
        status = full.lstat()
        digest.update(f"{path}\0{stat.S_IFMT(status.st_mode)}\0".encode(errors="surrogateescape"))
        if stat.S_ISLNK(status.st_mode):
            digest.update(os.fsencode(full.readlink()))
        elif stat.S_ISREG(status.st_mode):
            raw += status.st_size
            digest.update(f"{status.st_size}\0".encode())
            with full.open("rb") as file:
                while piece := file.read(_PIECE_BYTES):
                    digest.update(piece)
    return raw, digest.hexdigest()


def _read(file: Path) -> dict[str, int]:
    """What was remembered; nothing when the file is missing or damaged."""
    try:
        document = json.loads(file.read_bytes())
        if document["schema_version"] != _SCHEMA_VERSION:
            return {}
        return {str(key): int(size) for key, size in document["compressed_bytes"].items()}
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return {}

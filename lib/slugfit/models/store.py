"""The models in the build cache: contents by checksum, and which source had which content.

CACHE_DIR/slugfit/models/index.json
CACHE_DIR/slugfit/models/sha256/<64 hexadecimal digits>
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from slugfit.files import Changes, sha256_of
from slugfit.plan import CacheContents, Cached

_SCHEMA_VERSION = 1


class ModelStore:
    """Additions are provisional, in `changes`, until `settle`."""

    def __init__(self, root: Path, changes: Changes) -> None:
        self._index = root / "index.json"
        self._contents = root / "sha256"
        self._changes = changes

    def contents(self, sources: tuple[str, ...]) -> CacheContents:
        """What is known of `sources`, and all that is stored. A damaged index counts as empty."""
        entries = self._read_index()
        known = {source: entries[key] for source in sources if (key := _key(source)) in entries}
        return CacheContents(known, self.stored())

    def stored(self) -> frozenset[str]:
        """The sha256 of every stored content."""
        paths = self._contents.iterdir() if self._contents.is_dir() else ()
        return frozenset(path.name for path in paths)

    def path(self, sha256: str) -> Path:
        return self._contents / sha256

    def prepare(self) -> None:
        """Make the directory that contents arrive in."""
        self._changes.make_directory(self._contents)

    def added(self, sha256: str) -> None:
        self._changes.added(self.path(sha256))

    def verified(self, sha256: str) -> Path | None:
        """The content's path, or None when the stored bytes are not the ones of that name."""
        path = self.path(sha256)
        return path if path.is_file() and sha256_of(path).hex() == sha256 else None

    def settle(self, used: Mapping[str, Cached]) -> None:
        """Remember exactly `used`, by source, and drop every other content."""
        if not used and not self._contents.exists():
            return
        entries = {_key(source): asdict(cached) for source, cached in sorted(used.items())}
        document = {"schema_version": _SCHEMA_VERSION, "sources": entries}
        self._changes.write(self._index, json.dumps(document, indent=2).encode())
        named = {cached.sha256 for cached in used.values()}
        for path in sorted(self._contents.iterdir()):
            if path.name not in named:
                self._changes.set_aside(path)

    def _read_index(self) -> dict[str, Cached]:
        try:
            document = json.loads(self._index.read_bytes())
            if document["schema_version"] != _SCHEMA_VERSION:
                return {}
            return {key: Cached(**entry) for key, entry in document["sources"].items()}
        except (OSError, ValueError, TypeError, KeyError, AttributeError):
            return {}


def _key(source: str) -> str:
    """A source's name in the index. Hashed: a URL's query string can hold a signature."""
    return hashlib.sha256(source.encode()).hexdigest()

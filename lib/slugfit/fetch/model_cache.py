"""The models in the build cache: contents by checksum, and which source had which content.

CACHE_DIR/slugfit/models/index.json
CACHE_DIR/slugfit/models/sha256/<64 hexadecimal digits>
CACHE_DIR/slugfit/models/partial/<a source's key>: what a failed build has fetched so far
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path

from slugfit.base.changes import Changes
from slugfit.base.files import sha256_of
from slugfit.fetch.manifest import Manifest
from slugfit.fetch.plan import CacheContents, Cached

_SCHEMA_VERSION = 2


class ModelCache:
    """Additions are provisional, in `changes`."""

    def __init__(self, root: Path, changes: Changes) -> None:
        self._root = root
        self._index = root / "index.json"
        self._contents = root / "sha256"
        self._partial = root / "partial"
        self._changes = changes

    def contents(self, sources: Iterable[str]) -> CacheContents:
        """What is known of `sources`, and all that is stored. A damaged index counts as empty."""
        entries = self._read_index()
        known = {source: entries[key] for source in sources if (key := _key(source)) in entries}
        unpacked = {c.sha256: c for c in entries.values() if c.manifest not in (None, c.sha256)}
        return CacheContents(known, self._stored(), unpacked)

    def path(self, sha256: str) -> Path:
        return self._contents / sha256

    def partial(self, source: str) -> Path:
        """Where `source` is fetched to. A failed build leaves it, and the next one resumes."""
        self._changes.make_directory(self._partial)
        return self._partial / _key(source)[:32]

    def adopt(self, file: Path, sha256: str) -> None:
        """Store `file`, which has this content: as a hard link, or else by moving it."""
        if self.holds(sha256):
            return
        self._changes.make_directory(self._contents)
        path = self.path(sha256)
        if path.exists():
            self._changes.set_aside(path)  # damaged
        self._changes.adding(path)
        try:
            os.link(file, path)
        except OSError:
            shutil.move(file, path)  # no hard links here

    def write(self, content: bytes) -> str:
        """Store `content`; its sha256."""
        sha256 = hashlib.sha256(content).hexdigest()
        if not self.holds(sha256):
            self._changes.write(self.path(sha256), content)
        return sha256

    def holds(self, sha256: str) -> bool:
        """Whether the content is stored and undamaged."""
        path = self.path(sha256)
        return path.is_file() and sha256_of(path).hex() == sha256

    def manifest(self, sha256: str) -> Manifest | None:
        """A stored manifest all of whose files are stored, or None."""
        if not self.holds(sha256):
            return None
        try:
            manifest = Manifest.parse(self.path(sha256).read_bytes())
        except ValueError:
            return None
        return manifest if all(self.holds(file.sha256) for file in manifest.files) else None

    def retain(self, used: Mapping[str, Cached], limit: int | None) -> tuple[str, ...]:
        """Keep exactly what was `used`, by source, and evict every other content.

        Contents that would exceed `limit` bytes are not kept. Returns their sources.
        """
        if not used and not self._root.exists():
            return ()
        kept = self._within(used, limit)
        entries = {_key(source): asdict(cached) for source, cached in sorted(kept.items())}
        document = {"schema_version": _SCHEMA_VERSION, "sources": entries}
        self._changes.write(self._index, json.dumps(document, indent=2).encode())
        named = {sha256 for cached in kept.values() for sha256 in self._contents_of(cached)}
        for sha256 in sorted(self._stored() - named):
            self._changes.set_aside(self.path(sha256))
        return tuple(source for source in used if source not in kept)

    def remove_partial(self) -> None:
        """Remove what only a build after a failed one would have resumed from."""
        shutil.rmtree(self._partial, ignore_errors=True)

    def _within(self, used: Mapping[str, Cached], limit: int | None) -> dict[str, Cached]:
        """In the order of the configuration; what is stored once is counted once."""
        if limit is None:
            return dict(used)
        kept: dict[str, Cached] = {}
        counted: set[str] = set()
        total = 0
        for source, cached in used.items():
            new = self._contents_of(cached) - counted
            size = sum(self.path(sha256).stat().st_size for sha256 in new)
            if total + size <= limit:
                kept[source] = cached
                counted |= new
                total += size
        return kept

    def _contents_of(self, cached: Cached) -> set[str]:
        if cached.manifest is None:
            return {cached.sha256}
        manifest = Manifest.parse(self.path(cached.manifest).read_bytes())
        lists = filter(None, (cached.manifest, cached.journal))
        return {*lists, *(file.sha256 for file in manifest.files)}

    def _stored(self) -> frozenset[str]:
        """The sha256 of every stored content."""
        paths = self._contents.iterdir() if self._contents.is_dir() else ()
        return frozenset(path.name for path in paths)

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

"""Compressed sizes of groups of files, cached from one build to the next by content hash.

Hashing files is some twenty times faster than compressing them, and most of a slug is the same in
the next build.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeVar

from slugfit.base.changes import Changes
from slugfit.slug.weigh.archive_spec import ArchiveSpec
from slugfit.slug.weigh.compress import Weight, compressed_size
from slugfit.slug.weigh.content_hash import ContentHash
from slugfit.slug.weigh.sampling import ERROR, MIN_BYTES, estimate

# Raise it when the sizes are computed in another way.
_SCHEMA_VERSION = 2

Key = TypeVar("Key")
Result = TypeVar("Result")


@dataclass(frozen=True)
class _Size:
    """Compressed bytes: gzip's, or an estimate."""

    compressed_bytes: int
    exact: bool


class Weigher:
    """Weighs groups of files. `file` is the weights cache, with sizes by content hash."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._sizes = _read(file)
        self._used: dict[str, _Size] = {}

    def weigh(self, specs: Mapping[Key, ArchiveSpec], limit: float = math.inf) -> dict[Key, Weight]:
        """The weight of each archive. The total is right to half a percent.

        It is also on the right side of `limit` (bytes): when an estimate is too near to it,
        everything is compressed.
        """
        raw = 0 if self._sizes else sum(spec.raw for spec in specs.values())
        hashed = self._estimate_all(specs, raw) if raw >= MIN_BYTES else self._weigh_new(specs)
        digests = {key: content.hexdigest for key, content in hashed.items()}
        total = sum(self._sizes[digest].compressed_bytes for digest in digests.values())
        if abs(total - limit) <= ERROR * total:
            self._compress({d: specs[k] for k, d in digests.items() if not self._sizes[d].exact})
        self._used |= {digest: self._sizes[digest] for digest in digests.values()}
        return {
            key: Weight(content.raw, self._sizes[digests[key]].compressed_bytes)
            for key, content in hashed.items()
        }

    def save(self, changes: Changes) -> None:
        """Write the sizes that this build has used to the cache, and no others."""
        sizes = {digest: asdict(size) for digest, size in self._used.items()}
        document = {"schema_version": _SCHEMA_VERSION, "sizes": sizes}
        changes.write(self._file, json.dumps(document, indent=2, sort_keys=True).encode())

    def _weigh_new(self, specs: Mapping[Key, ArchiveSpec]) -> dict[Key, ContentHash]:
        """Hash all of `specs`, and weigh those that are not in the cache."""
        hashed = dict(zip(specs, _in_threads(ArchiveSpec.hash, specs.values()), strict=True))
        keys = {content.hexdigest: key for key, content in hashed.items()}
        new = {digest: key for digest, key in keys.items() if digest not in self._sizes}
        raw = sum(hashed[key].raw for key in new.values())
        unknown = {digest: specs[key] for digest, key in new.items()}
        if raw < MIN_BYTES:
            self._compress(unknown)
        else:
            self._add(unknown, estimate([spec.stream() for spec in unknown.values()], raw))
        return hashed

    def _estimate_all(self, specs: Mapping[Key, ArchiveSpec], raw: int) -> dict[Key, ContentHash]:
        """Hash and weigh all of `specs` in one pass: the cache is empty."""
        hashed = {key: ContentHash() for key in specs}
        sizes = estimate([spec.stream(hashed[key]) for key, spec in specs.items()], raw)
        self._add((content.hexdigest for content in hashed.values()), sizes)
        return hashed

    def _add(self, digests: Iterable[str], estimates: Iterable[int]) -> None:
        self._sizes |= {d: _Size(n, exact=False) for d, n in zip(digests, estimates, strict=True)}

    def _compress(self, specs: Mapping[str, ArchiveSpec]) -> None:
        sizes = _in_threads(lambda spec: compressed_size(spec.stream()), specs.values())
        self._sizes |= {d: _Size(n, exact=True) for d, n in zip(specs, sizes, strict=True)}


def _in_threads(
    function: Callable[[ArchiveSpec], Result], specs: Iterable[ArchiveSpec]
) -> list[Result]:
    """Apply `function` to each. zlib and hashlib release the interpreter lock."""
    with ThreadPoolExecutor(min(os.cpu_count() or 1, 4)) as pool:
        return list(pool.map(function, specs))


def _read(file: Path) -> dict[str, _Size]:
    """The cached sizes; none when the file is missing or damaged."""
    try:
        document = json.loads(file.read_bytes())
        if document["schema_version"] != _SCHEMA_VERSION:
            return {}
        return {
            str(digest): _Size(int(size["compressed_bytes"]), size["exact"] is True)
            for digest, size in document["sizes"].items()
        }
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return {}

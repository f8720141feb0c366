"""Compressed sizes, remembered from one build to the next by content.

Hashing files is some twenty times faster than compressing them, and most of a
slug is the same in the next build.
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

from slugfit.files import Changes
from slugfit.slug.weighing.compress import Weight, compressed_size
from slugfit.slug.weighing.fingerprint import Fingerprint
from slugfit.slug.weighing.load import Load
from slugfit.slug.weighing.sampling import ERROR, LEAST, estimate

# Belongs to the sizes: raise it when they are come by in another way.
_SCHEMA_VERSION = 2

Key = TypeVar("Key")
Answer = TypeVar("Answer")


@dataclass(frozen=True)
class _Size:
    """Compressed bytes: those of gzip, or an estimate."""

    compressed_bytes: int
    exact: bool


class Scales:
    """Weighs groups of files; those that it has weighed before, by their hash alone."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._known = _read(file)
        self._used: dict[str, _Size] = {}

    def weigh(self, loads: Mapping[Key, Load], limit: float = math.inf) -> dict[Key, Weight]:
        """The weight of each load: together right to half a percent, and on `limit`'s right side.

        So near to it that an estimate would leave that open, all is compressed.
        """
        raw = 0 if self._known else sum(load.raw for load in loads.values())
        prints = self._read_once(loads, raw) if raw >= LEAST else self._look_up(loads)
        hashes = {key: seen.hexdigest for key, seen in prints.items()}
        total = sum(self._known[hashed].compressed_bytes for hashed in hashes.values())
        if abs(total - limit) <= ERROR * total:
            self._compress({h: loads[k] for k, h in hashes.items() if not self._known[h].exact})
        self._used |= {hashed: self._known[hashed] for hashed in hashes.values()}
        return {
            key: Weight(seen.raw, self._known[hashes[key]].compressed_bytes)
            for key, seen in prints.items()
        }

    def remember(self, changes: Changes) -> None:
        """Keep what this build has weighed for the next one, and nothing else."""
        sizes = {hashed: asdict(size) for hashed, size in self._used.items()}
        document = {"schema_version": _SCHEMA_VERSION, "sizes": sizes}
        changes.write(self._file, json.dumps(document, indent=2, sort_keys=True).encode())

    def _look_up(self, loads: Mapping[Key, Load]) -> dict[Key, Fingerprint]:
        """Weigh those of `loads` that are not known."""
        prints = dict(zip(loads, _in_threads(Load.fingerprint, loads.values()), strict=True))
        named = {seen.hexdigest: key for key, seen in prints.items()}
        new = {hashed: key for hashed, key in named.items() if hashed not in self._known}
        raw = sum(prints[key].raw for key in new.values())
        unknown = {hashed: loads[key] for hashed, key in new.items()}
        if raw < LEAST:
            self._compress(unknown)
        else:
            self._note(unknown, estimate([load.stream() for load in unknown.values()], raw))
        return prints

    def _read_once(self, loads: Mapping[Key, Load], raw: int) -> dict[Key, Fingerprint]:
        """Weigh all of `loads`, of which none is known, while their fingerprints are taken."""
        prints = {key: Fingerprint() for key in loads}
        sizes = estimate([load.stream(prints[key]) for key, load in loads.items()], raw)
        self._note((seen.hexdigest for seen in prints.values()), sizes)
        return prints

    def _note(self, hashes: Iterable[str], estimates: Iterable[int]) -> None:
        self._known |= {h: _Size(n, exact=False) for h, n in zip(hashes, estimates, strict=True)}

    def _compress(self, loads: Mapping[str, Load]) -> None:
        sizes = _in_threads(lambda load: compressed_size(load.stream()), loads.values())
        self._known |= {h: _Size(n, exact=True) for h, n in zip(loads, sizes, strict=True)}


def _in_threads(function: Callable[[Load], Answer], loads: Iterable[Load]) -> list[Answer]:
    """Apply `function` to each. zlib and hashlib work outside the interpreter lock."""
    with ThreadPoolExecutor(min(os.cpu_count() or 1, 4)) as pool:
        return list(pool.map(function, loads))


def _read(file: Path) -> dict[str, _Size]:
    """What was remembered; nothing when the file is missing or damaged."""
    try:
        document = json.loads(file.read_bytes())
        if document["schema_version"] != _SCHEMA_VERSION:
            return {}
        return {
            str(hashed): _Size(int(size["compressed_bytes"]), size["exact"] is True)
            for hashed, size in document["sizes"].items()
        }
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return {}

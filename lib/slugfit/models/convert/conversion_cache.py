"""Results of conversions in the build cache, by a key of everything that they depend on.

CACHE_DIR/slugfit/conversions/<key>.json, .model, .inputs.npz and .expected.npz
"""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slugfit.base.changes import Changes
from slugfit.base.files import naming_full_disk, sha256_of

MODEL, INPUTS, EXPECTED = "model", "inputs.npz", "expected.npz"
"""The files of a conversion, by name."""


@dataclass(frozen=True)
class CachedConversion:
    """A stored conversion, of `bytes`. `facts` are what the tool reported.

    `inputs` and `outputs` are None when there is nothing to compare with.
    """

    model: Path
    sha256: str
    bytes: int
    facts: dict[str, Any]
    inputs: Path | None
    outputs: Path | None


class ConversionCache:
    """Additions, and what `prune` drops, are provisional in `changes`."""

    def __init__(self, root: Path, changes: Changes) -> None:
        self._root = root
        self._changes = changes
        self._used: list[str] = []

    def find(self, key: str) -> CachedConversion | None:
        """The result of an earlier build, if it is complete and undamaged."""
        try:
            document = json.loads(self._path(key, "json").read_bytes())
            files = {name: self._path(key, name) for name in document["sha256"]}
            whole = all(sha256_of(files[n]).hex() == s for n, s in document["sha256"].items())
            if not whole or MODEL not in files:
                return None
        except (OSError, ValueError, TypeError, KeyError):
            return None
        return self._result(key, document)

    def add(self, key: str, work: Path, facts: dict[str, Any]) -> CachedConversion:
        """Store the files of a conversion from `work`, where they have their names."""
        names = [n for n in (MODEL, INPUTS, EXPECTED) if (work / n).exists()]
        document = {"facts": facts, "sha256": {n: sha256_of(work / n).hex() for n in names}}
        self._changes.make_directory(self._root)
        for name in names:
            self._adopt(work / name, self._path(key, name))
        self._changes.write(self._path(key, "json"), json.dumps(document).encode())
        return self._result(key, document)

    def prune(self, limit: int | None = None) -> int:
        """Drop what this build did not use, and what exceeds `limit` bytes.

        Returns the bytes of what is kept.
        """
        kept: set[str] = set()
        total = 0
        for key in dict.fromkeys(self._used):
            size = sum(path.stat().st_size for path in self._root.glob(f"{key}.*"))
            if limit is None or total + size <= limit:
                kept.add(key)
                total += size
        for path in sorted(self._root.glob("*.*")):
            if path.name.partition(".")[0] not in kept:
                self._changes.set_aside(path)
        return total

    def _path(self, key: str, name: str) -> Path:
        return self._root / f"{key}.{name}"

    def _result(self, key: str, document: dict[str, Any]) -> CachedConversion:
        self._used.append(key)
        model = self._path(key, MODEL)
        sha256 = document["sha256"]
        return CachedConversion(
            model=model,
            sha256=sha256[MODEL],
            bytes=model.stat().st_size,
            facts=document["facts"],
            inputs=self._path(key, INPUTS) if INPUTS in sha256 else None,
            outputs=self._path(key, EXPECTED) if EXPECTED in sha256 else None,
        )

    def _adopt(self, file: Path, path: Path) -> None:
        if path.exists():
            self._changes.set_aside(path)  # damaged
        os.chmod(file, 0o644)
        self._changes.adding(path)
        with naming_full_disk(path):
            try:
                os.link(file, path)
            except OSError:
                shutil.move(file, path)  # another filesystem

"""What earlier strips found out, by what it depends on. Only ever a shortcut."""

from __future__ import annotations

import gzip
import hashlib
import json
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from slugfit.base.changes import Changes
from slugfit.strip.decide import Decisions
from slugfit.strip.native.elf import Range, Shrink
from slugfit.strip.trials.trial_verdict import Verdict, from_document, to_document


class DecisionCache:
    """Documents in a directory, each in a file that is named after its key.

    Documents that are neither read nor written are deleted, except for the `keep` newest.
    """

    def __init__(self, directory: Path, keep: int = 0) -> None:
        self._directory = directory
        self._keep = keep
        self._used: set[str] = set()
        self._new: dict[str, bytes] = {}

    def decisions(self, key: str) -> Decisions | None:
        return _decisions(self._read("decisions", key))

    def verdict(self, key: str) -> Verdict | None:
        return from_document(self._read("verdict", key))

    def add_decisions(self, key: str, decisions: Decisions) -> None:
        self._add("decisions", key, _document(decisions))

    def add_verdict(self, key: str, verdict: Verdict) -> None:
        self._add("verdict", key, to_document(verdict))

    def save(self, changes: Changes) -> None:
        """Write the new documents, and delete the unused ones."""
        for name, content in sorted(self._new.items()):
            changes.write(self._directory / name, content)
        others = [p for p in self._directory.glob("*.json.gz") if p.name not in self._used]
        newest = sorted(others, key=lambda path: path.stat().st_mtime, reverse=True)
        for path in newest[self._keep :]:
            changes.set_aside(path)

    def _read(self, kind: str, key: str) -> Any:
        """The document of this key; None when there is none, or it is damaged."""
        name = _name(kind, key)
        try:
            document = json.loads(gzip.decompress((self._directory / name).read_bytes()))
        except (OSError, EOFError, ValueError, zlib.error):
            return None
        self._used.add(name)
        return document

    def _add(self, kind: str, key: str, document: Mapping[str, Any]) -> None:
        name = _name(kind, key)
        self._used.add(name)
        text = json.dumps(document, separators=(",", ":"), sort_keys=True)
        self._new[name] = gzip.compress(text.encode(), compresslevel=6, mtime=0)


def key_of(*parts: str) -> str:
    """One key of many."""
    return hashlib.sha256("\0".join(parts).encode(errors="surrogateescape")).hexdigest()


def _name(kind: str, key: str) -> str:
    return f"{kind}-{key[:32]}.json.gz"


def _document(decisions: Decisions) -> dict[str, Any]:
    return {
        "going": dict(decisions.going),
        "kept": dict(decisions.kept),
        "shrinks": {
            path: {"dead": [[r.offset, r.size] for r in found.dead], "end": found.end}
            for path, found in decisions.shrinks.items()
        },
        "links": dict(decisions.links),
        "dynamic_modules": list(decisions.dynamic_modules),
        "hashes": dict(decisions.hashes),
    }


def _decisions(document: Any) -> Decisions | None:
    """The inverse; None for anything else."""
    try:
        return Decisions(
            going=document["going"],
            kept=document["kept"],
            shrinks={
                path: Shrink(tuple(Range(*at) for at in found["dead"]), found["end"])
                for path, found in document["shrinks"].items()
            },
            links=document["links"],
            dynamic_modules=tuple(document["dynamic_modules"]),
            hashes=document["hashes"],
        )
    except (KeyError, TypeError, AttributeError):
        return None

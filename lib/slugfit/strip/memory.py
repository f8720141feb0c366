"""What earlier strips have found out, by what it depends on. Only ever a shortcut."""

from __future__ import annotations

import gzip
import hashlib
import json
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from slugfit.files import Changes
from slugfit.strip.decide import Decisions
from slugfit.strip.native.elf import Range, Shrink
from slugfit.strip.trials.verdict import Verdict, from_document, to_document


class Memory:
    """Documents in a directory, each in a file that is named after its key.

    What is neither recalled nor noted is forgotten, but for the `spared` newest.
    """

    def __init__(self, directory: Path, spared: int = 0) -> None:
        self._directory = directory
        self._spared = spared
        self._used: set[str] = set()
        self._new: dict[str, bytes] = {}

    def decisions(self, key: str) -> Decisions | None:
        return _decisions(self._recall("decisions", key))

    def verdict(self, key: str) -> Verdict | None:
        return from_document(self._recall("verdict", key))

    def note_decisions(self, key: str, decisions: Decisions) -> None:
        self._note("decisions", key, _document(decisions))

    def note_verdict(self, key: str, verdict: Verdict) -> None:
        self._note("verdict", key, to_document(verdict))

    def save(self, changes: Changes) -> None:
        """Write what is new, and drop what was of no use."""
        for name, content in sorted(self._new.items()):
            changes.write(self._directory / name, content)
        others = [p for p in self._directory.glob("*.json.gz") if p.name not in self._used]
        newest = sorted(others, key=lambda path: path.stat().st_mtime, reverse=True)
        for path in newest[self._spared :]:
            changes.set_aside(path)

    def _recall(self, kind: str, key: str) -> Any:
        """The document of this key; None when there is none, or it is damaged."""
        name = _name(kind, key)
        try:
            document = json.loads(gzip.decompress((self._directory / name).read_bytes()))
        except (OSError, EOFError, ValueError, zlib.error):
            return None
        self._used.add(name)
        return document

    def _note(self, kind: str, key: str, document: Mapping[str, Any]) -> None:
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
        "twins": dict(decisions.twins),
        "blind": list(decisions.blind),
        "hashes": dict(decisions.hashes),
    }


def _decisions(document: Any) -> Decisions | None:
    """The inverse; None for anything that is no such document."""
    try:
        return Decisions(
            going=document["going"],
            kept=document["kept"],
            shrinks={
                path: Shrink(tuple(Range(*at) for at in found["dead"]), found["end"])
                for path, found in document["shrinks"].items()
            },
            twins=document["twins"],
            blind=tuple(document["blind"]),
            hashes=document["hashes"],
        )
    except (KeyError, TypeError, AttributeError):
        return None

"""Verdicts of earlier builds, by a key of everything that they depend on."""

from __future__ import annotations

import gzip
import hashlib
import json
import zlib
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from slugfit.base.changes import Changes
from slugfit.base.files import sha256_of
from slugfit.models.check import Comparison, LoadReport
from slugfit.models.check.loading import PROBE, tensors


class VerdictCache:
    """Reports in a directory, one file per key. Reports that a build did not use are dropped."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._used: set[str] = set()
        self._new: dict[str, bytes] = {}

    def get(self, key: str) -> LoadReport | None:
        """The report for `key`; None when there is none or it is damaged."""
        try:
            content = gzip.decompress((self._directory / _name(key)).read_bytes())
            report = _report(json.loads(content))
        except (OSError, EOFError, ValueError, KeyError, TypeError, zlib.error):
            return None
        self._used.add(_name(key))
        return report

    def add(self, key: str, report: LoadReport) -> None:
        """Keep a new report; it is written by `save`."""
        text = json.dumps(asdict(report), separators=(",", ":"), sort_keys=True)
        self._new[_name(key)] = gzip.compress(text.encode(), compresslevel=6, mtime=0)

    def save(self, changes: Changes) -> None:
        """Write new reports, and drop those that were neither used nor added."""
        for name, content in sorted(self._new.items()):
            changes.write(self._directory / name, content)
        for path in sorted(self._directory.glob("*.json.gz")):
            if path.name not in self._used | self._new.keys():
                changes.set_aside(path)


def key_of(parts: Iterable[object]) -> str:
    """A key for everything that a report depends on, including the probe's code."""
    return _hash("\0".join((_probe(), *map(str, parts))).encode(errors="surrogateescape"))


def packages_key(site: Path) -> str:
    """A hash of all RECORDs, and so of the content of every installed file.

    Of all packages: a runtime's outputs depend on many, and a pickle can name any.
    """
    records = sorted(site.glob("*.dist-info/RECORD"))
    parts = (path.parent.name.encode() + b"\0" + sha256_of(path) for path in records)
    return _hash(b"\0".join(parts))


def file_key(file: Path | None) -> str:
    return sha256_of(file).hex() if file else ""


def _probe() -> str:
    return _hash(b"".join(sha256_of(file) for file in sorted(PROBE.glob("*.py"))))


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _name(key: str) -> str:
    return f"load-{key[:32]}.json.gz"


def _report(document: dict[str, Any]) -> LoadReport:
    comparison = document["comparison"]
    return LoadReport(
        **{
            **document,
            "inputs": tensors(document["inputs"]),
            "outputs": tensors(document["outputs"]),
            "comparison": Comparison(**comparison) if comparison else None,
            "notes": tuple(document["notes"]),
        }
    )

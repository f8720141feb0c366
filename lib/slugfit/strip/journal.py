"""What a strip did and what it left, and why: written beside the tree, for `slugfit why`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from slugfit.base.errors import Explanation, Failure

JOURNAL = ".slugfit/strip.json"
_SCHEMA_VERSION = 1


@dataclass(frozen=True)
class Journal:
    """Of one site-packages directory, which is `site` below the journal's own root.

    `removed` is path → category, `shrunk` path → bytes, `linked` path → duplicate, `kept` path →
    what keeps it, of candidates; `restored` is distribution → what failed
    without its files. `gone` is path → bytes saved by a removed or linked file.
    """

    site: str
    removed: Mapping[str, str] = field(default_factory=dict)
    shrunk: Mapping[str, int] = field(default_factory=dict)
    linked: Mapping[str, str] = field(default_factory=dict)
    kept: Mapping[str, str] = field(default_factory=dict)
    restored: Mapping[str, str] = field(default_factory=dict)
    gone: Mapping[str, int] = field(default_factory=dict)

    def followed_by(self, next_: Journal) -> Journal:
        """Two strips of one tree as one."""
        kept = {**self.kept, **next_.kept}
        return replace(
            self,
            removed={**self.removed, **next_.removed},
            shrunk={**self.shrunk, **next_.shrunk},
            linked={**self.linked, **next_.linked},
            kept={p: why for p, why in kept.items() if p not in next_.removed},
            restored={**self.restored, **next_.restored},
            gone={**self.gone, **next_.gone},
        )


class JournalDamaged(Failure):
    """A journal that is no journal, or that of another version of Slugfit."""

    id = "why::journal-damaged"

    def __init__(self, file: Path) -> None:
        self.file = file

    def explain(self) -> Explanation:
        return Explanation(
            summary="The record of a strip can't be read.",
            where=str(self.file),
            fixes=("Build again: every build writes a new one.",),
        )


def write_journal(journal: Journal) -> bytes:
    """The journal as JSON. Paths are grouped by what is said of them, which is often the same."""
    document = {
        "schema_version": _SCHEMA_VERSION,
        "site_packages": journal.site,
        "removed": _by_value(journal.removed),
        "shrunk_bytes": dict(sorted(journal.shrunk.items())),
        "linked": dict(sorted(journal.linked.items())),
        "kept": _by_value(journal.kept),
        "restored": dict(sorted(journal.restored.items())),
        "gone_bytes": [journal.gone.get(path, 0) for path in _went(journal)],
    }
    return json.dumps(document, separators=(",", ":")).encode() + b"\n"


def read_journal(file: Path) -> Journal:
    """The inverse of `write_journal`. Raises JournalDamaged, FileNotFoundError."""
    try:
        document = json.loads(file.read_bytes())
        if document["schema_version"] != _SCHEMA_VERSION:
            raise JournalDamaged(file)
        journal = Journal(
            site=document["site_packages"],
            removed=_by_path(document["removed"]),
            shrunk=document["shrunk_bytes"],
            linked=document["linked"],
            kept=_by_path(document["kept"]),
            restored=document["restored"],
        )
        # Journals of the first versions do not have it.
        gone = zip(_went(journal), document.get("gone_bytes", ()), strict=False)
        return replace(journal, gone={path: size for path, size in gone if size})
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise JournalDamaged(file) from error


def _went(journal: Journal) -> list[str]:
    """The paths that `gone_bytes` is about: not repeating them keeps the journal small."""
    return sorted({*journal.removed, *journal.linked})


def _by_value(said: Mapping[str, str]) -> dict[str, list[str]]:
    groups: dict[str, list[str]] = {}
    for path, value in sorted(said.items()):
        groups.setdefault(value, []).append(path)
    return groups


def _by_path(groups: Any) -> dict[str, str]:
    return {path: value for value, paths in groups.items() for path in paths}

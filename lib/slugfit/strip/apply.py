"""Changes site-packages and changes it back, by renames only; keeps RECORD true."""

from __future__ import annotations

import hashlib
import os
import posixpath
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Set
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from slugfit.base.changes import Changes
from slugfit.base.files import directories_above
from slugfit.packages.distributions import (
    RECORD,
    Distribution,
    read_record,
    record_hash,
    write_record,
)
from slugfit.strip.native.elf import Shrink, copy_shrunk

Rows = list[list[str]]  # of a RECORD: path, hash, size


@dataclass(frozen=True)
class _RecordedContent:
    """What a row of RECORD says of a file: its hash, and its size in bytes."""

    hash: str
    size: int


class SitePackages:
    """A site-packages directory whose files can be removed, shrunk and restored."""

    def __init__(self, root: Path, distributions: Iterable[Distribution], changes: Changes) -> None:
        self._root = root
        self._distributions = tuple(distributions)
        self._changes = changes
        # What has changed: None for what is gone.
        self._now: dict[str, _RecordedContent | None] = {}

    def remove(self, paths: Iterable[str]) -> None:
        """Set `paths` aside, and with them the directories that they leave empty."""
        gone = frozenset(paths)
        for path in sorted(gone):
            self._changes.set_aside(self._root / path)
        emptied = {directory for path in gone for directory in directories_above(path)}
        for directory in sorted(emptied, reverse=True):
            with suppress(OSError):  # not empty
                (self._root / directory).rmdir()
        self._now |= dict.fromkeys(gone)
        self._rewrite_records(gone)

    def shrink(
        self, shrinks: Mapping[str, Shrink], known: Mapping[str, str] | None = None
    ) -> dict[str, str]:
        """Replace each file by a smaller copy; return the hash that RECORD has for it now.

        `known` are such hashes from an earlier build of the same files: those files are
        copied without being read here.
        """
        contents = {
            path: self._shrink(self._root / path, shrink, (known or {}).get(path))
            for path, shrink in sorted(shrinks.items())
        }
        self._now |= contents
        self._rewrite_records(contents.keys())
        return {path: content.hash for path, content in contents.items()}

    def link(self, links: Mapping[str, str]) -> None:
        """Replace each path by a relative symlink to its duplicate in the same distribution."""
        for path, target in sorted(links.items()):
            self._link(self._root / path, os.path.relpath(target, posixpath.dirname(path)))
            if (content := self._now.get(target)) is not None:
                self._now[path] = content
        self._rewrite_records(links.keys())

    def put_back(self, paths: Iterable[str]) -> None:
        """Undo what was done to `paths`."""
        returning = frozenset(paths)
        for path in sorted(returning):
            self._changes.put_back(self._root / path)
            self._now.pop(path, None)
        self._rewrite_records(returning)

    def _link(self, path: Path, target: str) -> None:
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=".slugfit-") as directory:
            link = Path(directory, "link")
            link.symlink_to(target)
            self._changes.set_aside(path)
            os.replace(link, path)

    def _shrink(self, file: Path, shrink: Shrink, known: str | None) -> _RecordedContent:
        digest = None if known else hashlib.sha256()
        size = 0

        def fill(target: IO[bytes]) -> None:
            nonlocal size
            size = copy_shrunk(file, shrink, target, digest)

        self._changes.rewrite(file, fill)
        return _RecordedContent(record_hash(digest.digest()) if digest else known or "", size)

    def _rewrite_records(self, changed: Set[str]) -> None:
        """Make the RECORDs that list any of `changed` true, starting from what pip wrote."""
        for distribution in self._distributions:
            if changed.isdisjoint(distribution.files):
                continue
            record = self._record(distribution)
            aside = self._changes.aside(record)
            if not self._now.keys().isdisjoint(distribution.files):
                rows = read_record((aside if aside.exists() else record).read_bytes())
                self._changes.write(record, write_record(self._true(rows)))
            elif aside.exists():
                self._changes.put_back(record)

    def _true(self, rows: Iterable[list[str]]) -> Iterator[list[str]]:
        """The rows of files that are left, those that have changed with their new hash and size."""
        for row in rows:
            path = posixpath.normpath(row[0])
            content = self._now.get(path)
            if content:
                yield [row[0], content.hash, str(content.size)]
            elif path not in self._now:
                yield row

    def _record(self, distribution: Distribution) -> Path:
        return self._root / distribution.info / RECORD

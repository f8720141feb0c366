"""Takes files out of site-packages and puts them back, by renames only; keeps RECORD true."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from slugfit.distributions import RECORD, Distribution, read_record, write_record
from slugfit.files import Changes, directories_above


class SitePackages:
    """A site-packages directory whose files can leave and return."""

    def __init__(self, root: Path, distributions: Iterable[Distribution], changes: Changes) -> None:
        self._root = root
        self._distributions = tuple(distributions)
        self._changes = changes

    def remove(self, paths: Iterable[str]) -> None:
        """Set `paths` aside, and with them the directories that they leave empty."""
        gone = frozenset(paths)
        for path in sorted(gone):
            self._changes.set_aside(self._root / path)
        emptied = {directory for path in gone for directory in directories_above(path)}
        for directory in sorted(emptied, reverse=True):
            with suppress(OSError):  # not empty
                (self._root / directory).rmdir()
        for distribution in self._distributions:
            if not gone.isdisjoint(distribution.files):
                self._rewrite_record(distribution, gone)

    def put_back(self, paths: Iterable[str]) -> None:
        """Undo `remove` for all files of the distributions that own `paths`."""
        returning = frozenset(paths)
        for path in sorted(returning):
            self._changes.put_back(self._root / path)
        for distribution in self._distributions:
            record = self._record(distribution)
            if (
                not returning.isdisjoint(distribution.files)
                and self._changes.aside(record).exists()
            ):
                self._changes.put_back(record)

    def _rewrite_record(self, distribution: Distribution, gone: frozenset[str]) -> None:
        record = self._record(distribution)
        rows = read_record(record.read_bytes())
        rest = [row for row in rows if posixpath.normpath(row[0]) not in gone]
        self._changes.write(record, write_record(rest))

    def _record(self, distribution: Distribution) -> Path:
        return self._root / distribution.info / RECORD

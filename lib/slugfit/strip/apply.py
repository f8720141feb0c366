"""Changes site-packages and changes it back, by renames only; keeps RECORD true."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator, Mapping, Set
from contextlib import suppress
from functools import partial
from pathlib import Path

from slugfit.distributions import RECORD, Distribution, read_record, record_hash, write_record
from slugfit.files import Changes, directories_above
from slugfit.strip.elf import Range, copy_without


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
        self._rewrite_records(gone)

    def zero(self, zeroings: Mapping[str, tuple[Range, ...]]) -> None:
        """Replace each file by a copy with zeros in these ranges."""
        for path, dead in sorted(zeroings.items()):
            file = self._root / path
            self._changes.rewrite(file, partial(copy_without, file, dead))
        self._rewrite_records(zeroings.keys())

    def put_back(self, paths: Iterable[str]) -> None:
        """Undo `remove` and `zero` for `paths`: all that changed of their distributions."""
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

    def _rewrite_records(self, changed: Set[str]) -> None:
        for distribution in self._distributions:
            if not changed.isdisjoint(distribution.files):
                record = self._record(distribution)
                rows = read_record(record.read_bytes())
                self._changes.write(record, write_record(self._true(rows, changed)))

    def _true(self, rows: Iterable[list[str]], changed: Set[str]) -> Iterator[list[str]]:
        """The rows of files that are left, those that have changed with their new hash."""
        for row in rows:
            path = posixpath.normpath(row[0])
            if path not in changed:
                yield row
            elif (self._root / path).exists():
                yield [row[0], record_hash(self._root / path), *row[2:]]

    def _record(self, distribution: Distribution) -> Path:
        return self._root / distribution.info / RECORD

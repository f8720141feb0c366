"""The complete files of a directory that is being fetched, and a journal of them.

The journal records which versions they are from. A resumed fetch keeps only files whose checksum is
the one in the journal.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from slugfit.base.files import NoSpace, alone_in, naming_full_disk, sha256_of
from slugfit.fetch.failures import ChecksumMismatch
from slugfit.fetch.manifest import Manifest, ManifestFile
from slugfit.stores import Entry

# A path, and the size and the ETag that the object there had.
_State = tuple[str, "int | None", "str | None"]


@dataclass(frozen=True)
class PreviousFetch:
    """What an earlier build has fetched: its journal, and where each content is stored."""

    journal: bytes
    content: Callable[[str], Path]


class PartialDirectory:
    """The files below `files`; `missing` are the `entries` that have to be fetched."""

    def __init__(
        self,
        part: Path,
        entries: tuple[Entry, ...],
        previous: PreviousFetch | None,
        journal: IO[str],
    ) -> None:
        self.files = part / "files"
        self._part = part
        self._there: dict[str, str] = {}
        self._received = 0
        self._made: set[Path] = set()
        self._lock = threading.Lock()
        self._journal = journal
        self._entries = entries
        self.missing = self._restore(previous)

    @property
    def received(self) -> int:
        """The size of all complete files."""
        return self._received

    @property
    def is_of_use(self) -> bool:
        """Whether there is anything that a later run can resume from."""
        return bool(self._there) or any(self._part.glob("*.part"))

    @property
    def manifest(self) -> Manifest:
        with self._lock:
            return Manifest.of(tuple(ManifestFile(path, sha) for path, sha in self._there.items()))

    @property
    def journal(self) -> bytes:
        """The lines of all entries, once none is missing."""
        lines = (_line(entry, self._there[entry.path]) for entry in self._entries)
        return "".join(lines).encode()

    def prepare(self, entry: Entry) -> Path:
        """The file's path, in a directory that exists."""
        path = self.files / entry.path
        if path.parent not in self._made:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._made.add(path.parent)
        return path

    def create(self, entry: Entry) -> IO[bytes]:
        """The file, new and in its place. It does not count as complete before it is added."""
        path = self.prepare(entry)
        path.unlink(missing_ok=True)  # it may be hard-linked to a stored one
        return path.open("xb")

    def part(self, entry: Entry) -> Path:
        """The file's path while it is not complete."""
        name = hashlib.sha256(os.fsencode(entry.path)).hexdigest()[:32]
        return self._part / f"{name}.part"

    def add(self, entry: Entry, sha256: str, size: int) -> None:
        """Record that the file is complete."""
        with self._lock:
            self._there[entry.path] = sha256
            self._received += size
            self._journal.write(_line(entry, sha256))
            self._journal.flush()

    def _restore(self, previous: PreviousFetch | None) -> tuple[Entry, ...]:
        self._drop_all_but({entry.path for entry in self._entries})
        left = _read((self._part / "journal").read_bytes())
        missing = [entry for entry in self._entries if not self._has(entry, left)]
        if previous:
            stored = _read(previous.journal)
            for entry in missing:
                self._link(entry, stored, previous)
            missing = [entry for entry in missing if not self._has(entry, stored)]
        return tuple(missing)

    def _link(self, entry: Entry, stored: Mapping[_State, str], previous: PreviousFetch) -> None:
        if sha256 := stored.get(_state(entry)):
            path = self.prepare(entry)
            path.unlink(missing_ok=True)
            with suppress(OSError):  # no longer stored, or no hard links here
                os.link(previous.content(sha256), path)

    def _has(self, entry: Entry, known: Mapping[_State, str]) -> bool:
        sha256, path = known.get(_state(entry)), self.files / entry.path
        if sha256 is None or not path.is_file() or sha256_of(path).hex() != sha256:
            return False
        self.add(entry, sha256, path.stat().st_size)
        return True

    def _drop_all_but(self, wanted: set[str]) -> None:
        for path in sorted(self.files.rglob("*"), reverse=True):
            if path.is_dir() and not path.is_symlink():
                with suppress(OSError):  # not empty
                    path.rmdir()
            elif str(path.relative_to(self.files)) not in wanted:
                path.unlink()


@contextmanager
def open_partial_directory(
    part: Path, entries: tuple[Entry, ...], previous: PreviousFetch | None = None
) -> Iterator[PartialDirectory]:
    """The directory `part`, new or resumed. On a failure it is kept if a later run can use it.

    Raises NoSpace.
    """
    useless = True
    try:
        with naming_full_disk(part), alone_in(part, wait=lambda: None):
            (part / "files").mkdir(parents=True, exist_ok=True)
            with (part / "journal").open("a", encoding="utf-8") as journal:
                journal.write("\n")  # the last line may be incomplete
                partial = PartialDirectory(part, entries, previous, journal)
                try:
                    yield partial
                finally:
                    useless = not partial.is_of_use
    except BaseException as error:
        if useless or isinstance(error, (ChecksumMismatch, NoSpace)):
            shutil.rmtree(part, ignore_errors=True)
        raise


def _state(entry: Entry) -> _State:
    return entry.path, entry.version.size, entry.version.etag


def _line(entry: Entry, sha256: str) -> str:
    return json.dumps([*_state(entry), sha256]) + "\n"


def _read(journal: bytes) -> dict[_State, str]:
    """The checksum of each file in the journal."""
    known = {}
    for line in journal.split(b"\n"):
        with suppress(ValueError, TypeError, RecursionError):  # incomplete, or damaged
            path, size, etag, sha256 = json.loads(line)
            known[path, size, etag] = sha256
    return known

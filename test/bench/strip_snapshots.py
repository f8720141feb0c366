"""What a tree holds, to compare it with what it held, or with another."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

CHUNK = 1 << 20


@dataclass(frozen=True)
class Entry:
    """A file: its mode and what it contains; of a link, where it leads."""

    path: str
    mode: int
    content: str
    modified: int


def snapshot(root: Path) -> tuple[Entry, ...]:
    """Read all files below a directory."""
    return tuple(_entry(root, path) for path in sorted(_files(root)))


def without_times(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    """Return the entries of two trees so that equal files are equal, whenever they were written."""
    return tuple(replace(entry, modified=0) for entry in entries)


def importable(entries: Iterable[Entry]) -> str:
    """Name what decides which modules import: all but bytecode, and the lists of files.

    Trees that differ in bytecode alone import the same modules; sooner or later.
    """
    decisive = (e for e in entries if not e.path.endswith((".pyc", ".dist-info/RECORD")))
    lines = (f"{entry.path} {entry.mode} {entry.content}\n" for entry in decisive)
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def _files(root: Path) -> Iterator[Path]:
    for directory, subdirectories, names in os.walk(root):
        links = [name for name in subdirectories if Path(directory, name).is_symlink()]
        yield from (Path(directory, name) for name in (*names, *links))


def _entry(root: Path, path: Path) -> Entry:
    status = path.lstat()
    content = str(path.readlink()) if stat.S_ISLNK(status.st_mode) else _sha256(path)
    return Entry(str(path.relative_to(root)), status.st_mode, content, status.st_mtime_ns)


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()

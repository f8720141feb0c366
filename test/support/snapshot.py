"""What a directory tree holds, to the byte: two snapshots are equal when nothing has changed."""

import hashlib
from pathlib import Path
from typing import NamedTuple

CHUNK = 1 << 20


class Entry(NamedTuple):
    """One file, directory or link: `content` is a SHA-256, or the target of a link."""

    mode: int
    size: int
    mtime_ns: int
    content: str


def snapshot(directory: Path) -> dict[str, Entry]:
    """Return an entry for everything below `directory`, by relative path.

    A directory counts with its mode only: its size and time say when its list of names changed,
    which the names themselves show.
    """
    return {str(path.relative_to(directory)): _entry(path) for path in sorted(directory.rglob("*"))}


def _entry(path: Path) -> Entry:
    status = path.lstat()
    if path.is_symlink():
        return Entry(status.st_mode, status.st_size, status.st_mtime_ns, str(path.readlink()))
    if path.is_dir():
        return Entry(status.st_mode, 0, 0, "")
    return Entry(status.st_mode, status.st_size, status.st_mtime_ns, _sha256(path))


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()

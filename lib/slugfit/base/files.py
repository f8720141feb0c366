"""Files that appear whole or not at all, and paths that stay inside a directory.

Nothing here writes in place: heroku/python's cache shares inodes with the app.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath
from typing import IO

from slugfit.base.errors import Explanation, Failure
from slugfit.base.sizes import format_size

_PIECE_BYTES = 1024 * 1024
_LONGEST_NAME = 255  # bytes, Linux's limit
_LONGEST_PATH = 2048  # bytes; Linux allows 4096, including BUILD_DIR
_NO_SPACE = {errno.ENOSPC, errno.EDQUOT}


class NoSpace(Failure):
    """A write failed because the disk or the user's quota is full."""

    id = "files::no-space"

    def __init__(self, path: Path, free_bytes: int) -> None:
        self.path = path
        self.free_bytes = free_bytes

    def explain(self) -> Explanation:
        return Explanation(
            summary="No space left on the build machine's disk.",
            where=str(self.path),
            evidence=(f"free: {format_size(self.free_bytes)}",),
            fixes=(
                "Fetch fewer or smaller models at build time.",
                "Empty the build cache, which shares this disk:\n"
                "heroku plugins:install heroku-builds\n"
                "heroku builds:cache:purge",
            ),
        )


@contextmanager
def naming_full_disk(path: Path) -> Iterator[None]:
    """Turn "no space left" on the filesystem of `path` into NoSpace."""
    try:
        yield
    except OSError as error:
        if error.errno not in _NO_SPACE:
            raise
        existing = next(p for p in (path, *path.parents) if p.exists())
        raise NoSpace(path, shutil.disk_usage(existing).free) from error


def inside(root: Path, relative: str) -> Path | None:
    """`root/relative`, or None when that is outside `root`: absolute, by `..` or by a symlink."""
    if os.path.isabs(relative) or ".." in Path(relative).parts:
        return None
    path = root / relative
    real_root = os.path.realpath(root)
    real_parent = os.path.realpath(path.parent)
    return path if os.path.commonpath([real_root, real_parent]) == real_root else None


def is_path_below(text: str) -> bool:
    """Whether `text` is a valid relative path to something below, without `..`."""
    path = PurePosixPath(text)
    below = bool(path.parts) and not path.is_absolute() and ".." not in path.parts
    short = len(os.fsencode(text)) <= _LONGEST_PATH and all(
        len(os.fsencode(part)) <= _LONGEST_NAME for part in path.parts
    )
    return below and short and "\0" not in text


def directories_above(path: str) -> Iterator[str]:
    """`a/b` and `a` for the relative path a/b/c."""
    while path := path.rpartition("/")[0]:
        yield path


def sha256_of(file: Path) -> bytes:
    """The sha256 of a file's content, read in pieces."""
    digest = hashlib.sha256()
    with file.open("rb") as opened:
        while piece := opened.read(_PIECE_BYTES):
            digest.update(piece)
    return digest.digest()


@contextmanager
def alone_in(directory: Path, wait: Callable[[], None]) -> Iterator[None]:
    """Hold an exclusive lock on `directory`, which is created if it is missing.

    `wait` is called before waiting for another process that holds the lock.
    """
    directory.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            wait()
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def temporary_beside(path: Path) -> Iterator[IO[bytes]]:
    """A new file beside `path`, to be renamed over it; deleted afterwards if it was not."""
    with tempfile.NamedTemporaryFile(
        dir=path.parent, prefix=".slugfit-", suffix=".part", delete=False
    ) as file:
        try:
            # Temporary files are private; the dyno's user has to read everything in the slug.
            os.fchmod(file.fileno(), 0o644)
            yield file
        finally:
            with suppress(FileNotFoundError):
                os.unlink(file.name)


def write_atomically(path: Path, content: bytes) -> None:
    """Replace `path` by a new file, atomically. Missing directories are created."""
    with naming_full_disk(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary_beside(path) as file:
            file.write(content)
            file.flush()
            os.replace(file.name, path)

"""Changes to a directory tree that can be undone, and paths that stay inside one.

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


class Changes:
    """Additions to and removals from one tree, until `keep` makes them final.

    Removed files are moved to `side`, on the same filesystem, so that restoring them is a rename.
    `side` mirrors the tree: `side/a/b` was `root/a/b`.
    """

    def __init__(self, root: Path, side: Path) -> None:
        self.root = root
        self.side = side
        self._added: list[Path] = []
        self._made: list[Path] = []

    def make_directory(self, path: Path) -> None:
        """Create `path` and its missing parents."""
        missing = [p for p in (path, *path.parents) if not p.exists()]
        with naming_full_disk(path):
            for directory in reversed(missing):
                directory.mkdir()
                self._made.append(directory)

    def added(self, path: Path) -> None:
        """Record that `path` is new."""
        if not os.path.lexists(self.aside(path)):  # else it replaces a removed file
            self._added.append(path)

    def set_aside(self, path: Path) -> None:
        """Remove `path`, so that `put_back` or `undo` can restore it."""
        aside = self.aside(path)
        if os.path.lexists(aside):
            path.unlink()  # the removed file is older: the one to restore
            return
        with naming_full_disk(self.root):
            _mirror(path.parent, self.root, aside.parent)
            os.rename(path, aside)

    def aside(self, path: Path) -> Path:
        """Where `path` is, or would be, after its removal."""
        return self.side / path.relative_to(self.root)

    def write(self, path: Path, content: bytes) -> None:
        """Replace `path` by a new file with this content, and with the old file's mode if any."""
        self.make_directory(path.parent)
        if not os.path.lexists(path):
            write_atomically(path, content)
            self.added(path)
            return
        mode = path.stat().st_mode if path.exists() else 0o644
        self.set_aside(path)
        write_atomically(path, content)
        path.chmod(mode)

    def rewrite(self, path: Path, fill: Callable[[IO[bytes]], None]) -> None:
        """Replace the file at `path` by what `fill` writes, with the same mode and time."""
        status = path.stat()
        with naming_full_disk(path.parent), temporary_beside(path) as file:
            fill(file)
            file.flush()
            os.chmod(file.name, status.st_mode)
            os.utime(file.name, ns=(status.st_atime_ns, status.st_mtime_ns))
            self.set_aside(path)
            os.replace(file.name, path)

    def put_back(self, path: Path) -> None:
        """Restore `path`, and its parents if they were removed."""
        aside = self.aside(path)
        _mirror(aside.parent, self.side, path.parent)
        os.replace(aside, path)

    def undo(self) -> None:
        """Restore the tree's original state."""
        for path in sorted(self.side.rglob("*")):
            if path.is_symlink() or not path.is_dir():
                self.put_back(self.root / path.relative_to(self.side))
        for path in self._added:
            path.unlink(missing_ok=True)
        shutil.rmtree(self.side, ignore_errors=True)
        for directory in reversed(self._made):
            with suppress(OSError):
                directory.rmdir()

    def keep(self) -> None:
        """Make the changes final."""
        shutil.rmtree(self.side, ignore_errors=True)
        self._added.clear()
        self._made.clear()


def _mirror(directory: Path, root: Path, copy: Path) -> None:
    """Create `copy` and its parents, with the modes of `directory` and its parents up to `root`."""
    if copy.is_dir():
        return
    if directory != root:
        _mirror(directory.parent, root, copy.parent)
    copy.mkdir(parents=True, exist_ok=True)
    copy.chmod(directory.stat().st_mode)

"""Changes to a directory tree that can be undone, by the next process if this one is killed.

Nothing here writes in place: heroku/python's cache shares inodes with the app.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import IO

from slugfit.base.files import naming_full_disk, temporary_beside, write_atomically
from slugfit.base.signals import uninterrupted
from slugfit.base.undo_log import UndoLog

_LOG = "undo.jsonl"


class Changes:
    """Additions to and removals from one tree, until `keep` makes them final.

    Removed files are moved to `side`, on the same filesystem, so that restoring them is a rename.
    `side` mirrors the tree: `side/a/b` was `root/a/b`. `log` is a file, by default beside it.
    """

    def __init__(self, root: Path, side: Path, log: Path | None = None) -> None:
        self.root = root
        self.side = side
        self._log = UndoLog(root, log or side.with_name(_LOG))
        self._made_around: list[Path] = []  # the root, and what it is in

    def make_directory(self, path: Path) -> None:
        """Create `path` and its missing parents."""
        missing = [p for p in (path, *path.parents) if not p.exists()]
        with naming_full_disk(path):
            for directory in reversed(missing):
                if directory != self.root and directory.is_relative_to(self.root):
                    self._log.add("made", directory)
                else:
                    self._made_around.append(directory)
                directory.mkdir(exist_ok=True)  # the log may be in it

    def adding(self, path: Path) -> None:
        """Record that `path` is about to be created. Raises FileExistsError if it is there."""
        if os.path.lexists(path):
            raise FileExistsError(str(path))
        if not os.path.lexists(self.aside(path)):  # else it replaces a removed file
            with naming_full_disk(path.parent):
                self._log.add("added", path)

    def set_aside(self, path: Path) -> None:
        """Remove `path`, so that `put_back` or `undo` can restore it."""
        aside = self.aside(path)
        if os.path.lexists(aside):
            path.unlink()  # the removed file is older: the one to restore
            return
        self.make_directory(self.side)
        with naming_full_disk(self.root):
            self._log.add("aside", path)
            _mirror(path.parent, self.root, aside.parent)
            os.rename(path, aside)

    def aside(self, path: Path) -> Path:
        """Where `path` is, or would be, after its removal."""
        return self.side / path.relative_to(self.root)

    def write(self, path: Path, content: bytes) -> None:
        """Replace `path` by a new file with this content, and with the old file's mode if any."""
        self.make_directory(path.parent)
        if not os.path.lexists(path):
            self.adding(path)
            write_atomically(path, content)
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

    def recover(self) -> None:
        """Undo what a process has done that was killed."""
        self._log.recover()
        self.undo()

    def undo(self) -> None:
        """Restore the tree's original state."""
        with uninterrupted():
            for path in sorted(set(self._log.of("aside"))):
                if os.path.lexists(self.aside(path)):
                    self.put_back(path)
            for path in self._log.of("added"):
                path.unlink(missing_ok=True)
            shutil.rmtree(self.side, ignore_errors=True)
            made = self._log.of("made")
            self._log.close()
            for directory in reversed([*self._made_around, *made]):
                with suppress(OSError):
                    directory.rmdir()

    def keep(self) -> None:
        """Make the changes final."""
        with uninterrupted():
            # First: half of the changes would be undone by it.
            self._log.close()
            shutil.rmtree(self.side, ignore_errors=True)


def _mirror(directory: Path, root: Path, copy: Path) -> None:
    """Create `copy` and its parents, with the modes of `directory` and its parents up to `root`."""
    if copy.is_dir():
        return
    if directory != root:
        _mirror(directory.parent, root, copy.parent)
    copy.mkdir(parents=True, exist_ok=True)
    copy.chmod(directory.stat().st_mode)

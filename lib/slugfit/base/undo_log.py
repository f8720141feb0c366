"""What is about to change in a tree, on disk: the next process can undo it if this one is killed.

A line for each change, written before it is made. It is believed only for the same directory, and
only about paths inside it: the file may lie where others can write.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from slugfit.base.files import inside, is_path_below

Kind = Literal["made", "added", "aside"]
_KINDS: tuple[Kind, ...] = ("made", "added", "aside")
_MOST_BYTES = 64 << 20


@dataclass
class UndoLog:
    """The changes to the tree at `root`, also in `file` until they are final or undone."""

    root: Path
    file: Path
    entries: list[tuple[Kind, Path]] = field(default_factory=list)
    _descriptor: int | None = None
    _made: list[Path] = field(default_factory=list)

    def add(self, kind: Kind, path: Path) -> None:
        """Record that `path` is about to be made, added, or set aside."""
        if self._descriptor is None:
            parents = (self.file.parent, *self.file.parent.parents)
            self._made = [parent for parent in parents if not parent.exists()]
            self.file.parent.mkdir(parents=True, exist_ok=True)
            flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
            self._descriptor = os.open(self.file, flags, 0o644)
            self._write(_identity(self.root))
        self._write([kind, path.relative_to(self.root).as_posix()])
        self.entries.append((kind, path))

    def recover(self) -> None:
        """Take over what a process has recorded that did not come to its end."""
        if self._descriptor is None:
            self.entries = list(self._recorded())

    def of(self, kind: Kind) -> list[Path]:
        return [path for each, path in self.entries if each == kind]

    def close(self) -> None:
        """Nothing is left to undo."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
        self.entries = []
        self.file.unlink(missing_ok=True)
        for directory in self._made:
            with suppress(OSError):  # others are in it
                directory.rmdir()

    def _write(self, entry: object) -> None:
        # At once: a killed process writes nothing any more.
        os.write(self._descriptor or -1, json.dumps(entry).encode() + b"\n")

    def _recorded(self) -> list[tuple[Kind, Path]]:
        try:
            if self.file.stat().st_size > _MOST_BYTES:
                return []
            first, *lines = self.file.read_text(encoding="utf-8").splitlines()
            if json.loads(first) != _identity(self.root):
                return []  # of another build directory, which is gone
        except (OSError, ValueError, RecursionError):
            return []
        return [entry for line in lines if (entry := self._entry(line))]

    def _entry(self, line: str) -> tuple[Kind, Path] | None:
        """None for what is none: the last line of a killed process can be cut off."""
        try:
            kind, relative = json.loads(line)
        except (ValueError, TypeError, RecursionError):
            return None
        if kind not in _KINDS or not isinstance(relative, str) or not is_path_below(relative):
            return None
        path = inside(self.root, relative)
        return (kind, path) if path else None


def _identity(root: Path) -> list[str | int]:
    """What tells a directory from another one at the same path."""
    status = root.stat()
    return [str(root), status.st_dev, status.st_ino]

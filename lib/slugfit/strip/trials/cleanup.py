"""Removes what trials leave behind: the code that they run writes files, too."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def leaving_no_files(root: Path, apart: Path | None = None) -> Iterator[None]:
    """Remove what appears below `root` meanwhile: it would get into the slug.

    What is hidden at its top is not looked at, nor what is in `apart`.
    """
    before = frozenset(_entries(root, apart))
    try:
        yield
    finally:
        for path in sorted(frozenset(_entries(root, apart)) - before, reverse=True):
            with suppress(OSError):  # gone by itself, or a process that still runs fills it
                _remove(path)


def _remove(path: str) -> None:
    if os.path.isdir(path) and not os.path.islink(path):
        os.rmdir(path)
    else:
        os.unlink(path)


def _entries(root: Path, apart: Path | None) -> Iterator[str]:
    """The files and directories, as paths."""
    top, other = str(root), str(apart)
    for directory, subdirectories, names in os.walk(top):
        within = {name: os.path.join(directory, name) for name in subdirectories}
        subdirectories[:] = [
            name
            for name, path in within.items()
            if path != other and not (directory == top and name.startswith("."))
        ]
        yield from (within[name] for name in subdirectories)
        yield from (os.path.join(directory, name) for name in names)

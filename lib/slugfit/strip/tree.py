"""What lies in site-packages, and the Python sources whose use of it counts."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_OWN = ".slugfit"


@dataclass(frozen=True)
class Tree:
    """The files of a site-packages directory, as sorted paths relative to it."""

    root: Path
    files: tuple[str, ...]


@dataclass(frozen=True)
class Source:
    """A Python file that stays. Relative imports in it start from `package`.

    `label` is how a reader knows it: sklearn/__init__.py, or "views.py of the app".
    """

    file: Path
    package: str
    label: str


def read_tree(root: Path) -> Tree:
    """Every file below `root` but our own; directories behind symlinks are not entered."""
    return Tree(root, tuple(sorted(_walk(root))))


def _walk(root: Path) -> Iterator[str]:
    for directory, subdirectories, names in os.walk(root):
        relative = os.path.relpath(directory, root)
        if relative == "." and _OWN in subdirectories:
            subdirectories.remove(_OWN)
        prefix = "" if relative == "." else f"{relative}/"
        yield from (f"{prefix}{name}" for name in names)

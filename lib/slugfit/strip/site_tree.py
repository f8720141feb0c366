"""The files in site-packages, and the sources that may need them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from slugfit.packages.distributions import Distribution, installed
from slugfit.strip.candidates.file_kinds import Kinds, kinds

_OWN = ".slugfit"


@dataclass(frozen=True)
class SiteTree:
    """A site-packages directory on a disk: the sorted paths of its files, relative to it.

    `soabi` is the tag with which its Python imports extension modules, such as
    cpython-311-x86_64-linux-gnu; without it, no library counts as one for another Python or
    machine.
    """

    root: Path
    files: tuple[str, ...]
    soabi: str = ""

    @cached_property
    def distributions(self) -> tuple[Distribution, ...]:
        return installed(self.root)

    def is_kind(self, path: str, kind: str) -> bool:
        return self._kinds[kind](self.root / path)

    def source(self, path: str) -> SourceFile:
        """One of the files, as what names others."""
        return SourceFile(self.root / path, path.rpartition("/")[0].replace("/", "."), path)

    @cached_property
    def _kinds(self) -> Kinds:
        return kinds(self.soabi)


@dataclass(frozen=True)
class SourceFile:
    """A file that stays and can name others, Python as a rule.

    Relative imports in it start from `package`. `label` identifies it for people:
    sklearn/__init__.py, or "views.py of the app".
    """

    file: Path
    package: str
    label: str


def read_tree(root: Path, soabi: str = "") -> SiteTree:
    """Every file below `root` except our own; symlinks to directories are not followed."""
    return SiteTree(root, tuple(sorted(_walk(root))), soabi)


def _walk(root: Path) -> Iterator[str]:
    for directory, subdirectories, names in os.walk(root):
        relative = os.path.relpath(directory, root)
        if relative == "." and _OWN in subdirectories:
            subdirectories.remove(_OWN)
        prefix = "" if relative == "." else f"{relative}/"
        yield from (f"{prefix}{name}" for name in names)

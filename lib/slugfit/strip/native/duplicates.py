"""Files that a distribution carries twice: one of them can be a symlink to the other.

gzip looks back 32 KiB, so a second copy of a larger file weighs as much as the first.
A link leads to a file of the same distribution only: uninstalling another one must not
leave it broken. RECORD stays true, for the content behind the link is the same.
"""

from __future__ import annotations

import filecmp
import os
import stat
from collections.abc import Callable, Container, Iterable, Iterator
from pathlib import Path

from slugfit.strip.native.elf import read_dynamic
from slugfit.strip.native.libraries import Native, is_library, is_module
from slugfit.strip.site_tree import SiteTree

_SMALLEST = 64 * 1024
# Python takes a module's own path from where its source is read.
_SOURCES = (".py", ".pyc", ".pyo", ".pth")


def find(tree: SiteTree, going: Container[str], owner: Callable[[str], str]) -> dict[str, str]:
    """The files that can become a symlink, each with the path of the same content that stays.

    `owner` returns the distribution of a path.
    """
    links: dict[str, str] = {}
    for paths in _of_one_size(tree, going, owner):
        kept: list[str] = []
        for path in paths:
            target = next((k for k in kept if _are_same(tree.root / k, tree.root / path)), None)
            if target is None:
                kept.append(path)
            elif _may_be_linked(tree.root, path):
                links[path] = target
    return links


def _of_one_size(
    tree: SiteTree, going: Container[str], owner: Callable[[str], str]
) -> Iterator[list[str]]:
    """Groups of files that have a distribution, a size and a mode in common."""
    groups: dict[tuple[str, int, int], list[str]] = {}
    for path in _eligible(tree.files, going):
        status = (tree.root / path).lstat()
        if stat.S_ISREG(status.st_mode) and status.st_size >= _SMALLEST:
            key = (owner(path), status.st_size, status.st_mode)
            groups.setdefault(key, []).append(path)
    return (paths for paths in groups.values() if len(paths) > 1)


def _eligible(paths: Iterable[str], going: Container[str]) -> Iterator[str]:
    return (
        path
        for path in paths
        if path not in going and not path.endswith(_SOURCES) and ".dist-info/" not in path
    )


def _may_be_linked(root: Path, path: str) -> bool:
    """Not programs, which may look for their files beside what a link leads to.

    Nor modules: two that were loaded one by one would be one, with its state in common.
    """
    dynamic = read_dynamic(root / path)
    if dynamic is None:
        return not (root / path).stat().st_mode & stat.S_IXUSR
    native = Native(path, dynamic)
    return is_library(native) and not is_module(root, native)


def _are_same(one: Path, other: Path) -> bool:
    return os.path.samefile(one, other) or filecmp.cmp(one, other, shallow=False)

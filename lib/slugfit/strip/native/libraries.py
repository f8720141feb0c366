"""The programs and shared libraries of a tree: their names, and which links to which."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from slugfit.strip.native.elf import Dynamic, read_dynamic, symbol_names
from slugfit.strip.site_tree import SiteTree

# Files that need not be opened to know that they are no ELF files.
_OTHERS = (
    *(".py", ".pyc", ".pyi", ".pyx", ".pxd", ".h", ".hpp", ".hh", ".cuh", ".inc", ".c", ".cc"),
    *(".cpp", ".f", ".f90", ".txt", ".md", ".rst", ".html", ".css", ".js", ".json", ".xml"),
    *(".toml", ".yaml", ".yml", ".cfg", ".ini", ".csv", ".png", ".svg", ".jpg", ".ttf", ".gz"),
    *(".npy", ".npz", ".po", ".mo", ".proto", ".cmake", ".a", ".map", ".ipynb", ".zip"),
)

_ENTRANCES = (b"PyInit", b"PyModExport")  # of every module, followed by its name


@dataclass(frozen=True)
class Native:
    """A program or shared library. `links` are the symlinks to `path` within the tree."""

    path: str
    dynamic: Dynamic
    links: tuple[str, ...] = ()

    @property
    def paths(self) -> tuple[str, ...]:
        return (self.path, *self.links)

    @property
    def files(self) -> frozenset[str]:
        """The file names that open it."""
        return frozenset(path.rpartition("/")[2] for path in self.paths)

    @property
    def names(self) -> frozenset[str]:
        """The names that others can link to it by."""
        return self.files | ({self.dynamic.soname} if self.dynamic.soname else set())


def read_natives(tree: SiteTree) -> dict[str, Native]:
    """Every program and shared library of `tree`, by path."""
    paths = [path for path in tree.files if not path.endswith(_OTHERS)]
    found = {path: dynamic for path in paths if (dynamic := _read(tree, path))}
    links = _links(tree, paths)
    return {
        path: Native(path, dynamic, tuple(links.get(path, ())))
        for path, dynamic in found.items()
        if not os.path.islink(tree.root / path)
    }


def linked(users: Iterable[Native], others: Iterable[Native]) -> dict[str, str]:
    """Those of `others` that `users` need, directly or not: path → the path of what needs it.

    The name alone decides, wherever a loader would look for it first.
    """
    named: dict[str, list[Native]] = {}
    for native in others:
        for name in native.names:
            named.setdefault(name, []).append(native)
    found: dict[str, str] = {}
    pending = list(users)
    while pending:
        user = pending.pop()
        for native in (n for name in user.dynamic.needed for n in named.get(name, ())):
            if native.path not in found and native.path != user.path:
                found[native.path] = user.path
                pending.append(native)
    return found


def is_library(native: Native) -> bool:
    """Whether others can load it: a shared library by kind and by name."""
    return not native.dynamic.is_program and any(".so" in name for name in native.files)


def is_module(root: Path, native: Native) -> bool:
    """Whether Python can import it."""
    names = symbol_names(root / native.path, native.dynamic)
    return any(entrance in names for entrance in _ENTRANCES)


def plugins(root: Path, natives: Iterable[Native], others: Iterable[Native]) -> list[Native]:
    """Those of `natives` that link to one of `others`, of their own package, that opens libraries.

    What links to its opener is opened by it: from pieces, as a rule, so that no text has its name.
    """
    listed = list(others)
    return [
        native
        for native in natives
        if any(_links_to(native, other) and _opens_libraries(root, other) for other in listed)
    ]


def _links_to(native: Native, other: Native) -> bool:
    same_package = native.path.partition("/")[0] == other.path.partition("/")[0]
    return same_package and not other.names.isdisjoint(native.dynamic.needed)


def _opens_libraries(root: Path, native: Native) -> bool:
    names = symbol_names(root / native.path, native.dynamic)
    return any(b"\0%s\0" % opener in names for opener in (b"dlopen", b"dlmopen"))


def _read(tree: SiteTree, path: str) -> Dynamic | None:
    file = tree.root / path
    try:
        return read_dynamic(file) if file.is_file() else None
    except OSError:  # not to be read: no loader opens it
        return None


def _links(tree: SiteTree, paths: Iterable[str]) -> Mapping[str, list[str]]:
    """The symlinks among `paths` by what they lead to within the tree."""
    root = os.path.realpath(tree.root)
    links: dict[str, list[str]] = {}
    for path in paths:
        if os.path.islink(tree.root / path):
            target = os.path.relpath(os.path.realpath(tree.root / path), root)
            links.setdefault(target, []).append(path)
    return links

"""Shared libraries that nothing can load: no program or library links to them, no text names them.

They are candidates only if they can be loaded by name alone: not Python modules, nor plugins
that are found by searching a directory or that link to the library which opens them, nor
libraries that are preloaded to replace functions. Those in use are found in three steps: by
what links to them, by the sources that name them, and by the programs and libraries that have
their name as a string.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from slugfit.strip.native.asking import WantedLibraries
from slugfit.strip.native.elf import defined_symbols
from slugfit.strip.native.libraries import (
    Native,
    is_library,
    is_module,
    linked,
    plugins,
    read_natives,
)
from slugfit.strip.native.mentions import listed, named_in_native, named_in_sources, named_in_texts
from slugfit.strip.site_tree import SiteTree, SourceFile

ORPHANS = "orphan shared libraries"

# Directories in which libraries lie for a linker to find them. Any other directory without Python
# is meant for a program that loads all that it finds there.
_LINKERS = re.compile(r"lib|lib64|bin|.*libs")
_SEARCHED = re.compile(
    r"(?:addon|backend|codec|delegate|driver|engine|extension|filter|module|plugin|provider|vendor)s?"
)
# What those that open plugins look for in them: Java, R, Qt, GStreamer, OpenSSL, GDAL, HDF5,
# SASL, TensorFlow, SQLite, Vulkan.
_ENTRANCES = (
    *(b"JNI_OnLoad", b"Java_", b"R_init_", b"qt_plugin_", b"gst_plugin_", b"OSSL_provider_init"),
    *(b"bind_engine", b"GDALRegister", b"H5PLget_plugin_", b"sasl_client_plug_init"),
    *(b"sasl_server_plug_init", b"TF_InitKernel", b"TF_InitGraph", b"SE_InitPlugin"),
    *(b"sqlite3_extension_init", b"vk_icd"),
)
# A library with one of these may be meant for LD_PRELOAD, which only the dyno's environment has.
_REPLACED = frozenset(
    b"accept calloc close connect execve fopen fork free getaddrinfo getpid malloc open read "
    b"realloc recv send sleep socket time write _Znwm".split()
)


def candidates(tree: SiteTree, others: Mapping[str, str]) -> dict[str, str]:
    """Libraries that nothing links to but each other, and `others`: candidates already."""
    natives = read_natives(tree)
    staying = [native for native in natives.values() if native.path not in others]
    plain = _plain_directories(tree, natives)
    linkable, rest = _parted(staying, lambda native: _is_linkable(native, plain))
    unlinked = _without_linked(linkable, rest)
    openable = plugins(tree.root, unlinked, staying) if unlinked else []
    used, unused = _parted(
        unlinked, lambda native: native in openable or _has_other_uses(tree.root, native)
    )
    orphans = _without_linked(unused, used)
    paths = (path for native in orphans for path in native.paths)
    return {path: ORPHANS for path in sorted(paths) if path not in others}


def keep(tree: SiteTree, going: Mapping[str, str], sources: Sequence[SourceFile]) -> dict[str, str]:
    """The libraries of `going` that something can load, and why."""
    natives = read_natives(tree)
    staying = [native for native in natives.values() if native.path not in going]
    kept = _Kept(natives.values(), going)
    kept.add_linked(staying)
    wanted = kept.wanted(tree.root)
    if wanted:
        kept.add(named_in_sources(wanted, sources))
        kept.add(named_in_texts(tree, going, wanted))
        kept.add(listed(tree, kept.rest(), sources))
        kept.add_named_in(tree.root, staying)
    return kept.paths()


def named(
    tree: SiteTree, going: Mapping[str, str], sources: Sequence[SourceFile]
) -> dict[str, str]:
    """Those of `going` that `sources` name, and what they link to: for sources of an app.

    What site-packages itself loads, `keep` finds.
    """
    natives = read_natives(SiteTree(tree.root, tuple(sorted(going))))
    kept = _Kept(natives.values(), going)
    if wanted := kept.wanted(tree.root):
        kept.add(named_in_sources(wanted, sources))
    return kept.paths()


class _Kept:
    """The libraries that stay of those that were going; what they link to stays as well."""

    def __init__(self, natives: Iterable[Native], going: Mapping[str, str]) -> None:
        self._going = going
        self._rest = {n.path: n for n in natives if not going.keys().isdisjoint(n.paths)}
        self._all = dict(self._rest)
        self._because: dict[str, str] = {}

    def rest(self) -> list[Native]:
        return list(self._rest.values())

    def paths(self) -> dict[str, str]:
        """Every path of `going` that stays, and why."""
        return {
            path: because
            for native, because in sorted(self._because.items())
            for path in self._all[native].paths
            if path in self._going
        }

    def wanted(self, root: Path) -> WantedLibraries | None:
        """What texts may name; modules are named by imports, which are others' business."""
        libraries = {
            n.path: n.names for n in self.rest() if is_library(n) and not is_module(root, n)
        }
        return WantedLibraries(libraries) if libraries else None

    def add(self, found: Mapping[str, str]) -> list[Native]:
        """Keep what was found, each path with why. Returns all that is new."""
        new = [self._rest.pop(path) for path in sorted(found) if path in self._rest]
        self._because.update((native.path, found[native.path]) for native in new)
        return new + (self.add_linked(new) if new else [])

    def add_linked(self, users: Iterable[Native]) -> list[Native]:
        found = linked(users, self.rest())
        new = [self._rest.pop(path) for path in sorted(found)]
        self._because.update((n.path, f"linked by {found[n.path]}") for n in new)
        return new

    def add_named_in(self, root: Path, natives: Iterable[Native]) -> None:
        """Keep what is named in these, in what is kept for that, and so on."""
        wanted = self.wanted(root)
        pending = [*natives, *(self._all[path] for path in sorted(self._because))]
        while wanted and pending and self._rest:
            pending += self.add(named_in_native(wanted, root, pending.pop(0)))


def _plain_directories(tree: SiteTree, natives: Iterable[str]) -> frozenset[str]:
    """The directories that are packages of Python or are there for a linker."""
    plain = {_directory(path) for path in tree.files if path.endswith(".py")}
    for directory in map(_directory, natives):
        if _LINKERS.fullmatch(directory.rpartition("/")[2]):
            plain.add(directory)
    return frozenset(d for d in plain if not any(map(_SEARCHED.fullmatch, d.split("/"))))


def _is_linkable(native: Native, plain: frozenset[str]) -> bool:
    """Whether others link to it, by its soname and its place.

    One without a soname was made to be opened by its path.
    """
    return (
        is_library(native)
        and native.dynamic.soname is not None
        and _directory(native.path) in plain
    )


def _parted(
    natives: Iterable[Native], fits: Callable[[Native], bool]
) -> tuple[list[Native], list[Native]]:
    """Those that fit, and those that do not."""
    parts: tuple[list[Native], list[Native]] = ([], [])
    for native in natives:
        parts[0 if fits(native) else 1].append(native)
    return parts


def _without_linked(natives: Iterable[Native], users: Iterable[Native]) -> list[Native]:
    """Those of `natives` that `users` do not link to, not even by way of each other."""
    rest = list(natives)
    needed = linked(users, rest)
    return [native for native in rest if native.path not in needed]


def _has_other_uses(root: Path, native: Native) -> bool:
    """Whether it is a module, a plugin, or could be meant to replace functions of others."""
    if is_module(root, native):
        return True
    defined = defined_symbols(root / native.path)
    return (
        defined is None
        or not defined.isdisjoint(_REPLACED)
        or any(symbol.startswith(_ENTRANCES) for symbol in defined)
    )


def _directory(path: str) -> str:
    return path.rpartition("/")[0]

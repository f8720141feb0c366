"""The candidates, as what a source can reach: modules by name, files by name, by path, by place."""

from __future__ import annotations

import bisect
import os
import re
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import cached_property

from slugfit.base.files import directories_above
from slugfit.strip.site_tree import SiteTree

_EXTENSION_MODULE = re.compile(r"\.(?:[\w-]+\.)?so$")
_CODE = re.compile(
    r"\.(?:py|so|c|cc|cpp|cxx|cu|cuh|h|hpp|f|f90|pyx|pxd|pxi|tp|src|s|asm|m|mm|rs|go|java)$"
)
# Programs that write programs copy such files: by their directory, if it has nothing else.
_TEMPLATE = re.compile(r"(?!(?:.*/)?include/).*\.(?:c|cc|cpp|cxx|cu|h|hpp|cuh|inl|f|f90)$")
# Bytes of a file's name, and of a Python name; all others part them.
_IN_FILE_NAME = bytes(b if chr(b).isalnum() or b in b"_.+-" or b > 127 else 32 for b in range(256))
_IN_NAME = bytes(b if chr(b).isalnum() or b in b"_" or b > 127 else 32 for b in range(256))


def module_name(path: str) -> str | None:
    """`a.b` for a/b.py, a/b/__init__.py and a/b.cpython-311-x86_64-linux-gnu.so.

    Bytecode is a module of its own when it lies where its source would.
    """
    if is_cached(path):
        return None
    stem = _EXTENSION_MODULE.sub("", path).removesuffix(".pyc").removesuffix(".py")
    return None if stem == path else stem.removesuffix("/__init__").replace("/", ".")


def package_of(path: str) -> str:
    """The package that relative imports in the source at `path` start from."""
    return path.rpartition("/")[0].replace("/", ".")


def top_of(path: str) -> str:
    """The outermost directory, or the file itself."""
    return path.partition("/")[0]


def is_cached(path: str) -> bool:
    """Whether `path` is bytecode of a source."""
    return "__pycache__/" in path


def file_names_in(content: bytes) -> frozenset[bytes]:
    """Every word that could be the name of a file."""
    return frozenset(content.translate(_IN_FILE_NAME).split())


def words_in(file_names: Iterable[bytes]) -> frozenset[bytes]:
    """Every word that could be a Python name."""
    return frozenset(b" ".join(file_names).translate(_IN_NAME).split())


class Targets:
    """The candidates of a tree, found by the edges that can lead to them.

    Most of these are a bisection of sorted paths: a build with a few sources pays for no index.
    """

    def __init__(self, tree: SiteTree, going: Mapping[str, str], by_name: Collection[str]) -> None:
        self._files = tree.files
        self._going = going
        self._by_name = by_name
        self._sorted = sorted(path for path in going if not is_cached(path))
        self._emptied: dict[str, bool] = {}

    def has(self, path: str) -> bool:
        return path in self._going

    def has_directory(self, directory: str) -> bool:
        """Whether a candidate is somewhere below `directory`."""
        return any(True for _ in self.below(directory))

    def below(self, directory: str) -> Iterator[str]:
        """All candidates in `directory` and its directories, bytecode apart."""
        return _starting(self._sorted, f"{directory}/")

    def is_emptied(self, directory: str) -> bool:
        """Whether candidates are all that is below `directory`."""
        if directory not in self._emptied:
            files = [p for p in _starting(self._files, f"{directory}/") if not is_cached(p)]
            self._emptied[directory] = bool(files) and all(p in self._going for p in files)
        return self._emptied[directory]

    def is_by_name(self, path: str) -> bool:
        """Whether the file is used by its name only, neither listed nor computed."""
        return self._going[path] in self._by_name or path.endswith((".pyi", "/py.typed"))

    def module(self, name: str) -> Iterator[str]:
        """The files of module `name`, and of the packages that it is in."""
        parts = name.split(".")
        for depth in range(1, len(parts) + 1):
            yield from self._module_files("/".join(parts[:depth]))

    def in_namespace(self, name: str) -> Iterator[str]:
        """The modules in package `name`, if that is a directory without __init__.py.

        It is a package as long as something is in it.
        """
        directory = name.replace(".", "/")
        if self.is_emptied(directory) and not any(self._module_files(directory)):
            yield from self.submodules(f"{name}.")

    def submodules(self, start: str, end: str = "") -> Iterator[str]:
        """The files of each module that is called `start`, at most one more word, and `end`."""
        for path in _starting(self._sorted, start.replace(".", "/")):
            name = module_name(path)
            if name and name.endswith(end) and "." not in name[len(start) : len(name) - len(end)]:
                yield from self.module(name)

    def vendored(self, name: str, top: str) -> Iterator[str]:
        """The files of `name` where a directory of `top` is on sys.path, where no other has it."""
        if name.partition(".")[0] not in self._tops:
            for full in self._endings.get(name, ()):
                if top_of(full.replace(".", "/")) == top:
                    yield from self.module(full)

    def named(self, words: Iterable[bytes]) -> Iterator[str]:
        """The files, modules or not, whose names are among `words`."""
        for word in sorted(self._by_file_name.keys() & words):
            yield from self._by_file_name[word]

    def readable(self, directory: str) -> Iterator[str]:
        """What a program can read in `directory` by names that it computes.

        All below, where candidates are all there is; else what lies in it and is no code.
        """
        is_emptied = self.is_emptied(directory)
        for path in self.below(directory):
            if self.is_by_name(path) and not (is_emptied and _TEMPLATE.match(path)):
                continue
            if is_emptied or (path.rpartition("/")[0] == directory and not _CODE.search(path)):
                yield path

    def is_package(self, directory: str) -> bool:
        """Whether `directory` has an __init__.py, candidate or not."""
        path = f"{directory}/__init__.py"
        at = bisect.bisect_left(self._files, path)
        return self._files[at : at + 1] == (path,)

    @cached_property
    def entrances(self) -> tuple[frozenset[bytes], frozenset[bytes]]:
        """The words that no source can do without to reach a module, or a directory's files.

        Each is the name of the outermost directory without a remaining source: code that
        reaches the candidate without that name is in there, and so is a candidate itself.
        """
        sources = (p for p in self._files if p not in self._going and module_name(p))
        standing = {directory for path in sources for directory in directories_above(path)}
        modules: set[bytes] = set()
        files: set[bytes] = set()
        for path in self._sorted:
            name = module_name(path)
            above = [d for d in directories_above(path) if d not in standing]
            if above and (name or not self.is_by_name(path) or _TEMPLATE.match(path)):
                (modules if name else files).add(os.fsencode(above[-1].rpartition("/")[2]))
            elif name:
                modules.add(os.fsencode(name.rpartition(".")[2]))
        return frozenset(modules), frozenset(files)

    def _module_files(self, stem: str) -> Iterator[str]:
        """a/b.py, a/b.abi3.so and a/b/__init__.py for the module a/b."""
        for start in (f"{stem}.", f"{stem}/__init__."):
            for path in _starting(self._sorted, start):
                if module_name(path) == stem.replace("/", "."):
                    yield path

    @cached_property
    def _by_file_name(self) -> dict[bytes, list[str]]:
        """Paths by the longest word of their names: most names are one word."""
        found: dict[bytes, list[str]] = {}
        for path in self._sorted:
            words = os.fsencode(path.rpartition("/")[2]).translate(_IN_FILE_NAME).split()
            if words:
                found.setdefault(max(words, key=len), []).append(path)
        return found

    @cached_property
    def _tops(self) -> frozenset[str]:
        tops = {top_of(path).removesuffix(".py") for path in self._files}
        return sys.stdlib_module_names | tops

    @cached_property
    def _endings(self) -> dict[str, list[str]]:
        """`c` and `b.c` with the modules whose names end so: a.b.c."""
        found: dict[str, list[str]] = {}
        for ending in filter(None, map(module_name, self._sorted)):
            full = ending
            while "." in ending:
                ending = ending.partition(".")[2]  # noqa: PLW2901 (it gets shorter)
                found.setdefault(ending, []).append(full)
        return found


def _starting(paths: Sequence[str], start: str) -> Iterator[str]:
    """Those of the sorted `paths` that begin with `start`."""
    for at in range(bisect.bisect_left(paths, start), len(paths)):
        if not paths[at].startswith(start):
            return
        yield paths[at]

"""Which candidates retained code reaches, by imports and by names in its text.

A module counts as reached when retained code imports it statically, or holds a
text that equals its dotted name, absolute or relative to its own package
(`__all__`, import_module, lazy-loader tables). What a reached module imports is
reached in turn. A candidate that is no module counts as reached when a source of
its own top-level package that stays names it. Bytecode stays with its source.
"""

from __future__ import annotations

import ast
import os
import re
import warnings
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from slugfit.distributions import source_of
from slugfit.files import directories_above
from slugfit.strip.tree import Tree

_FILE_NAME = re.compile(rb"[\w.+-]+")
_EXTENSION_MODULE = re.compile(r"\.(?:[\w-]+\.)?so$")


def reached(tree: Tree, candidates: Mapping[str, str], app_sources: Iterable[Path]) -> set[str]:
    """The candidates that must stay, as paths relative to site-packages."""
    retained = [path for path in tree.files if path not in candidates]
    modules = _Modules(candidates, retained)
    closure = _Closure(tree.root, modules)
    for source in app_sources:
        closure.follow(_read(source), "")
    for path in retained:
        if path.endswith(".py"):
            closure.follow(_read(tree.root / path), package_of(path))
    staying = [*retained, *sorted(closure.kept)]
    kept = closure.kept | _named_files(tree.root, staying, candidates)
    return kept | {path for path in candidates if source_of(path) in kept}


def module_name(path: str) -> str | None:
    """`a.b` for a/b.py, a/b/__init__.py and a/b.cpython-311-x86_64-linux-gnu.so."""
    stem = path.removesuffix(".py") if path.endswith(".py") else _EXTENSION_MODULE.sub("", path)
    if stem == path:
        return None
    return stem.removesuffix("/__init__").replace("/", ".")


def package_of(path: str) -> str:
    """The package that relative imports in the source at `path` start from."""
    return path.rpartition("/")[0].replace("/", ".")


class _Modules:
    """The candidates that can be imported."""

    def __init__(self, candidates: Iterable[str], retained: Iterable[str]) -> None:
        self._paths: dict[str, list[str]] = {}
        for path in candidates:
            if name := module_name(path):
                self._paths.setdefault(name, []).append(path)
        staying = {directory for path in retained for directory in directories_above(path)}
        words = {_entrance(name, staying) for name in self._paths}
        self._word = re.compile(
            rb"\b(?:" + b"|".join(re.escape(os.fsencode(word)) for word in sorted(words)) + rb")\b"
        )

    def mentioned_in(self, source: bytes) -> bool:
        """Whether `source`, a retained file, could import one: spares most sources the parser."""
        return bool(self._paths) and bool(self._word.search(source))

    def paths(self, name: str) -> Iterator[str]:
        """The files of module `name` and of the packages that it is in."""
        parts = name.split(".")
        for depth in range(1, len(parts) + 1):
            yield from self._paths.get(".".join(parts[:depth]), ())


def _entrance(name: str, staying: set[str]) -> str:
    """The word that no retained source can do without to reach module `name`.

    It is the name of the outermost directory of which nothing stays: whoever imports
    the module without it stands in that directory, and so is a candidate.
    """
    parts = name.split(".")
    for depth in range(1, len(parts)):
        if "/".join(parts[:depth]) not in staying:
            return parts[depth - 1]
    return parts[-1]


class _Closure:
    """Follows imports from retained code into candidates, and on from there."""

    def __init__(self, root: Path, modules: _Modules) -> None:
        self._root = root
        self._modules = modules
        self.kept: set[str] = set()

    def follow(self, source: bytes, package: str) -> None:
        """Keep what a retained `source` reaches, and what that reaches in turn."""
        pending = [(source, package)] if self._modules.mentioned_in(source) else []
        while pending:
            names = names_in(*pending.pop())
            found = {path for name in names for path in self._modules.paths(name)} - self.kept
            self.kept |= found
            pending += [
                (_read(self._root / path), package_of(path))
                for path in found
                if path.endswith(".py")
            ]


def names_in(source: bytes, package: str) -> set[str]:
    """Every dotted name that `source`, a file of `package`, imports or holds as a text."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # other people's invalid escapes
            tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return set()  # Python can't import it either
    return {name for node in ast.walk(tree) for name in _names(node, package)}


def _names(node: ast.AST, package: str) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        base = _absolute(node.module or "", node.level, package)
        yield base
        yield from (f"{base}.{alias.name}" for alias in node.names)
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        name = node.value.lstrip(".")
        yield name
        yield f"{package}.{name}"


def _absolute(name: str, level: int, package: str) -> str:
    """What `from <level dots>name import …` names in `package`."""
    if level == 0:
        return name
    parts = package.split(".")
    base = ".".join(parts[: len(parts) - (level - 1)])
    return f"{base}.{name}".strip(".")


def _named_files(root: Path, retained: Iterable[str], candidates: Iterable[str]) -> set[str]:
    """Candidates, modules apart, whose file name occurs in the code of their top-level package."""
    named: dict[str, dict[bytes, list[str]]] = {}
    for path in candidates:
        if module_name(path) is None and not path.endswith(".pyc"):
            name = os.fsencode(path.rpartition("/")[2])
            named.setdefault(_top(path), {}).setdefault(name, []).append(path)
    found: set[str] = set()
    for path in retained:
        names = named.get(_top(path))
        if names and path.endswith(".py"):
            for name in names.keys() & set(_FILE_NAME.findall(_read(root / path))):
                found.update(names[name])
    return found


def _read(source: Path) -> bytes:
    """A source's bytes; none when it is a broken link, or not to be read: nobody imports it."""
    try:
        return source.read_bytes()
    except OSError:
        return b""


def _top(path: str) -> str:
    return path.partition("/")[0]

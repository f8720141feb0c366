"""What must stay, and why: the candidates that sources which stay can reach.

A source reaches a module that it imports, or that it names in a text, absolutely or relative to
a package that it is in; every module directly in a package whose modules it finds by listing or
by a computed name; a file whose name occurs in a source of its distribution; and the files of a
directory that it names and could open. What is reached so reaches more in turn. Bytecode stays
with its source.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from keyword import iskeyword
from pathlib import Path

from slugfit.distributions import Distribution, installed, source_of
from slugfit.strip.nominate.rules import load_rules
from slugfit.strip.reach.binary import texts_in
from slugfit.strip.reach.blind import is_blind
from slugfit.strip.reach.pool import for_each
from slugfit.strip.reach.reader import Reader
from slugfit.strip.reach.targets import Targets, is_cached, module_name, package_of, top_of
from slugfit.strip.reach.ways import reached_by
from slugfit.strip.tree import Source, Tree

_TEXTS = (".pth", ".json", ".toml", ".cfg", ".ini", ".yaml", ".yml", ".pyi")
_LONGEST_TEXT = 100_000  # bytes; what is longer is data
_PROGRAMS = frozenset(("__main__", "setup", "conftest"))  # they act when they are imported
_EXTENSION_MODULE = re.compile(r"\.(?:cpython-\w+-[\w-]+|abi3)\.so$")
_SOME = 3  # files that are named, from which on the others of their directory are no accident
_BIGGEST_MODULE = 8_000_000  # bytes; what is bigger has a library in it


def spare(tree: Tree, going: Mapping[str, str], sources: Sequence[Source]) -> dict[str, str]:
    """The candidates that must stay, with the reason: `imported by sklearn/__init__.py`."""
    closure = _Closure(tree, going)
    spared: dict[str, str] = {}
    pending = list(sources)
    while pending:
        found: dict[str, str] = {}
        for reached in for_each(closure.reached_by, pending):
            for path in sorted(reached.keys() - spared.keys()):
                found.setdefault(path, reached[path])
        spared |= found
        pending = [_source(tree, path) for path in sorted(found) if _can_name(tree, path)]
    spared |= _among_named(going, spared)
    for path in filter(is_cached, going) if spared else ():
        if because := spared.get(source_of(path) or ""):
            spared[path] = because
    return spared


def _among_named(going: Mapping[str, str], spared: Mapping[str, str]) -> dict[str, str]:
    """Files that count by name alone, in a directory where most of their kind have been named.

    Who names the others computes the names of these.
    """
    by_name = load_rules().by_name
    kinds: dict[tuple[str, str], list[str]] = {}
    for path, category in going.items():
        if category in by_name:
            kinds.setdefault((posixpath.dirname(path), posixpath.splitext(path)[1]), []).append(
                path
            )
    found: dict[str, str] = {}
    for paths in kinds.values():
        named = [path for path in paths if path in spared]
        if len(named) >= _SOME and 2 * len(named) > len(paths):
            rest = (path for path in paths if path not in spared)
            found |= dict.fromkeys(rest, f"among others like {named[0]}, {spared[named[0]]}")
    return found


def site_sources(tree: Tree, going: Mapping[str, str]) -> list[Source]:
    """Every file of site-packages that stays and can name another: `spare`'s first sources."""
    staying = (path for path in tree.files if path not in going)
    return [_source(tree, path) for path in staying if _can_name(tree, path)]


def blind_modules(tree: Tree, sources: Sequence[Source]) -> tuple[str, ...]:
    """The modules among `sources` of which only an import tells what they need, sorted.

    Give it the sources of the distributions that lose something.
    """
    mine = [source for source in sources if _importable(tree, source)]
    blind = for_each(_is_blind, mine)
    names = (_importable(tree, source) for source, is_it in zip(mine, blind, strict=True) if is_it)
    return tuple(sorted(filter(None, names)))


def _is_blind(source: Source) -> bool:
    return is_blind(_read(source.file))


def _importable(tree: Tree, source: Source) -> str | None:
    """The name to import a source of site-packages by, if it is a module, and no program."""
    file = source.file
    if not file.name.endswith(".py") or not file.is_relative_to(tree.root):
        return None
    name = module_name(file.relative_to(tree.root).as_posix()) or ""
    parts = name.split(".")
    is_name = all(map(str.isidentifier, parts)) and not any(map(iskeyword, parts))
    return name if is_name and parts[-1] not in _PROGRAMS else None


def _can_name(tree: Tree, path: str) -> bool:
    if path.endswith((".py", ".dist-info/entry_points.txt")):
        return True
    if path.endswith(_TEXTS):
        return _size(tree.root / path) <= _LONGEST_TEXT
    return bool(_EXTENSION_MODULE.search(path)) and _size(tree.root / path) <= _BIGGEST_MODULE


def _source(tree: Tree, path: str) -> Source:
    directory, _, name = path.rpartition("/")
    if name == "entry_points.txt":
        return Source(tree.root / path, "", f"{name} of {directory.partition('-')[0]}")
    return Source(tree.root / path, package_of(path), path)


class _Closure:
    """What each source reaches of the candidates, whichever process asks."""

    def __init__(self, tree: Tree, going: Mapping[str, str]) -> None:
        self._root = tree.root
        self._prefix = f"{tree.root}/"
        self._targets = Targets(tree, going, load_rules().by_name)

    def reached_by(self, source: Source) -> dict[str, str]:
        file = str(source.file)
        path = file.removeprefix(self._prefix) if file.startswith(self._prefix) else None
        group = self._groups.get(top_of(path), frozenset((top_of(path),))) if path else frozenset()
        return reached_by(Reader(source, path, _read(source.file), group, self._targets))

    @cached_property
    def _groups(self) -> dict[str, frozenset[str]]:
        return _groups(installed(self._root))


def _groups(distributions: Iterable[Distribution]) -> dict[str, frozenset[str]]:
    """Each top-level name with those of its distribution, and of any that has one in common."""
    groups: dict[str, frozenset[str]] = {}
    for distribution in distributions:
        tops = frozenset(filter(_is_code, map(top_of, distribution.files)))
        merged = tops.union(*(groups.get(top, ()) for top in tops))
        groups |= dict.fromkeys(merged, merged)
    return groups


def _is_code(top: str) -> bool:
    return top not in ("..", "__pycache__") and not top.endswith((".dist-info", ".egg-info"))


def _size(file: Path) -> int:
    return file.lstat().st_size


def _read(file: Path) -> bytes:
    """A source's bytes; none when it is a broken link, or not to be read: nobody imports it."""
    try:
        return texts_in(file) if file.name.endswith(".so") else file.read_bytes()
    except OSError:
        return b""

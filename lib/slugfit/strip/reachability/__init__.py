"""What must be kept, and why: the candidates that remaining sources can reach.

A source reaches a module that it imports, or that it names in a text, absolutely or relative to
a package that it is in; every module directly in a package whose modules it finds by listing or
by a computed name; a file whose name occurs in a source of its distribution; and the files of a
directory that it names and could open. What is reached reaches more in turn. Bytecode is kept
with its source.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from itertools import compress
from keyword import iskeyword
from pathlib import Path

from slugfit.packages.distributions import Distribution, source_of
from slugfit.strip.candidates.rules import load_rules
from slugfit.strip.reachability.binary import texts_in
from slugfit.strip.reachability.dynamic_imports import is_dynamic
from slugfit.strip.reachability.edges import reached_by
from slugfit.strip.reachability.pool import for_each
from slugfit.strip.reachability.source_reader import SourceReader
from slugfit.strip.reachability.targets import Targets, is_cached, module_name, package_of, top_of
from slugfit.strip.site_tree import SiteTree, SourceFile

_TEXTS = (".pth", ".json", ".toml", ".cfg", ".ini", ".yaml", ".yml", ".pyi")
_LONGEST_TEXT = 100_000  # bytes; what is longer is data
_PROGRAMS = frozenset(("__main__", "setup", "conftest"))  # they act when they are imported
_EXTENSION_MODULE = re.compile(r"\.(?:cpython-\w+-[\w-]+|abi3)\.so$")
_SOME = (
    3  # named files that make it likely that the names of all others in the directory are computed
)
_BIGGEST_MODULE = 8_000_000  # bytes; what is bigger has a library in it


def keep(tree: SiteTree, going: Mapping[str, str], sources: Sequence[SourceFile]) -> dict[str, str]:
    """The candidates that must be kept, with the reason: `imported by sklearn/__init__.py`."""
    closure = _Closure(tree, going)
    kept: dict[str, str] = {}
    pending = list(sources)
    while pending:
        found: dict[str, str] = {}
        for reached in for_each(closure.reached_by, pending):
            for path in sorted(reached.keys() - kept.keys()):
                found.setdefault(path, reached[path])
        kept |= found
        pending = [_source(tree, path) for path in sorted(found) if _can_name(tree, path)]
    kept |= _among_named(going, kept)
    for path in filter(is_cached, going) if kept else ():
        if because := kept.get(source_of(path) or ""):
            kept[path] = because
    return kept


def _among_named(going: Mapping[str, str], kept: Mapping[str, str]) -> dict[str, str]:
    """Files used by name only, in a directory where most files of their kind are named.

    Code that names the others probably computes the names of these.
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
        named = [path for path in paths if path in kept]
        if len(named) >= _SOME and 2 * len(named) > len(paths):
            rest = (path for path in paths if path not in kept)
            found |= dict.fromkeys(rest, f"among others like {named[0]}, {kept[named[0]]}")
    return found


def site_sources(tree: SiteTree, going: Mapping[str, str]) -> list[SourceFile]:
    """Every file of site-packages that stays and can name another: `keep`'s first sources."""
    staying = (path for path in tree.files if path not in going)
    return [_source(tree, path) for path in staying if _can_name(tree, path)]


def dynamic_modules(tree: SiteTree, sources: Sequence[SourceFile]) -> tuple[str, ...]:
    """The modules among `sources` of which only an import tells what they need, sorted.

    Give it the sources of the distributions that lose something.
    """
    mine = [source for source in sources if _importable(tree, source)]
    dynamic = compress(mine, for_each(_is_dynamic, mine))
    return tuple(sorted(filter(None, (_importable(tree, source) for source in dynamic))))


def _is_dynamic(source: SourceFile) -> bool:
    return is_dynamic(_read(source.file))


def _importable(tree: SiteTree, source: SourceFile) -> str | None:
    """The name to import a source of site-packages by, if it is a module, and no program."""
    file = source.file
    if not file.name.endswith(".py") or not file.is_relative_to(tree.root):
        return None
    name = module_name(file.relative_to(tree.root).as_posix()) or ""
    parts = name.split(".")
    is_name = all(map(str.isidentifier, parts)) and not any(map(iskeyword, parts))
    return name if is_name and parts[-1] not in _PROGRAMS else None


def _can_name(tree: SiteTree, path: str) -> bool:
    if path.endswith((".py", ".dist-info/entry_points.txt")):
        return True
    if path.endswith(_TEXTS):
        return _size(tree.root / path) <= _LONGEST_TEXT
    return bool(_EXTENSION_MODULE.search(path)) and _size(tree.root / path) <= _BIGGEST_MODULE


def _source(tree: SiteTree, path: str) -> SourceFile:
    directory, _, name = path.rpartition("/")
    if name == "entry_points.txt":
        return SourceFile(tree.root / path, "", f"{name} of {directory.partition('-')[0]}")
    return SourceFile(tree.root / path, package_of(path), path)


class _Closure:
    """Which candidates each source reaches, in any process."""

    def __init__(self, tree: SiteTree, going: Mapping[str, str]) -> None:
        self._distributions = tree.distributions
        self._prefix = f"{tree.root}/"
        self._targets = Targets(tree, going, load_rules().by_name)

    def reached_by(self, source: SourceFile) -> dict[str, str]:
        file = str(source.file)
        path = file.removeprefix(self._prefix) if file.startswith(self._prefix) else None
        group = self._groups.get(top_of(path), frozenset((top_of(path),))) if path else frozenset()
        return reached_by(SourceReader(source, path, _read(source.file), group, self._targets))

    @cached_property
    def _groups(self) -> dict[str, frozenset[str]]:
        return _groups(self._distributions)


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
    """A source's bytes; none if it is a broken link, or not readable."""
    try:
        return texts_in(file) if file.name.endswith(".so") else file.read_bytes()
    except OSError:
        return b""

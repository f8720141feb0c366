"""Level max: what only a run of the app can vouch for, from max.toml.

One proof is asked for all the same: what code that stays imports, and can't do without, stays.
An import that expects to fail, `try: import x` with `except ImportError`, can do without.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Protocol

from slugfit.distributions import installed, normalized
from slugfit.globs import matcher
from slugfit.strip.nominate.needed import needed_modules
from slugfit.strip.nominate.rules import Line, load_lines
from slugfit.strip.tree import Source, Tree

_BOUND = re.compile(r"(>=|<)([\d.]+)")
_COMPARE = {">=": operator.ge, "<": operator.lt}


class Release(Protocol):
    """A version of a distribution."""

    @property
    def name(self) -> str: ...

    @property
    def version(self) -> str: ...


def applicable(releases: Iterable[Release]) -> Iterator[Line]:
    """The lines of max.toml that hold where these, and no others, are installed."""
    listed = list(releases)
    names = [normalized(release.name) for release in listed]
    for line in load_lines():
        others = any(fnmatchcase(name, glob) for name in names for glob in line.unless_installed)
        if not others and any(_is_about(line, release) for release in listed):
            yield line


def categories() -> frozenset[str]:
    return frozenset(line.category for line in load_lines())


def nominate(tree: Tree) -> dict[str, str]:
    """The files that the lines on what is installed name, with their categories."""
    found: dict[str, str] = {}
    for line in applicable(installed(tree.root)):
        found |= dict.fromkeys(_paths(line, tree.files), line.category)
    return found


def spare(tree: Tree, going: Mapping[str, str], sources: Sequence[Source]) -> dict[str, str]:
    """The files among `going` that must stay, as `sources`, or what stays with them, import."""
    guards = _guards(tree.root) if categories() & set(going.values()) else []
    spared: dict[str, str] = {}
    pending = list(sources)
    while pending and guards:
        source = pending.pop(0)
        for guard in _asked_by(source, guards):
            guards.remove(guard)
            staying = [p for p in _paths(guard.line, going) if going[p] == guard.line.category]
            spared |= dict.fromkeys(staying, f"imported by {source.label}")
            pending += (_source(tree.root, path) for path in staying if path.endswith(".py"))
    return spared


@dataclass(frozen=True)
class _Guard:
    """A line with a proof, and the sources that don't count: those of its distribution."""

    line: Line
    own: frozenset[Path]


def _guards(root: Path) -> list[_Guard]:
    distributions = installed(root)
    return [
        _Guard(line, frozenset(root / file for d in about for file in d.files))
        for line in applicable(distributions)
        if line.unless_imported
        for about in [[d for d in distributions if _is_about(line, d)]]
    ]


def _asked_by(source: Source, guards: Sequence[_Guard]) -> list[_Guard]:
    """The guards of the lines whose files `source` can't do without."""
    others = [guard for guard in guards if source.file not in guard.own]
    needed = needed_modules(source.file, {m for g in others for m in g.line.unless_imported})
    return [guard for guard in others if not needed.isdisjoint(guard.line.unless_imported)]


def _is_about(line: Line, distribution: Release) -> bool:
    release = _release(distribution.version)
    return fnmatchcase(normalized(distribution.name), line.distribution) and all(
        _COMPARE[comparison](release, _release(bound))
        for comparison, bound in _BOUND.findall(line.versions)
    )


def _release(version: str) -> tuple[int, ...]:
    """(2, 21, 0) for 2.21.0rc1+cpu."""
    match = re.match(r"\d+(?:\.\d+)*", version)
    return tuple(map(int, match[0].split("."))) if match else ()


def _paths(line: Line, paths: Iterable[str]) -> Iterator[str]:
    return filter(matcher(line.paths), paths)


def _source(root: Path, path: str) -> Source:
    return Source(root / path, path.rpartition("/")[0].replace("/", "."), path)

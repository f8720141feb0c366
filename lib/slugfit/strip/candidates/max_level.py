"""Level max: what only a run of the app can verify, from max.toml.

One proof is required all the same: what remaining code imports, and can't do without, is kept.
An import that expects to fail, `try: import x` with `except ImportError`, can do without.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from slugfit.base.globs import matcher
from slugfit.packages.distributions import Distribution
from slugfit.strip.candidates.listing import Listing
from slugfit.strip.candidates.required_imports import needed_modules
from slugfit.strip.candidates.rules import Line, is_barred, load_lines
from slugfit.strip.site_tree import SiteTree, SourceFile


def applicable(installed: Sequence[Distribution]) -> Iterator[Line]:
    """The lines of max.toml that hold where these, and no others, are installed."""
    names = [canonicalize_name(distribution.name) for distribution in installed]
    for line in load_lines():
        if not is_barred(line, names) and any(_is_about(line, each) for each in installed):
            yield line


def categories() -> frozenset[str]:
    return frozenset(line.category for line in load_lines())


def candidates(listing: Listing) -> dict[str, str]:
    """The files that the lines on what is installed name, with their categories."""
    found: dict[str, str] = {}
    for line in applicable(listing.distributions):
        found |= dict.fromkeys(filter(matcher(line.paths), listing.files), line.category)
    return found


def keep(tree: SiteTree, going: Mapping[str, str], sources: Sequence[SourceFile]) -> dict[str, str]:
    """The files among `going` that `sources`, or what is kept with them, import."""
    guards = _guards(tree) if categories() & set(going.values()) else []
    kept: dict[str, str] = {}
    pending = list(sources)
    while pending and guards:
        source = pending.pop(0)
        for guard in _asked_by(source, guards):
            guards.remove(guard)
            staying = removed_by(guard.line, going)
            kept |= dict.fromkeys(staying, f"imported by {source.label}")
            pending += (tree.source(path) for path in staying if path.endswith(".py"))
    return kept


def removed_by(line: Line, going: Mapping[str, str]) -> list[str]:
    """The files among `going` that only `line` selects."""
    return [path for path in filter(matcher(line.paths), going) if going[path] == line.category]


@dataclass(frozen=True)
class _Guard:
    """A line with a proof, and the sources that don't count: those of its distribution."""

    line: Line
    own: frozenset[Path]


def _guards(tree: SiteTree) -> list[_Guard]:
    return [
        _Guard(line, frozenset(tree.root / file for d in about for file in d.files))
        for line in applicable(tree.distributions)
        if line.unless_imported
        for about in [[d for d in tree.distributions if _is_about(line, d)]]
    ]


def _asked_by(source: SourceFile, guards: Sequence[_Guard]) -> list[_Guard]:
    """The guards of the lines whose files `source` can't do without."""
    others = [guard for guard in guards if source.file not in guard.own]
    needed = needed_modules(source.file, {m for g in others for m in g.line.unless_imported})
    return [guard for guard in others if not needed.isdisjoint(guard.line.unless_imported)]


def _is_about(line: Line, distribution: Distribution) -> bool:
    if not matcher([line.distribution])(canonicalize_name(distribution.name)):
        return False
    try:  # a release candidate has the files of the release
        release = Version(distribution.version).base_version
    except InvalidVersion:
        return not line.versions
    return SpecifierSet(line.versions).contains(release)

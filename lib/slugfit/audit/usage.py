"""Which of the packages that an app requires its own files mention."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from packaging.utils import canonicalize_name

from slugfit.packages.distributions import Distribution
from slugfit.packages.graph import Graph
from slugfit.strip.engine import app_sources

_WORD = re.compile(r"[A-Za-z_][\w-]*")
# These name packages without using them.
_MANIFESTS = frozenset(
    ("pyproject.toml", "setup.cfg", "setup.py", "environment.yml", "environment.yaml", "app.json")
)
_TEST = re.compile(r"(?:.*/)?(?:tests?/.*|test_[^/]*|[^/]*_test\.py|conftest\.py|noxfile\.py)")
_GROUP = re.compile(r"^\[([^\]]+)\]", re.MULTILINE)
_PROGRAMS = frozenset(("console_scripts", "gui_scripts"))


@dataclass(frozen=True)
class Usage:
    """The words in an app's files, with and without its tests."""

    words: frozenset[str] = frozenset()
    words_without_tests: frozenset[str] = frozenset()


def usage_of(app: Path) -> Usage:
    """The words of the app's code, commands and configuration, without its lists of packages."""
    found: dict[bool, set[str]] = {True: set(), False: set()}
    for source in app_sources(app):
        path = source.file.relative_to(app).as_posix()
        if source.file.name not in _MANIFESTS:
            found[bool(_TEST.fullmatch(path))].update(_words(source.file))
    return Usage(frozenset(found[True] | found[False]), frozenset(found[False]))


def unmentioned_requirements(
    site: Path, distributions: Iterable[Distribution], graph: Graph, usage: Usage
) -> tuple[str, ...]:
    """Requirements that the app's files never mention, and no other package uses.

    By normalized name, sorted. None where the app has no words at all: its code is elsewhere.
    """
    if not usage.words:
        return ()
    candidates = graph.direct.keys() - graph.optional
    return tuple(
        sorted(
            canonicalize_name(distribution.name)
            for distribution in distributions
            if canonicalize_name(distribution.name) in candidates
            and not _Names(site, distribution).are_in(usage.words)
        )
    )


@dataclass(frozen=True)
class _Names:
    """The names by which code or commands use a distribution."""

    site: Path
    distribution: Distribution

    def are_in(self, words: frozenset[str]) -> bool:
        return self._acts_alone or any(
            name in words or name.replace("-", "_") in words for name in self._names()
        )

    def _names(self) -> Iterator[str]:
        yield canonicalize_name(self.distribution.name)
        yield self.distribution.name
        for top in self.distribution.top_level:
            yield top.partition(".")[0]
        yield from re.findall(r"^\s*([\w.-]+)\s*=", self._entry_points, re.MULTILINE)

    @property
    def _acts_alone(self) -> bool:
        """Whether Python or another package finds it without its name."""
        plugged = set(_GROUP.findall(self._entry_points)) - _PROGRAMS
        return bool(plugged) or any(top.endswith(".pth") for top in self.distribution.top_level)

    @cached_property
    def _entry_points(self) -> str:
        file = self.site / self.distribution.info / "entry_points.txt"
        try:
            return file.read_text(encoding="utf-8", errors="replace")
        except OSError:
            return ""


def _words(file: Path) -> list[str]:
    try:
        return _WORD.findall(file.read_text(encoding="utf-8", errors="replace"))
    except OSError:
        return []

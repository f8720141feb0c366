"""What requires a distribution: the chain from it to a file of the app."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from packaging.utils import canonicalize_name

from slugfit.app.requirements import Demand, demands, parse
from slugfit.packages.distributions import Distribution, installed
from slugfit.packages.markers import environment, may_hold

_LONGEST_HEADER = 1_000_000  # characters of METADATA before its description
# heroku/python installs them by name.
TOOLS = frozenset(("pip", "setuptools", "wheel"))
_UNNAMED = "pip install"  # the origin of requirements that no known file names


@dataclass(frozen=True)
class Graph:
    """The requirements between installed distributions. All names are normalized.

    `direct` is name → the app's file that names it; `requires` is name → the installed
    distributions that it requires, sorted. `optional` is what any of them requires at all, under
    whichever extras and markers.
    """

    direct: Mapping[str, str] = field(default_factory=dict)
    requires: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    optional: frozenset[str] = frozenset()

    @classmethod
    def of_chains(cls, chains: Mapping[str, Sequence[str]]) -> Graph:
        """The graph with exactly these chains."""
        requires: dict[str, set[str]] = {}
        direct: dict[str, str] = {}
        for name, chain in chains.items():
            *links, origin = (canonicalize_name(name), *chain)
            direct[links[-1]] = origin
            for below, above in zip(links, (*links[1:], None), strict=True):
                requires.setdefault(below, set())
                if above:
                    requires.setdefault(above, set()).add(below)
        return cls(direct, {name: tuple(sorted(found)) for name, found in requires.items()})

    def chain(self, name: str) -> tuple[str, ...]:
        """What requires `name`, what requires that, and so on to the app's file.

        The shortest chain, and of several the first by name; () for what nothing requires.
        """
        name = canonicalize_name(name)
        links: list[str] = []
        while self._above.get(name):
            name = self._above[name]
            links.append(name)
        return (*links, self.direct[name]) if name in self._above else ()

    def unrequired(self) -> tuple[str, ...]:
        """What is installed although nothing requires it, except TOOLS."""
        if not self.direct:
            return ()  # the app's requirements are unknown
        # The extras of what pip installed from a path are unknown.
        return tuple(sorted(self.requires.keys() - self._above.keys() - self.optional - TOOLS))

    def exclusive(self, names: Collection[str]) -> frozenset[str]:
        """`names`, and what only they require, directly or not."""
        removed = frozenset(map(canonicalize_name, names)) & self.requires.keys()
        kept = self._reached(removed).keys()
        return removed | (self._above.keys() - kept - TOOLS)

    def below(self, names: Collection[str]) -> frozenset[str]:
        """`names`, and all that they require."""
        return frozenset(self._walk(map(canonicalize_name, names)))

    def requirers(self, name: str) -> tuple[str, ...]:
        """Which installed distributions require `name`."""
        name = canonicalize_name(name)
        return tuple(sorted(n for n, required in self.requires.items() if name in required))

    @cached_property
    def _above(self) -> Mapping[str, str]:
        return self._reached(frozenset())

    def _reached(self, without: Collection[str]) -> dict[str, str]:
        """What the app's files lead to, each with its nearest requirer; "" for a file."""
        return self._walk((n for n in sorted(self.direct) if n in self.requires), without)

    def _walk(
        self, starts: Iterable[str], without: Collection[str] = frozenset()
    ) -> dict[str, str]:
        """`starts`, each with "", and what they lead to, each with its nearest requirer."""
        found = {name: "" for name in starts if name not in without}
        pending = list(found)
        for name in pending:  # it grows
            for required in self.requires.get(name, ()):
                if required not in found and required not in without:
                    found[required] = name
                    pending.append(required)
        return found


def graph_of(site: Path, app: Path | None, python_version: str) -> Graph:
    """What the metadata in `site` and the files of `app` say of the distributions in `site`."""
    found: dict[str, Distribution] = {canonicalize_name(d.name): d for d in installed(site)}
    required = {name: tuple(_required_by(site / d.info / "METADATA")) for name, d in found.items()}
    asked = [*(demands(app) if app else ()), *_requested(site, found)]
    return resolve(required, asked, environment(python_version))


def resolve(
    required: Mapping[str, tuple[Demand, ...]], asked: Iterable[Demand], env: Mapping[str, str]
) -> Graph:
    """The graph of distributions, given what each requires and what the app requires.

    A demand that `asked` repeats counts once, the first time.
    """
    first: dict[str, Demand] = {}
    for demand in asked:
        if demand.name in required and may_hold(demand.marker, env):
            first.setdefault(demand.name, demand)
    requires = _edges(required, first.values(), env)
    listed = {name: demand.origin for name, demand in first.items()}
    return Graph(
        direct=_unlocked(listed, requires),
        requires=requires,
        optional=frozenset(d.name for demands in required.values() for d in demands),
    )


def _edges(
    required: Mapping[str, tuple[Demand, ...]], asked: Iterable[Demand], env: Mapping[str, str]
) -> dict[str, tuple[str, ...]]:
    """What requires what, with all extras that are asked for."""
    extras = dict.fromkeys(required, frozenset[str]())
    demanded = list(asked)
    while True:
        wider = _wider(extras, demanded)
        active = {name: _active(required[name], env, wider[name]) for name in required}
        if wider == extras:
            break
        extras, demanded = wider, [d for found in active.values() for d in found]
    return {
        name: tuple(sorted({d.name for d in found if d.name in required} - {name}))
        for name, found in active.items()
    }


def _active(
    required: Iterable[Demand], env: Mapping[str, str], extras: frozenset[str]
) -> list[Demand]:
    return [d for d in required if may_hold(d.marker, env, extras)]


def _wider(
    extras: Mapping[str, frozenset[str]], demanded: Iterable[Demand]
) -> dict[str, frozenset[str]]:
    wider = dict(extras)
    for demand in demanded:
        if demand.name in wider:
            wider[demand.name] |= frozenset(demand.extras)
    return wider


def _unlocked(
    listed: Mapping[str, str], requires: Mapping[str, tuple[str, ...]]
) -> Mapping[str, str]:
    """Without what is listed only because the file lists everything, as `pip freeze` does.

    Such a file names all that its packages require. Direct is what no other line requires.
    """
    edges = {name: [r for r in requires[name] if r not in TOOLS] for name in listed}
    if not any(edges.values()) or any(r not in listed for found in edges.values() for r in found):
        return listed
    inner = {required for found in edges.values() for required in found}
    wanted = {name: origin for name, origin in listed.items() if name not in inner}
    for name in sorted(listed):  # of a cycle, the first
        if name not in Graph(wanted, requires)._reached(()):
            wanted[name] = listed[name]
    return wanted


def _required_by(metadata: Path) -> Iterator[Demand]:
    for line in _header(metadata):
        key, _, value = line.partition(":")
        if key.lower() == "requires-dist" and (found := parse(value.strip())):
            yield found


def _header(metadata: Path) -> list[str]:
    """The lines before the description; none where there is no such file."""
    try:
        with metadata.open(encoding="utf-8", errors="replace") as opened:
            return opened.read(_LONGEST_HEADER).partition("\n\n")[0].splitlines()
    except OSError:
        return []


def _requested(site: Path, found: Mapping[str, Distribution]) -> Iterator[Demand]:
    """What the installer recorded as requested: also what a file names only by path."""
    for name, distribution in found.items():
        if name not in TOOLS and (site / distribution.info / "REQUESTED").is_file():
            yield replace(Demand(name), origin=_UNNAMED)

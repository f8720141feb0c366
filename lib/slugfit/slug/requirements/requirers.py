"""Who brought a distribution into the slug: the chain from it to a file of the app."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from slugfit.distributions import Distribution, installed, normalized
from slugfit.slug.requirements.demands import Demand, demands, parse
from slugfit.slug.requirements.markers import environment, holds

_LONGEST_HEADER = 1_000_000  # characters of METADATA before its description
# heroku/python brings them, and asks for them by name.
TOOLS = frozenset(("pip", "setuptools", "wheel"))
_UNNAMED = "pip install"  # the origin of what was asked for, but not by a file that is known


@dataclass(frozen=True)
class Graph:
    """Who requires whom, of what is installed. All names are normalized.

    `direct` is name → the app's file that names it; `requires` is name → the installed that it
    requires, sorted. `optional` is what any distribution requires under some condition.
    """

    direct: Mapping[str, str] = field(default_factory=dict)
    requires: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    optional: frozenset[str] = frozenset()

    @classmethod
    def of_chains(cls, chains: Mapping[str, Sequence[str]]) -> Graph:
        """The graph that has these chains, and nothing more."""
        requires: dict[str, set[str]] = {}
        direct = {}
        for name, chain in chains.items():
            *links, origin = (normalized(name), *chain)
            direct[links[-1]] = origin
            for below, above in zip(links, (*links[1:], None), strict=True):
                requires.setdefault(below, set())
                if above:
                    requires.setdefault(above, set()).add(below)
        return cls(direct, {name: tuple(sorted(found)) for name, found in requires.items()})

    def chain(self, name: str) -> tuple[str, ...]:
        """Who requires `name`, who requires that, and so on to the app's file.

        The shortest, and the first by name of these; () for what nobody requires.
        """
        name = normalized(name)
        links: list[str] = []
        while self._above.get(name):
            name = self._above[name]
            links.append(name)
        return (*links, self.direct[name]) if name in self._above else ()

    def unrequired(self) -> tuple[str, ...]:
        """What is installed although nothing asks for it; the tools of installing apart."""
        if not self.direct:
            return ()  # nobody knows
        # Of what pip was given a path of, the extras are not known.
        return tuple(sorted(self.requires.keys() - self._above.keys() - self.optional - TOOLS))

    def alone(self, names: Collection[str]) -> frozenset[str]:
        """`names`, and all that nothing would require without them."""
        leaving = frozenset(map(normalized, names)) & self.requires.keys()
        staying = self._reached(leaving).keys()
        return leaving | (self._above.keys() - staying - TOOLS)

    def below(self, names: Collection[str]) -> frozenset[str]:
        """`names`, and all that they require."""
        return frozenset(self._walk(map(normalized, names)))

    def requirers(self, name: str) -> tuple[str, ...]:
        """Which installed distributions require `name`."""
        name = normalized(name)
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
    found = {normalized(d.name): d for d in installed(site)}
    required = {name: tuple(_required_by(site / d.info / "METADATA")) for name, d in found.items()}
    asked = [*(demands(app) if app else ()), *_requested(site, found)]
    return resolve(required, asked, environment(python_version))


def resolve(
    required: Mapping[str, tuple[Demand, ...]], asked: Iterable[Demand], env: Mapping[str, str]
) -> Graph:
    """The graph of distributions, given what each requires and what the app asks for.

    A demand that `asked` repeats counts once, the first time. A marker that can't be understood
    may hold.
    """
    first: dict[str, Demand] = {}
    for demand in asked:
        if demand.name in required and holds(demand.marker, env) is not False:
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
    """Who requires whom, with the extras that anybody asks for."""
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
    return [d for d in required if holds(d.marker, env, extras) is not False]


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
    """Without what is listed only since the file lists everything, as `pip freeze` does.

    Such a file names all that its packages require. What no other in it requires is what somebody
    wanted.
    """
    edges = {name: [r for r in requires[name] if r not in TOOLS] for name in listed}
    if not any(edges.values()) or any(r not in listed for found in edges.values() for r in found):
        return listed
    inner = {required for found in edges.values() for required in found}
    wanted = {name: origin for name, origin in listed.items() if name not in inner}
    for name in sorted(listed):  # of those that require each other in a circle, the first
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
    """What the installer notes that it was asked for: also what a file has only a path of."""
    for name, distribution in found.items():
        if name not in TOOLS and (site / distribution.info / "REQUESTED").is_file():
            yield replace(Demand(name), origin=_UNNAMED)

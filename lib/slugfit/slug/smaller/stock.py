"""What each distribution in a slug weighs, and what can leave it together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase

from slugfit.distributions import normalized
from slugfit.slug.contents import Slug


class Stock:
    """The distributions of a slug by normalized name."""

    def __init__(self, slug: Slug) -> None:
        self._graph = slug.graph
        self.weights: dict[str, int] = {}
        for item, weight in slug.items.items():
            if item.kind == "distribution":
                name = normalized(item.name)
                self.weights[name] = self.weights.get(name, 0) + weight.compressed

    def matching(self, *globs: str) -> list[str]:
        return sorted(n for n in self.weights if any(fnmatchcase(n, glob) for glob in globs))

    def replaceable(self, glob: str) -> list[str]:
        """What the app asks for, as far as that is known, and nothing else does."""
        direct = self._graph.direct
        asked = (name for name in self.matching(glob) if name in direct or not direct)
        return [name for name in asked if not self._above(name)]

    def leaving(self, names: Iterable[str]) -> list[str]:
        """What leaves the slug with those of `names` that nothing else requires."""
        going = {name for name in names if name in self.weights}
        while True:
            leaving = self._graph.alone(going) | going
            needed = {name for name in going if not leaving.issuperset(self._above(name))}
            if not needed:
                return sorted(leaving & self.weights.keys())
            going -= needed

    def freed(self, frees: Mapping[str, float]) -> dict[str, float]:
        """The parts of distributions that go, by globs of their names.

        What goes as a whole does not while something requires it that does not go at all.
        """
        parts = {name: part for glob, part in frees.items() for name in self.matching(glob)}
        while True:
            needed = {
                name
                for name, part in parts.items()
                if part == 1.0 and not parts.keys() >= set(self._above(name))
            }
            if not needed:
                return parts
            parts = {name: part for name, part in parts.items() if name not in needed}

    def bytes(self, parts: Mapping[str, float], taken: Mapping[str, float]) -> int:
        """The compressed bytes of these parts, less the parts that have been taken before."""
        return sum(
            round(self.weights[name] * min(part, 1.0 - taken.get(name, 0.0)))
            for name, part in parts.items()
        )

    def _above(self, name: str) -> tuple[str, ...]:
        return self._graph.requirers(name)

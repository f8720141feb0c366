"""What each distribution in a slug weighs, and which are removed together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from packaging.utils import canonicalize_name

from slugfit.base.globs import matcher
from slugfit.slug.contents import Slug


class Distributions:
    """The distributions of a slug by normalized name."""

    def __init__(self, slug: Slug) -> None:
        self._graph = slug.graph
        self.weights: dict[str, int] = {}
        for item, weight in slug.items.items():
            if item.kind == "distribution":
                name = canonicalize_name(item.name)
                self.weights[name] = self.weights.get(name, 0) + weight.compressed

    def matching(self, *globs: str) -> list[str]:
        return sorted(filter(matcher(globs), self.weights))

    def replaceable(self, glob: str) -> list[str]:
        """Distributions that the app requires, as far as that is known, and no other one does."""
        direct = self._graph.direct
        asked = (name for name in self.matching(glob) if name in direct or not direct)
        return [name for name in asked if not self._above(name)]

    def removed_with(self, names: Iterable[str]) -> list[str]:
        """What is removed with those of `names` that no other distribution requires."""
        asked = {name for name in names if name in self.weights}
        while True:
            removed = self._graph.exclusive(asked) | asked
            required = {name for name in asked if not removed.issuperset(self._above(name))}
            if not required:
                return sorted(removed & self.weights.keys())
            asked -= required

    def freed(self, frees: Mapping[str, float]) -> dict[str, float]:
        """The fractions of distributions that are removed, given by globs of their names.

        A distribution that another one requires, of which nothing is removed, stays whole.
        """
        parts = {name: part for glob, part in frees.items() for name in self.matching(glob)}
        while True:
            required = {
                name
                for name, part in parts.items()
                if part == 1.0 and not parts.keys() >= set(self._above(name))
            }
            if not required:
                return parts
            parts = {name: part for name, part in parts.items() if name not in required}

    def bytes(self, parts: Mapping[str, float], taken: Mapping[str, float]) -> int:
        """The compressed bytes of these fractions, without those of `taken`."""
        return sum(
            round(self.weights[name] * min(part, 1.0 - taken.get(name, 0.0)))
            for name, part in parts.items()
        )

    def _above(self, name: str) -> tuple[str, ...]:
        return self._graph.requirers(name)

"""The machine that packages are for: a dyno under one Python, and the wheels that it takes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from packaging.tags import Tag, compatible_tags, cpython_tags
from packaging.utils import BuildTag, parse_wheel_filename

from slugfit.base.heroku import PYTHONS

_OLDEST_GLIBC = 5  # of those that have a name
_LEGACY = {17: "manylinux2014", 12: "manylinux2010", 5: "manylinux1"}


@dataclass(frozen=True)
class Machine:
    """Python 3.`minor` on x86_64 Linux with glibc 2.`glibc`."""

    minor: int
    glibc: int

    @property
    def python(self) -> str:
        return f"3.{self.minor}"

    @property
    def soabi(self) -> str:
        """The tag of its extension modules."""
        return f"cpython-3{self.minor}-x86_64-linux-gnu"

    @property
    def with_other_pythons(self) -> tuple[Machine, ...]:
        """The same under each other Python that Heroku has, the nearest first."""
        others = (minor for minor in PYTHONS if minor != self.minor)
        nearest = sorted(others, key=lambda minor: abs(minor - self.minor))
        return tuple(replace(self, minor=minor) for minor in nearest)

    def best(self, wheels: Iterable[str]) -> str | None:
        """The file name that pip would choose; None when none fits."""
        ranked = [(rank, wheel) for wheel in sorted(wheels) if (rank := self._rank(wheel))]
        return max(ranked)[1] if ranked else None

    def _rank(self, wheel: str) -> tuple[int, BuildTag] | None:
        """How well a wheel of this file name fits, the more the better; None if it does not."""
        try:
            _, _, build, tags = parse_wheel_filename(wheel)
        except ValueError:
            return None
        ranks = [self._ranks[tag] for tag in tags if tag in self._ranks]
        return (max(ranks), build) if ranks else None

    @cached_property
    def _ranks(self) -> Mapping[Tag, int]:
        version, own = (3, self.minor), f"cp3{self.minor}"
        platforms = list(_platforms(self.glibc))
        tags = [
            *cpython_tags(version, [own], platforms),
            *compatible_tags(version, own, platforms),
        ]
        return {tag: -place for place, tag in enumerate(tags)}


def _platforms(glibc: int) -> Iterator[str]:
    """The platform tags of wheels, the most specific first."""
    for minor in range(glibc, _OLDEST_GLIBC - 1, -1):
        yield f"manylinux_2_{minor}_x86_64"
        if minor in _LEGACY:
            yield f"{_LEGACY[minor]}_x86_64"
    yield "linux_x86_64"

"""The site-packages that wheels will make, as the rules of a strip see them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from slugfit.forecast.wheels import WheelMember
from slugfit.packages.distributions import Distribution
from slugfit.strip.candidates.file_kinds import has_other_tag

_FOREIGN = (".dll", ".pyd", ".exe", ".pdb", ".dylib", ".lib")


@dataclass(frozen=True)
class WheelListing:
    """The files of `distributions`, by path; of a wheel that could not be read, none are known.

    `soabi` is the tag with which the dyno's Python imports extension modules.
    """

    members: Mapping[str, WheelMember]
    distributions: tuple[Distribution, ...]
    soabi: str

    @classmethod
    def of(
        cls, wheels: Iterable[tuple[str, str, Iterable[WheelMember]]], soabi: str
    ) -> WheelListing:
        """The listing of wheels: of each its name, its version and what is in it."""
        found: dict[str, WheelMember] = {}
        distributions = []
        for name, version, members in wheels:
            inside = {m.path: m for m in members if not m.path.startswith("../")}
            info = f"{name}-{version}.dist-info"
            distributions.append(Distribution(name, version, info, frozenset(inside)))
            found |= inside
        return cls(found, tuple(distributions), soabi)

    @cached_property
    def files(self) -> tuple[str, ...]:
        return tuple(sorted(self.members))

    def is_kind(self, path: str, kind: str) -> bool | None:
        """As the table of contents tells: by the name, or by whether the file may be executed.

        What it does not tell, the name usually does: in five stacks of the strip's benchmark, all
        340 files with such names were what they say (70 for Windows, 10 archives, 260 tests).
        """
        if kind in ("program", "ELF file"):
            return self.members[path].program
        if kind == "foreign module":
            return has_other_tag(path, self.soabi)
        if kind == "foreign binary" and not path.endswith(_FOREIGN):
            return False  # a wheel's libraries are for the machine that its tag names
        return None

"""What a strip will do: remove files, shrink them, and replace duplicates by links."""

from __future__ import annotations

from collections.abc import Iterator, Set
from dataclasses import dataclass, replace

from slugfit.strip.native.elf import Shrink


@dataclass(frozen=True)
class Removal:
    """One file to remove. `path` is relative to site-packages."""

    path: str
    bytes: int
    category: str
    distribution: str


@dataclass(frozen=True)
class Shrinking:
    """A shared library or program that loses its symbols and debug sections.

    `hash` is RECORD's hash of the smaller copy, if an earlier build of the same tree has seen it.
    """

    path: str
    shrink: Shrink
    distribution: str
    hash: str | None = None

    @property
    def bytes(self) -> int:
        return self.shrink.bytes


@dataclass(frozen=True)
class Linking:
    """A file that becomes a symbolic link to its duplicate, `target`."""

    path: str
    target: str
    bytes: int
    distribution: str


Change = Removal | Shrinking | Linking


@dataclass(frozen=True)
class StripPlan:
    """What a strip will do to site-packages."""

    removals: tuple[Removal, ...] = ()
    shrinkings: tuple[Shrinking, ...] = ()
    linkings: tuple[Linking, ...] = ()

    def without(self, distributions: Set[str]) -> StripPlan:
        """The part that leaves `distributions` alone."""
        return replace(
            self,
            removals=tuple(r for r in self.removals if r.distribution not in distributions),
            shrinkings=tuple(s for s in self.shrinkings if s.distribution not in distributions),
            linkings=tuple(n for n in self.linkings if n.distribution not in distributions),
        )

    def owners(self) -> Iterator[tuple[str, str]]:
        """Each path that changes, with its distribution."""
        changes: tuple[Change, ...] = (*self.removals, *self.shrinkings, *self.linkings)
        yield from ((change.path, change.distribution) for change in changes)

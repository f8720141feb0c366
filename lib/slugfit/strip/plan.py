"""What may go from site-packages: the tree, the rules and what the code reaches, put together."""

from __future__ import annotations

import os
from collections.abc import Iterator, Set
from dataclasses import dataclass
from pathlib import Path

from slugfit.distributions import Owners, installed
from slugfit.settings.model import StripSettings
from slugfit.strip.candidates import (
    BYTECODE,
    REQUESTED,
    may_be_elf,
    nominate,
    orphaned_bytecode,
)
from slugfit.strip.elf import Range, dead_ranges
from slugfit.strip.reach import reached
from slugfit.strip.rules import load_rules
from slugfit.strip.tree import read_tree

_WORTH_A_COPY = 4096  # bytes of zeros, from which on a new file pays


@dataclass(frozen=True)
class Removal:
    """One file that is gone. `path` is relative to site-packages."""

    path: str
    bytes: int
    category: str
    distribution: str


@dataclass(frozen=True)
class Zeroing:
    """A shared library or program whose symbols and debug sections become zeros."""

    path: str
    dead: tuple[Range, ...]
    distribution: str

    @property
    def bytes(self) -> int:
        return sum(piece.size for piece in self.dead)


@dataclass(frozen=True)
class Plan:
    """What a strip will do to site-packages."""

    removals: tuple[Removal, ...] = ()
    zeroings: tuple[Zeroing, ...] = ()

    def without(self, distributions: Set[str]) -> Plan:
        """The part that leaves `distributions` alone."""
        return Plan(
            tuple(r for r in self.removals if r.distribution not in distributions),
            tuple(z for z in self.zeroings if z.distribution not in distributions),
        )

    def owners(self) -> Iterator[tuple[str, str]]:
        """Each path that changes, with its distribution."""
        yield from ((removal.path, removal.distribution) for removal in self.removals)
        yield from ((zeroing.path, zeroing.distribution) for zeroing in self.zeroings)


def plan_strip(site: Path, settings: StripSettings, app: Path) -> Plan:
    """What may go from `site`, and what of it no retained code reaches. Changes nothing."""
    tree = read_tree(site)
    candidates = nominate(tree, load_rules(), settings)
    spared = reached(tree, candidates, app_sources(app))
    going = {
        path: category
        for path, category in candidates.items()
        if path not in spared or category == REQUESTED
    }
    going |= dict.fromkeys(orphaned_bytecode(tree, going), BYTECODE)
    owner = Owners(installed(site)).owner
    removals = (
        Removal(path, (site / path).lstat().st_size, category, owner(path))
        for path, category in sorted(going.items())
    )
    zeroings = (
        Zeroing(path, dead_ranges(site / path), owner(path))
        for path in may_be_elf(tree, settings)
        if path not in going and _is_own_file(site / path)
    )
    return Plan(tuple(removals), tuple(z for z in zeroings if z.bytes >= _WORTH_A_COPY))


def app_sources(app: Path) -> Iterator[Path]:
    """The app's own Python files: what lies in hidden directories is not the app's."""
    for directory, subdirectories, names in os.walk(app):
        subdirectories[:] = sorted(s for s in subdirectories if not s.startswith("."))
        yield from (Path(directory, name) for name in sorted(names) if name.endswith(".py"))


def _is_own_file(path: Path) -> bool:
    """Whether `path` is a regular file, and no link to one."""
    return path.is_file() and not path.is_symlink()

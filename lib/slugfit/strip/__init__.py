"""Takes what a slug does not need out of site-packages, and proves that it still works."""

from __future__ import annotations

import os
from collections.abc import Iterator, Set
from dataclasses import dataclass
from pathlib import Path

from slugfit.distributions import Distribution, Owners, installed
from slugfit.files import Changes
from slugfit.settings.model import StripSettings
from slugfit.strip.apply import SitePackages
from slugfit.strip.candidates import (
    BYTECODE,
    REQUESTED,
    may_be_elf,
    nominate,
    orphaned_bytecode,
    read_tree,
)
from slugfit.strip.elf import Range, dead_ranges
from slugfit.strip.gate import ImportGate, package_to_import
from slugfit.strip.reach import reached
from slugfit.strip.rules import load_rules

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


@dataclass(frozen=True)
class Restored:
    """A distribution that was put back whole, and the package that did not import without."""

    distribution: str
    package: str
    said: str


@dataclass(frozen=True)
class Stripped:
    """What a strip did. `checked` are the packages that were imported afterwards."""

    done: Plan = Plan()
    restored: tuple[Restored, ...] = ()
    checked: tuple[str, ...] = ()


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


def strip(site: Path, plan: Plan, changes: Changes, gate: ImportGate) -> Stripped:
    """Carry out `plan`, import what was changed, and put back what no longer imports."""
    distributions = installed(site)
    tree = SitePackages(site, distributions, changes)
    owners = _packages(site, plan, distributions)
    _carry_out(tree, plan)
    broken = gate.failures(owners)
    if not broken:
        return Stripped(plan, checked=tuple(sorted(owners)))
    # Whether a package imported before can only be seen with everything in its place.
    _take_back(tree, plan)
    regressed = sorted(broken.keys() - gate.failures(broken))
    rest = plan.without({name for package in regressed for name in owners[package]})
    _carry_out(tree, rest)
    if gate.failures(regressed):
        # They need a file of yet another distribution, and nothing tells of which.
        _take_back(tree, rest)
        rest = Plan()
    return Stripped(
        done=rest,
        restored=tuple(
            Restored(distribution, package, broken[package])
            for package in regressed
            for distribution in sorted(owners[package])
        ),
        checked=tuple(sorted(owners)),
    )


def _packages(
    site: Path, plan: Plan, distributions: tuple[Distribution, ...]
) -> dict[str, set[str]]:
    """The packages to import, each with the distributions that change in it.

    A library beside the packages (numpy.libs) is used by all of its distribution.
    """
    of_distribution = {
        d.name: {p for f in d.files if (p := package_to_import(site, f))} for d in distributions
    }
    owners: dict[str, set[str]] = {}
    for path, distribution in plan.owners():
        package = package_to_import(site, path)
        beside = of_distribution.get(distribution, set()) if ".so" in path else set()
        for name in {package} if package else beside:
            owners.setdefault(name, set()).add(distribution)
    return owners


def _carry_out(tree: SitePackages, plan: Plan) -> None:
    tree.remove(removal.path for removal in plan.removals)
    tree.zero({zeroing.path: zeroing.dead for zeroing in plan.zeroings})


def _take_back(tree: SitePackages, plan: Plan) -> None:
    tree.put_back(path for path, _ in plan.owners())


def app_sources(app: Path) -> Iterator[Path]:
    """The app's own Python files: what lies in hidden directories is not the app's."""
    for directory, subdirectories, names in os.walk(app):
        subdirectories[:] = sorted(s for s in subdirectories if not s.startswith("."))
        yield from (Path(directory, name) for name in sorted(names) if name.endswith(".py"))


def _is_own_file(path: Path) -> bool:
    """Whether `path` is a regular file, and no link to one."""
    return path.is_file() and not path.is_symlink()

"""Takes what a slug does not need out of site-packages, and proves that it still works."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from slugfit.distributions import Owners, installed
from slugfit.files import Changes
from slugfit.settings.model import StripSettings
from slugfit.strip.apply import SitePackages
from slugfit.strip.candidates import BYTECODE, REQUESTED, nominate, orphaned_bytecode, read_tree
from slugfit.strip.gate import ImportGate, package_to_import
from slugfit.strip.reach import reached
from slugfit.strip.rules import load_rules


@dataclass(frozen=True)
class Removal:
    """One file that is gone. `path` is relative to site-packages."""

    path: str
    bytes: int
    category: str
    distribution: str


@dataclass(frozen=True)
class Restored:
    """A distribution that was put back whole, and the package that did not import without."""

    distribution: str
    package: str
    said: str


@dataclass(frozen=True)
class Stripped:
    """What a strip did. `checked` are the packages that were imported afterwards."""

    removals: tuple[Removal, ...] = ()
    restored: tuple[Restored, ...] = ()
    checked: tuple[str, ...] = ()


def plan_removals(site: Path, settings: StripSettings, app: Path) -> tuple[Removal, ...]:
    """The files of `site` that may go and that no retained code reaches. Changes nothing."""
    tree = read_tree(site)
    candidates = nominate(tree, load_rules(), settings)
    spared = reached(tree, candidates, app_sources(app))
    going = {
        path: category
        for path, category in candidates.items()
        if path not in spared or category == REQUESTED
    }
    going |= dict.fromkeys(orphaned_bytecode(tree, going), BYTECODE)
    owners = Owners(installed(site))
    return tuple(
        Removal(path, (site / path).lstat().st_size, category, owners.owner(path))
        for path, category in sorted(going.items())
    )


def strip(
    site: Path, removals: tuple[Removal, ...], changes: Changes, gate: ImportGate
) -> Stripped:
    """Remove, import what lost something, and put back what no longer imports."""
    tree = SitePackages(site, installed(site), changes)
    owners: dict[str, set[str]] = {}
    for removal in removals:
        if package := package_to_import(site, removal.path):
            owners.setdefault(package, set()).add(removal.distribution)
    tree.remove(_paths(removals))
    broken = gate.failures(owners)
    if not broken:
        return Stripped(removals, checked=tuple(sorted(owners)))
    # Whether a package imported before can only be seen with everything in its place.
    tree.put_back(_paths(removals))
    regressed = sorted(broken.keys() - gate.failures(broken))
    guilty = {distribution for package in regressed for distribution in owners[package]}
    kept_out = tuple(r for r in removals if r.distribution not in guilty)
    tree.remove(_paths(kept_out))
    if gate.failures(regressed):
        # They need a file of yet another distribution, and nothing tells of which.
        tree.put_back(_paths(kept_out))
        kept_out = ()
    return Stripped(
        removals=kept_out,
        restored=tuple(
            Restored(distribution, package, broken[package])
            for package in regressed
            for distribution in sorted(owners[package])
        ),
        checked=tuple(sorted(owners)),
    )


def app_sources(app: Path) -> Iterator[Path]:
    """The app's own Python files: what lies in hidden directories is not the app's."""
    for directory, subdirectories, names in os.walk(app):
        subdirectories[:] = sorted(s for s in subdirectories if not s.startswith("."))
        yield from (Path(directory, name) for name in sorted(names) if name.endswith(".py"))


def _paths(removals: Iterable[Removal]) -> list[str]:
    return [removal.path for removal in removals]

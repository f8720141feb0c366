"""Takes what a slug does not need out of site-packages, and proves that it still works."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from slugfit.distributions import Distribution, installed
from slugfit.files import Changes
from slugfit.strip.apply import SitePackages
from slugfit.strip.gate import ImportGate, package_to_import
from slugfit.strip.plan import Plan


@dataclass(frozen=True)
class Restored:
    """A distribution that was put back whole, and the package that did not import without."""

    distribution: str
    package: str
    said: str


@dataclass(frozen=True)
class Stripped:
    """What a strip did. `checked` are the packages that were imported afterwards."""

    done: Plan = field(default_factory=Plan)
    restored: tuple[Restored, ...] = ()
    checked: tuple[str, ...] = ()


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

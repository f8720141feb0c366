"""The import check: what lost files is imported, and restored if that fails without them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence, Set
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from slugfit.packages.distributions import Distribution, Owners
from slugfit.strip.strip_plan import StripPlan
from slugfit.strip.trials.trial import AppInterpreter, Trial, TrialResult, importing, loading

# An import of tensorflow or torch takes half a gigabyte, and a build dyno has 2.5 GB.
_MOST_AT_ONCE = 4

UNREACHED = TrialResult("there was no time left to verify it")

# Trials that share a process, by the distribution that they are about.
Groups = Mapping[str, tuple[Trial, ...]]


def groups_for(
    site: Path,
    plan: StripPlan,
    distributions: Sequence[Distribution],
    dynamic_modules: Iterable[str],
) -> Groups:
    """What to try of each distribution that `plan` changes or that has a dynamic module.

    Its outermost packages come first; then `dynamic_modules`, which import what no analysis can
    follow; then the shared libraries that have become smaller.
    """
    tried = _entrances(site, plan, distributions)
    owners = Owners(distributions)
    for module in sorted(dynamic_modules):
        if path := _file_of(site, module):
            tried.setdefault(owners.owner(path), []).append(importing(module))
    for path, owner in _shrunk_libraries(plan):
        tried[owner].append(loading(path, site / path))
    return {name: tuple(dict.fromkeys(tried[name])) for name in sorted(tried) if tried[name]}


def affected(groups: Groups, trials: Set[Trial]) -> Groups:
    """The groups that `trials` are in. What one does can depend on those before it."""
    return {name: group for name, group in groups.items() if not trials.isdisjoint(group)}


def answers(groups: Groups, interpreter: AppInterpreter) -> dict[Trial, TrialResult]:
    """How the trials went, in a fresh process for each group: UNREACHED where that is not known.

    A failure outweighs a success.
    """
    # The largest first: started last, it would run alone.
    ordered = sorted(groups, key=lambda name: (-len(groups[name]), name))
    with ThreadPoolExecutor(min(os.cpu_count() or 1, _MOST_AT_ONCE)) as pool:
        found = pool.map(lambda name: interpreter.answers(groups[name]), ordered)
        pairs = [
            (trial, of_group.get(trial, UNREACHED))
            for name, of_group in zip(ordered, found, strict=True)
            for trial in groups[name]
        ]
    return dict(sorted(pairs, key=lambda pair: (not pair[1].ok, pair[0].name)))


def failures(found: Mapping[Trial, TrialResult]) -> dict[Trial, TrialResult]:
    """Those that did not go well."""
    return {trial: answer for trial, answer in found.items() if not answer.ok}


def regressions(
    after: Mapping[Trial, TrialResult], before: Mapping[Trial, TrialResult]
) -> dict[Trial, TrialResult]:
    """Those of `after` that fail, and went well before.

    A timeout is no regression if it took more than half as long before.
    """
    return {
        trial: answer
        for trial, answer in failures(after).items()
        if (was := before.get(trial))
        and was.ok
        and not (answer.timed_out and 2 * was.seconds > answer.seconds)
    }


def _entrances(
    site: Path, plan: StripPlan, distributions: Sequence[Distribution]
) -> dict[str, list[Trial]]:
    """The imports of the outermost packages of each distribution that changes.

    All of them: a library beside the packages (numpy.libs) is used by any.
    """
    paths: dict[str, set[str]] = {owner: set() for _, owner in plan.owners()}
    for distribution in distributions:
        if distribution.name in paths:
            paths[distribution.name] |= distribution.files
    for path, owner in plan.owners():
        paths[owner].add(path)
    gone = {removal.path for removal in plan.removals}
    return {
        name: [importing(package) for package in _packages(site, paths[name], gone)]
        for name in sorted(paths)
    }


def _packages(site: Path, paths: Iterable[str], gone: Set[str]) -> list[str]:
    """The outermost packages that stay, or else the modules that lie beside the packages."""
    one_each = {path.rpartition("/")[0]: path for path in paths}
    packages = {package_to_import(site, path) for path in one_each.values()}
    stay = {p for p in packages if p and f"{p.replace('.', '/')}/__init__.py" not in gone}
    modules = (path for path in paths if _is_module(path) and path not in gone)
    return sorted(stay or (path[:-3] for path in modules if (site / path).is_file()))


def _is_module(path: str) -> bool:
    """Whether `path` is a module at the top level, which no package is around."""
    return path.endswith(".py") and path[:-3].isidentifier()


def _shrunk_libraries(plan: StripPlan) -> list[tuple[str, str]]:
    """The shared libraries that become smaller, with their distributions.

    A program can't be loaded; its name seldom says .so.
    """
    gone = {removal.path for removal in plan.removals}
    return [
        (path, owner)
        for path, owner in sorted(plan.owners())
        if path not in gone and ".so" in path.rpartition("/")[2]
    ]


def _file_of(site: Path, module: str) -> str | None:
    """A file that `module` is in, relative to site-packages."""
    path = module.replace(".", "/")
    return next((p for p in (f"{path}.py", f"{path}/__init__.py") if (site / p).exists()), None)


def package_to_import(root: Path, path: str) -> str | None:
    """The outermost regular package that `path` is in; None when there is none."""
    parts = path.split("/")[:-1]
    for depth in range(1, len(parts) + 1):
        directory = parts[:depth]
        if not all(part.isidentifier() for part in directory):
            return None
        if root.joinpath(*directory, "__init__.py").is_file():
            return ".".join(directory)
    return None

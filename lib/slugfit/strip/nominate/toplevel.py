"""What the top level of site-packages tells: which directories are strays, and which are tools."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Set

from slugfit.distributions import Distribution, installed, source_of
from slugfit.strip.nominate.contents import is_elf
from slugfit.strip.tree import Tree

_NOT_A_PACKAGE = re.compile(r"\.\.$|.*\.(?:dist-info|egg-info|libs|data|pth)$|__pycache__$")


def strays(tree: Tree, names: Set[str]) -> frozenset[str]:
    """The top-level directories with one of `names` that careless wheels left there.

    Their distributions, known by RECORD, have another package: a top-level `docs` that is
    all there is of a distribution, or that no distribution lists, is somebody's product.
    """
    found = names & {_top(path) for path in tree.files if "/" in path}
    distributions = installed(tree.root) if found else ()
    return frozenset(top for top in found if _is_stray(tree, top, names, distributions))


def tools(tree: Tree) -> frozenset[str]:
    """The top-level directories with a program, but without a shared library or a module.

    Compilers and build systems come so; what they read, only they know.
    """
    with_libraries = {_top(path) for path in tree.files if ".so" in path.rpartition("/")[2]}
    return frozenset(
        _top(path)
        for path in tree.files
        if _may_be_program(path) and _top(path) not in with_libraries and is_elf(tree.root / path)
    )


def _is_stray(tree: Tree, top: str, names: Set[str], distributions: Iterable[Distribution]) -> bool:
    inside = {path for path in tree.files if path.startswith(f"{top}/") and not source_of(path)}
    owners = [d for d in distributions if not inside.isdisjoint(d.files)]
    listed: set[str] = set().union(*(owner.files for owner in owners))
    return inside <= listed and all(_has_another_package(owner, top, names) for owner in owners)


def _has_another_package(distribution: Distribution, top: str, names: Set[str]) -> bool:
    """Whether `distribution` has a package or module with a name of its own."""
    return distribution.name.lower() != top and any(
        package not in names for package in _packages(distribution.files)
    )


def _packages(files: Iterable[str]) -> Iterator[str]:
    for file in files:
        top = _top(file)
        if file.endswith((".py", ".so")) and not _NOT_A_PACKAGE.match(top):
            yield top


def _may_be_program(path: str) -> bool:
    top, _, inner = path.partition("/")
    name = inner.rpartition("/")[2]
    return bool(name) and "." not in name and not top.endswith("-info")


def _top(path: str) -> str:
    return path.partition("/")[0]

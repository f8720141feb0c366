"""The top level of site-packages: which directories are strays, and which are tools."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Set

from slugfit.packages.distributions import Distribution, source_of
from slugfit.strip.candidates.listing import Listing

_NOT_A_PACKAGE = re.compile(r"\.\.$|.*\.(?:dist-info|egg-info|libs|data|pth)$|__pycache__$")


def strays(listing: Listing, names: Set[str]) -> frozenset[str]:
    """The top-level directories with one of `names` that careless wheels left there.

    Their distributions, known by RECORD, have another package: a top-level `docs` that is
    all there is of a distribution, or that no distribution lists, may be the product.
    """
    found = names & {_top(path) for path in listing.files if "/" in path}
    return frozenset(top for top in found if _is_stray(listing, top, names))


def tools(listing: Listing) -> frozenset[str]:
    """The top-level directories with a program, but without a shared library or a module.

    Compilers and build systems are packaged so; only they know what they read.
    """
    with_libraries = {_top(path) for path in listing.files if ".so" in path.rpartition("/")[2]}
    return frozenset(
        _top(path)
        for path in listing.files
        if _may_be_program(path)
        and _top(path) not in with_libraries
        and listing.is_kind(path, "ELF file")
    )


def _is_stray(listing: Listing, top: str, names: Set[str]) -> bool:
    inside = {path for path in listing.files if path.startswith(f"{top}/") and not source_of(path)}
    owners = [d for d in listing.distributions if not inside.isdisjoint(d.files)]
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

"""The items of a slug, and the files of each."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from slugfit.base.files import directories_above
from slugfit.base.heroku import BUILDPACK_DIRECTORIES, PYTHON_HOME
from slugfit.packages.distributions import Owners, installed

Kind = Literal["app", "python", "distribution", "model", "buildpack"]

OWN_DIRECTORY = ".slugfit"


@dataclass(frozen=True)
class Item:
    """Something with a size of its own. `version` is "" unless it is a distribution."""

    kind: Kind
    name: str
    version: str = ""


def items(app: Path, site: Path | None, models: Iterable[str]) -> dict[Item, list[str]]:
    """The slug's files by item, sorted and relative to `app`. `models` are paths, too.

    Slugfit's own directory is left out: during a build, it holds removed files.
    """
    classify = _Classifier(app, site, models)
    found: dict[Item, list[str]] = {}
    for path in sorted(_walk(app)):
        found.setdefault(classify.item(path), []).append(path)
    return found


class DistributionLookup:
    """Maps paths in site-packages to distributions, including their metadata."""

    def __init__(self, site: Path | None) -> None:
        distributions = installed(site) if site else ()
        self._owners = Owners(distributions)
        self._versions = {d.name: d.version for d in distributions}
        self._info = {d.info: d.name for d in distributions}

    def item(self, path: str) -> Item:
        name = self._info.get(path.partition("/")[0]) or self._owners.owner(path)
        return Item("distribution", name, self._versions.get(name, ""))


class _Classifier:
    def __init__(self, app: Path, site: Path | None, models: Iterable[str]) -> None:
        self._models = frozenset(map(os.path.normpath, models))
        self._site = f"{site.relative_to(app).as_posix()}/" if site else None
        self._packages = DistributionLookup(site)

    def item(self, path: str) -> Item:
        for model in (path, *directories_above(path)):
            if model in self._models:
                return Item("model", model)
        if self._site and path.startswith(self._site):
            return self._packages.item(path.removeprefix(self._site))
        if path.startswith(f"{PYTHON_HOME}/"):
            return Item("python", "Python")
        if path.startswith(BUILDPACK_DIRECTORIES):
            return Item("buildpack", "other buildpacks")
        return Item("app", "the app's own files")


def _walk(app: Path) -> Iterator[str]:
    """Files and symbolic links, as in a tar."""
    for directory, subdirectories, names in os.walk(app):
        relative = os.path.relpath(directory, app)
        prefix = "" if relative == "." else f"{relative}/"
        if not prefix and OWN_DIRECTORY in subdirectories:
            subdirectories.remove(OWN_DIRECTORY)
        links = [s for s in subdirectories if os.path.islink(os.path.join(directory, s))]
        yield from (f"{prefix}{name}" for name in (*names, *links))

"""Puts together all that there is to tell of a slug, from its files and what they weigh."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from slugfit.settings.model import Settings
from slugfit.slug.categories import split
from slugfit.slug.contents import Slug
from slugfit.slug.history import History, history
from slugfit.slug.requirements.requirers import Graph
from slugfit.slug.smaller.savings import Saving, savings
from slugfit.slug.smaller.situation import situation_of
from slugfit.slug.tree import Item
from slugfit.slug.weighing.compress import Weight


@dataclass(frozen=True)
class Account:
    """A slug, what has changed since the last build (None: there was none), what would save."""

    slug: Slug
    since: History | None = None
    savings: tuple[Saving, ...] = ()


def slug_of(
    root: Path,
    paths: Mapping[Item, Sequence[str]],
    weights: Mapping[Item, Weight],
    removed: Weight,
    graph: Graph,
) -> Slug:
    """The slug whose items have these files, relative to `root`, and these weights."""
    sized = {
        item: [(path, _size(f"{root}/{path}")) for path in some] for item, some in paths.items()
    }
    return Slug(
        items=dict(weights),
        removed=removed,
        parts={item: split(item, weights[item], files) for item, files in sized.items()},
        graph=graph,
        files=sum(map(len, sized.values())),
    )


def account_of(app: Path, site: Path, slug: Slug, settings: Settings, last: Path) -> Account:
    """What is to be told of the slug of `app`. `last` is the report.json of the build before."""
    found = savings(slug, situation_of(app, site, slug, settings))
    return Account(slug, history(slug, last), found)


def _size(file: str) -> int:
    status = os.lstat(file)
    return status.st_size if stat.S_ISREG(status.st_mode) else 0

"""Everything to report about a slug, from its files and their weights."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from slugfit.audit.app_context import app_context_of
from slugfit.audit.savings import savings
from slugfit.packages.graph import Graph
from slugfit.settings.model import Settings
from slugfit.slug.budget import Saving
from slugfit.slug.categories import split
from slugfit.slug.contents import Slug
from slugfit.slug.history import History, history
from slugfit.slug.items import Item
from slugfit.slug.weigh.archive_spec import ArchiveSpec
from slugfit.slug.weigh.compress import Weight
from slugfit.slug.weigh.weigher import Weigher
from slugfit.strip.strip_plan import StripPlan


@dataclass(frozen=True)
class Measurement:
    """A slug, its changes since the last build (None when there was none), and savings."""

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
    """The slug with these files by item, relative to `root`, and these weights."""
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


def measure(app: Path, site: Path, slug: Slug, settings: Settings, last: Path) -> Measurement:
    """The measurement of the slug of `app`. `last` is the report.json of the previous build."""
    found = savings(slug, app_context_of(app, site, slug, settings))
    return Measurement(slug, history(slug, last), found)


def weigh_removed(plan: StripPlan, aside: Path, weigher: Weigher) -> Weight:
    """The weight of what a strip has removed. `aside` has the original files."""
    spec = ArchiveSpec(
        aside,
        (*(removal.path for removal in plan.removals), *(link.path for link in plan.linkings)),
        tuple((s.path, r.offset, r.size) for s in plan.shrinkings for r in s.shrink.dead),
    )
    # Zeroed sections still count unpacked; only truncated ends do not.
    truncated = ((s.path, s.shrink.end) for s in plan.shrinkings if s.shrink.end is not None)
    truncated_bytes = sum((aside / path).lstat().st_size - end for path, end in truncated)
    return weigher.weigh({"removed": spec})["removed"] + Weight(raw=truncated_bytes)


def _size(file: str) -> int:
    status = os.lstat(file)
    return status.st_size if stat.S_ISREG(status.st_mode) else 0

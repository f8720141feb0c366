"""What to report about a directory: a built app, or packages without a report."""

from __future__ import annotations

import platform
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from slugfit.base.changes import Changes
from slugfit.base.heroku import site_packages
from slugfit.packages.graph import Graph, graph_of
from slugfit.report.built import REPORT, read_report
from slugfit.report.document import SCHEMA_VERSION, slug_from_json
from slugfit.report.page import page
from slugfit.report.page.page_data import page_data
from slugfit.settings.model import BudgetSettings
from slugfit.slug.budget import Saving
from slugfit.slug.contents import Slug
from slugfit.slug.items import Item, items
from slugfit.slug.outline import SlugRoot, files_by_distribution, outline, stripped_estimate
from slugfit.slug.weigh.archive_spec import ArchiveSpec
from slugfit.slug.weigh.compress import Weight
from slugfit.slug.weigh.weigher import Weigher
from slugfit.strip.category_reasons import reasons
from slugfit.strip.journal import JOURNAL, Journal, read_journal

_WEIGHTS = "report/weights.json"


@dataclass(frozen=True)
class ReportSource:
    """A directory, its report.json document (or the like), and its files by item."""

    root: SlugRoot
    document: dict[str, Any]
    paths: Mapping[Item, Sequence[str]]

    @property
    def slug(self) -> Slug:
        return slug_from_json(self.document)

    @property
    def savings(self) -> tuple[Saving, ...]:
        """The savings that the build has found."""
        return tuple(Saving(**saving) for saving in self.document["slug"].get("savings", ()))

    @property
    def budget(self) -> BudgetSettings:
        slug = self.document["slug"]
        return BudgetSettings(slug["limit_bytes"], slug["warn_bytes"])

    def page(self) -> bytes:
        """The HTML page. The same directory gives the same bytes."""
        slug = self.slug
        files = outline(self.root, self.paths, slug.items, slug.removed.compressed)
        return page(page_data(self.root.directory.name, self.document, files))


def open_report(directory: Path, cache: Path) -> ReportSource:
    """Read or measure `directory`. `cache` is that of weights.

    Raises NotBuilt, ReportDamaged, JournalDamaged.
    """
    directory = directory.resolve()
    if not (directory / REPORT).exists() and any(directory.glob("*.dist-info")):
        return _packages(directory, cache)
    return _built(directory)


def _built(app: Path) -> ReportSource:
    document = read_report(app)
    site = next(iter(sorted(app.glob(site_packages()))), None)
    models = [model["path"] for model in document["models"]]
    return ReportSource(_slug_root(app, site), document, items(app, site, models))


def _packages(site: Path, cache: Path) -> ReportSource:
    """Measure packages that no build has measured."""
    root, paths = _slug_root(site, site), files_by_distribution(site)
    weigher, changes = Weigher(cache / _WEIGHTS), Changes(cache, cache / "removed")
    weights = weigher.weigh({item: ArchiveSpec(site, tuple(some)) for item, some in paths.items()})
    weigher.save(changes)
    changes.keep()
    graph = graph_of(site, None, _python_version(site))
    document = _document(weights, root.journal, graph)
    document["slug"]["files"] = sum(map(len, paths.values()))
    return ReportSource(root, document, paths)


def _slug_root(directory: Path, site: Path | None) -> SlugRoot:
    file = directory / JOURNAL
    return SlugRoot(
        directory, site, read_journal(file) if file.exists() else Journal(""), reasons()
    )


def _python_version(site: Path) -> str:
    """The version in the path of site-packages, or else the helper's own."""
    match = re.fullmatch(r"python(3\.\d+)", site.parent.name)
    return match[1] if match else platform.python_version()


def _document(weights: Mapping[Item, Weight], journal: Journal, graph: Graph) -> dict[str, Any]:
    now = sum(weights.values(), start=Weight())
    stripped = Weight(
        sum(journal.gone.values()) + sum(journal.shrunk.values()), stripped_estimate(journal)
    )
    budget = BudgetSettings()
    ordered = sorted(weights.items(), key=lambda pair: (-pair[1].compressed, pair[0].name))
    return {
        "schema_version": SCHEMA_VERSION,
        "models": [],
        "slug": {
            **_sizes(now),
            "before_strip": _sizes(now + stripped),
            "limit_bytes": budget.limit,
            "warn_bytes": budget.warn,
            "items": [
                {**asdict(item), **_sizes(weight), "required_by": list(graph.chain(item.name))}
                for item, weight in ordered
            ],
        },
    }


def _sizes(weight: Weight) -> dict[str, int]:
    return {"compressed_bytes": weight.compressed, "raw_bytes": weight.raw}

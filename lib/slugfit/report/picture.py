"""What a directory has to tell of its slug: a built app, or packages that nobody has measured."""

from __future__ import annotations

import platform
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from slugfit.files import Changes
from slugfit.report.built import REPORT, read_report
from slugfit.report.document import SCHEMA_VERSION, slug_told
from slugfit.report.page import page
from slugfit.report.page.data import told
from slugfit.settings.model import BudgetSettings
from slugfit.slug.contents import Slug
from slugfit.slug.outline import Ground, gone_estimate, outline, packages_in
from slugfit.slug.requirements.requirers import Graph, graph_of
from slugfit.slug.smaller.savings import Saving
from slugfit.slug.tree import Item, items
from slugfit.slug.weighing.compress import Weight
from slugfit.slug.weighing.load import Load
from slugfit.slug.weighing.memory import Scales
from slugfit.strip.journal import JOURNAL, Journal, read_journal
from slugfit.strip.reasons import reasons

_SITE = ".heroku/python/lib/python3.*/site-packages"
_WEIGHTS = "report/weights.json"


@dataclass(frozen=True)
class Sight:
    """What there is in a directory: a report's document, and the files it tells of."""

    root: Path
    document: dict[str, Any]
    ground: Ground
    paths: Mapping[Item, Sequence[str]]

    @property
    def slug(self) -> Slug:
        return slug_told(self.document)

    @property
    def savings(self) -> tuple[Saving, ...]:
        """What would make it smaller, as the build has found."""
        return tuple(Saving(**saving) for saving in self.document["slug"].get("savings", ()))

    @property
    def budget(self) -> BudgetSettings:
        told = self.document["slug"]
        return BudgetSettings(told["limit_bytes"], told["warn_bytes"])

    def page(self) -> bytes:
        """The picture. The same directory gives the same bytes."""
        slug = self.slug
        files = outline(self.ground, self.paths, slug.items, slug.removed.compressed)
        return page(told(self.root.name, self.document, files))


def look_at(directory: Path, cache: Path) -> Sight:
    """What is there; `cache` remembers weights. Raises NotBuilt, ReportDamaged, JournalDamaged."""
    root = directory.resolve()
    if not (root / REPORT).exists() and any(root.glob("*.dist-info")):
        return _packages(root, cache)
    return _built(root)


def _built(app: Path) -> Sight:
    document = read_report(app)
    site = next(iter(sorted(app.glob(_SITE))), None)
    models = [model["path"] for model in document["models"]]
    return Sight(app, document, _ground(app, site), items(app, site, models))


def _packages(site: Path, cache: Path) -> Sight:
    """Measured here and now: outside a build, nobody has done it before."""
    ground, paths = _ground(site, site), packages_in(site)
    scales, changes = Scales(cache / _WEIGHTS), Changes(cache, cache / "removed")
    weights = scales.weigh({item: Load(site, tuple(some)) for item, some in paths.items()})
    scales.remember(changes)
    changes.keep()
    graph = graph_of(site, None, _python_version(site))
    document = _document(weights, ground.journal, graph)
    document["slug"]["files"] = sum(map(len, paths.values()))
    return Sight(site, document, ground, paths)


def _ground(root: Path, site: Path | None) -> Ground:
    journal = read_journal(root / JOURNAL) if (root / JOURNAL).exists() else Journal("")
    return Ground(root, site, journal, reasons())


def _python_version(site: Path) -> str:
    """Of the Python that site-packages are for, as their path tells it; else the helper's own."""
    match = re.fullmatch(r"python(3\.\d+)", site.parent.name)
    return match[1] if match else platform.python_version()


def _document(weights: Mapping[Item, Weight], journal: Journal, graph: Graph) -> dict[str, Any]:
    now = sum(weights.values(), start=Weight())
    gone = Weight(sum(journal.gone.values()) + sum(journal.shrunk.values()), gone_estimate(journal))
    budget = BudgetSettings()
    ordered = sorted(weights.items(), key=lambda pair: (-pair[1].compressed, pair[0].name))
    return {
        "schema_version": SCHEMA_VERSION,
        "models": [],
        "slug": {
            **_sizes(now),
            "before_strip": _sizes(now + gone),
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

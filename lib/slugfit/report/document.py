"""report.json: the whole build as data. Raise SCHEMA_VERSION when a key changes its meaning."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from slugfit import VERSION
from slugfit.models.prepare import PreparedModel
from slugfit.packages.graph import Graph
from slugfit.report.model_entries import model_to_json
from slugfit.settings.model import Settings
from slugfit.slug.boot import BYTES_PER_SECOND, boot_of
from slugfit.slug.budget import Saving
from slugfit.slug.categories import Category
from slugfit.slug.contents import Slug
from slugfit.slug.history import History
from slugfit.slug.items import Item
from slugfit.slug.weigh.compress import Weight
from slugfit.strip import Stripped
from slugfit.strip.strip_plan import Change

SCHEMA_VERSION = 3


@dataclass(frozen=True)
class BuildFacts:
    """Everything to report about a finished build. `durations` are seconds by step.

    `since` is how the slug differs from the last one, None when there was none.
    """

    settings: Settings
    python: str
    stack: str
    models: tuple[PreparedModel, ...]
    stripped: Stripped
    slug: Slug
    durations: dict[str, float]
    since: History | None = None
    savings: tuple[Saving, ...] = ()


def document(facts: BuildFacts) -> dict[str, Any]:
    """The content of report.json. Sizes are bytes, durations seconds."""
    return {
        "schema_version": SCHEMA_VERSION,
        "slugfit_version": VERSION,
        "python_version": facts.python,
        "stack": facts.stack,
        "models": [model_to_json(model) for model in facts.models],
        "strip": _strip(facts.settings.strip.level, facts.stripped),
        "slug": _slug(facts),
        "durations": {step: round(seconds, 3) for step, seconds in facts.durations.items()},
    }


def flat_record(facts: BuildFacts) -> dict[str, str | int | float | bool]:
    """The output of bin/report: one flat object."""
    outcomes = {model.fetched.outcome for model in facts.models} - {"linked"}
    weight = facts.slug.weight
    return {
        "slugfit_version": VERSION,
        "python_version": facts.python,
        "strip_level": facts.settings.strip.level,
        "models": len(facts.models),
        "model_bytes": sum(model.bytes for model in facts.models),
        "cache_status": "miss" if "fetched" in outcomes else "hit" if outcomes else "unused",
        "removed_files": len(facts.stripped.done.removals),
        "removed_bytes": sum(removal.bytes for removal in facts.stripped.done.removals),
        "shrunk_bytes": sum(s.bytes for s in facts.stripped.done.shrinkings),
        "restored_packages": len(facts.stripped.restored),
        "slug_compressed_bytes": weight.compressed,
        "slug_raw_bytes": weight.raw,
        "over_warning_level": weight.compressed > facts.settings.budget.warn,
        **{f"{step}_duration": round(seconds, 3) for step, seconds in facts.durations.items()},
    }


def _strip(level: str, stripped: Stripped) -> dict[str, Any]:
    done = stripped.done
    return {
        "level": level,
        "removed_files": len(done.removals),
        "removed_bytes": sum(removal.bytes for removal in done.removals),
        "shrunk_files": len(done.shrinkings),
        "shrunk_bytes": sum(shrinking.bytes for shrinking in done.shrinkings),
        "linked_files": len(done.linkings),
        "linked_bytes": sum(linking.bytes for linking in done.linkings),
        "by_category": tally((r.category, r) for r in done.removals),
        "by_distribution": tally((r.distribution, r) for r in done.removals),
        "imported": list(stripped.checked),
        "started": list(stripped.started),
        "restored": [asdict(restored) for restored in stripped.restored],
    }


def _slug(facts: BuildFacts) -> dict[str, Any]:
    slug = facts.slug
    return {
        **_sizes(slug.weight),
        "files": slug.files,
        "before_strip": _sizes(slug.before),
        "limit_bytes": facts.settings.budget.limit,
        "warn_bytes": facts.settings.budget.warn,
        "items": [_item(item, weight, slug) for item, weight in slug.biggest(len(slug.items))],
        "categories": _categories(slug.categories),
        "changes": _changes(facts.since),
        "savings": [asdict(saving) for saving in facts.savings],
        "boot": _boot(slug),
    }


def _sizes(weight: Weight) -> dict[str, int]:
    return {"compressed_bytes": weight.compressed, "raw_bytes": weight.raw}


def _item(item: Item, weight: Weight, slug: Slug) -> dict[str, Any]:
    return {
        **asdict(item),
        **_sizes(weight),
        "required_by": list(slug.chain(item)),
        "categories": _categories(slug.parts.get(item, {})),
    }


def _categories(parts: Mapping[Category, Weight]) -> list[dict[str, Any]]:
    return [{"name": name, **_sizes(weight)} for name, weight in parts.items()]


def _changes(since: History | None) -> dict[str, Any] | None:
    """None when there was no previous build."""
    if since is None:
        return None
    return {"bytes": since.bytes, "items": [asdict(d) for d in since.differences]}


def _boot(slug: Slug) -> dict[str, Any]:
    boot = boot_of(slug)
    return {
        "download_seconds": round(boot.download, 1),
        "unpack_seconds": round(boot.unpack, 1),
        "bytes_per_second": BYTES_PER_SECOND,
    }


def slug_from_json(document: Mapping[str, Any]) -> Slug:
    """The slug in a report.json document of this schema or the one before.

    Raises KeyError, TypeError, ValueError and AttributeError for other documents.
    """
    data = document["slug"]
    weights = {Item(i["kind"], i["name"], i["version"]): i for i in data["items"]}
    now, before = _weight(data), _weight(data["before_strip"])
    parts = {item: _parts(i.get("categories", ())) for item, i in weights.items()}
    chains = {item.name: i.get("required_by", ()) for item, i in weights.items()}
    return Slug(
        items={item: _weight(i) for item, i in weights.items()},
        removed=Weight(before.raw - now.raw, before.compressed - now.compressed),
        parts={item: split for item, split in parts.items() if split},
        graph=Graph.of_chains({name: chain for name, chain in chains.items() if chain}),
        files=data.get("files", 0),
    )


def _weight(data: Mapping[str, Any]) -> Weight:
    return Weight(int(data["raw_bytes"]), int(data["compressed_bytes"]))


def _parts(data: Iterable[Mapping[str, Any]]) -> dict[Category, Weight]:
    return {part["name"]: _weight(part) for part in data}


def tally(keyed: Iterable[tuple[str, Change]]) -> list[dict[str, Any]]:
    """The number of files and bytes by key, most bytes first."""
    sums: dict[str, list[int]] = {}
    for key, change in keyed:
        entry = sums.setdefault(key, [0, 0])
        entry[0] += 1
        entry[1] += change.bytes
    ordered = sorted(sums.items(), key=lambda pair: (-pair[1][1], pair[0]))
    return [{"name": key, "files": files, "bytes": size} for key, (files, size) in ordered]

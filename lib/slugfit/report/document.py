"""report.json: the whole build as data. Raise SCHEMA_VERSION when a key changes its meaning."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from slugfit import VERSION
from slugfit.models.fetch import FetchedModel
from slugfit.settings.model import Settings
from slugfit.slug.budget import Slug
from slugfit.strip import Stripped
from slugfit.strip.plan import Change

SCHEMA_VERSION = 2


@dataclass(frozen=True)
class BuildFacts:
    """Everything that a finished build knows of itself. `durations` are seconds by step."""

    settings: Settings
    python: str
    stack: str
    models: tuple[FetchedModel, ...]
    stripped: Stripped
    slug: Slug
    durations: dict[str, float]


def document(facts: BuildFacts) -> dict[str, Any]:
    """The content of report.json. Sizes are bytes, durations seconds."""
    return {
        "schema_version": SCHEMA_VERSION,
        "slugfit_version": VERSION,
        "python_version": facts.python,
        "stack": facts.stack,
        "models": [asdict(model) for model in facts.models],
        "strip": _strip(facts.settings.strip.level, facts.stripped),
        "slug": _slug(facts),
        "durations": {step: round(seconds, 3) for step, seconds in facts.durations.items()},
    }


def flat_record(facts: BuildFacts) -> dict[str, str | int | float | bool]:
    """The answer of bin/report: one flat object."""
    outcomes = {model.outcome for model in facts.models} - {"linked"}
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
    weight, before = facts.slug.weight, facts.slug.before
    return {
        "compressed_bytes": weight.compressed,
        "raw_bytes": weight.raw,
        "before_strip": {"compressed_bytes": before.compressed, "raw_bytes": before.raw},
        "limit_bytes": facts.settings.budget.limit,
        "warn_bytes": facts.settings.budget.warn,
        "items": [
            asdict(item) | {"compressed_bytes": w.compressed, "raw_bytes": w.raw}
            for item, w in facts.slug.biggest(len(facts.slug.items))
        ],
    }


def tally(keyed: Iterable[tuple[str, Change]]) -> list[dict[str, Any]]:
    """Files and bytes by key, most bytes first."""
    sums: dict[str, list[int]] = {}
    for key, change in keyed:
        entry = sums.setdefault(key, [0, 0])
        entry[0] += 1
        entry[1] += change.bytes
    ordered = sorted(sums.items(), key=lambda pair: (-pair[1][1], pair[0]))
    return [{"name": key, "files": files, "bytes": size} for key, (files, size) in ordered]

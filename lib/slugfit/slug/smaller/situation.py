"""What the app, its settings and its packages have to do with what would make the slug smaller."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from slugfit.distributions import Distribution, Owners, installed
from slugfit.settings.model import Settings
from slugfit.slug.contents import Slug
from slugfit.slug.smaller.managers import manager_of
from slugfit.slug.smaller.savings import Situation
from slugfit.slug.smaller.usage import silent_requirements, usage_of
from slugfit.strip.nominate import curated
from slugfit.strip.tree import read_tree


def situation_of(app: Path, site: Path, slug: Slug, settings: Settings) -> Situation:
    """What `savings` has to know beside the slug of `app` as it was measured."""
    usage, distributions = usage_of(app), installed(site)
    going = curated.nominate(read_tree(site)) if settings.strip.level == "safe" else {}
    models = (m for m in settings.models if m.convert and m.convert.quantize != "none")
    return Situation(
        strip=settings.strip,
        manager=manager_of(app),
        silent=silent_requirements(site, distributions, slug.graph, usage),
        spoken=frozenset(map(str.lower, usage.words_without_tests)),
        curated=_weigh(going, site, distributions, slug),
        quantized=frozenset(model.path for model in models),
    )


def _weigh(
    paths: Iterable[str], site: Path, distributions: Iterable[Distribution], slug: Slug
) -> int:
    """About what the files at `paths` weigh: each as its distribution does."""
    owner = Owners(distributions).owner
    ratios = {item.name: w.compressed / w.raw for item, w in slug.items.items() if w.raw}
    sized = ((path, os.lstat(f"{site}/{path}").st_size) for path in paths)
    return round(sum(size * ratios.get(owner(path), 0.0) for path, size in sized))

"""What proposals need to know of an app, its settings and its packages."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from slugfit.app.package_manager import manager_of
from slugfit.audit.proposals import AppContext
from slugfit.audit.usage import unmentioned_requirements, usage_of
from slugfit.packages.distributions import Distribution, Owners, installed
from slugfit.settings.model import Settings
from slugfit.slug.contents import Slug
from slugfit.strip.candidates import max_level
from slugfit.strip.site_tree import read_tree


def app_context_of(app: Path, site: Path, slug: Slug, settings: Settings) -> AppContext:
    """What `savings` needs besides the measured slug of `app`."""
    usage, distributions = usage_of(app), installed(site)
    removed = max_level.candidates(read_tree(site)) if settings.strip.level == "safe" else {}
    models = (m for m in settings.models if m.convert and m.convert.quantize != "none")
    return AppContext(
        strip=settings.strip,
        manager=manager_of(app),
        unmentioned=unmentioned_requirements(site, distributions, slug.graph, usage),
        mentioned=frozenset(map(str.lower, usage.words_without_tests)),
        max_level_bytes=_weigh(removed, site, distributions, slug),
        quantized=frozenset(model.path for model in models),
    )


def _weigh(
    paths: Iterable[str], site: Path, distributions: Iterable[Distribution], slug: Slug
) -> int:
    """About the compressed bytes of `paths`, each at the ratio of its distribution."""
    owner = Owners(distributions).owner
    ratios = {item.name: w.compressed / w.raw for item, w in slug.items.items() if w.raw}
    sized = ((path, os.lstat(f"{site}/{path}").st_size) for path in paths)
    return round(sum(size * ratios.get(owner(path), 0.0) for path, size in sized))

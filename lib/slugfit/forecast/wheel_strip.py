"""What a strip will remove from wheels: what its own rules select, less what the app asks for.

The proofs that need a file's content are left to a build. What they keep is little, and is in
the factors that were fitted to stripped packages.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name

from slugfit.base.globs import matcher
from slugfit.base.toml import loads
from slugfit.forecast.start_imports import Start
from slugfit.forecast.wheel_listing import WheelListing
from slugfit.packages.distributions import Distribution
from slugfit.settings.model import StripSettings
from slugfit.strip.candidates import max_level, services
from slugfit.strip.candidates.selection import REQUESTED, select_candidates


def taken(listing: WheelListing, settings: StripSettings, start: Start) -> frozenset[str]:
    """The paths that a strip removes from `listing`, for an app that starts so."""
    if settings.level == "off":
        return frozenset()
    candidates = select_candidates(listing, settings)
    requested = {path for path, category in candidates.items() if category == REQUESTED}
    known, is_kept = dict(_known(listing)), matcher(settings.keep)
    removed = {path for path, is_taken in known.items() if is_taken and not is_kept(path)}
    kept = {path for path, is_taken in known.items() if not is_taken}
    asked = {*services.named(candidates, start.texts), *_imported(listing, candidates, start)}
    return frozenset((candidates.keys() | removed) - (kept | asked) | requested)


def _imported(listing: WheelListing, candidates: Mapping[str, str], start: Start) -> Iterator[str]:
    """What level "max" keeps, since the app or a known package imports it."""
    known = (table["modules"] for table, _ in _tables("imports", listing))
    all_ = replace(start, modules=start.modules.union(*known))
    for line in max_level.applicable(listing.distributions):
        if all_.imports(line.unless_imported):
            yield from max_level.removed_by(line, candidates)


def _known(listing: WheelListing) -> Iterator[tuple[str, bool]]:
    """The paths that known.toml is about, each with whether a strip removes it."""
    for table, distribution in _tables("files", listing):
        yield from (
            (p, table["removed"]) for p in filter(matcher(table["paths"]), distribution.files)
        )


def _tables(key: str, listing: WheelListing) -> Iterator[tuple[Mapping[str, Any], Distribution]]:
    """The tables of known.toml that hold, each with the distribution that it is about."""
    for table in _document()[key]:
        is_about = matcher([table["distribution"]])
        for distribution in listing.distributions:
            if is_about(canonicalize_name(distribution.name)):
                yield table, distribution


@cache
def _document() -> Mapping[str, Any]:
    return loads(Path(__file__).with_name("known.toml").read_text(encoding="utf-8"))

"""Decides what may be removed: first for site-packages alone, then for the app.

The decisions for site-packages hold as long as these are the same, and are cached; the app is
examined in every build.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from slugfit.base.globs import matcher
from slugfit.packages.distributions import Owners
from slugfit.settings.model import StripSettings
from slugfit.strip import reachability
from slugfit.strip.candidates import max_level, services
from slugfit.strip.candidates.selection import (
    BYTECODE,
    REQUESTED,
    apart,
    orphaned_bytecode,
    select_candidates,
)
from slugfit.strip.native import duplicates, orphans, programs
from slugfit.strip.native.elf import Shrink, shrink
from slugfit.strip.site_tree import SiteTree, SourceFile
from slugfit.strip.strip_plan import Linking, Removal, Shrinking, StripPlan

Prover = Callable[[SiteTree, Mapping[str, str], Sequence[SourceFile]], Mapping[str, str]]

# Each with whether it relies on names. Libraries come last: what the others keep links to them.
_OF_BOTH: tuple[tuple[Prover, bool], ...] = (
    (max_level.keep, False),
    (reachability.keep, True),
    (services.keep, False),
)
_OF_SITE = (*_OF_BOTH, (programs.keep, True), (orphans.keep, True))
_OF_APP = (*_OF_BOTH, (orphans.named, True))
_WORTH_A_COPY = 4096  # bytes of zeros that justify a new file


@dataclass(frozen=True)
class Decisions:
    """What may be removed as far as the code in site-packages is concerned.

    `going` is path → category, `kept` path → what keeps it, of candidates; `links` path → a file
    of the same content; `dynamic_modules` are those whose imports no analysis can follow;
    `hashes` are RECORD's of shrunk files, where known.
    """

    going: Mapping[str, str]
    kept: Mapping[str, str]
    shrinks: Mapping[str, Shrink]
    links: Mapping[str, str]
    dynamic_modules: tuple[str, ...]
    hashes: Mapping[str, str]


def decide(tree: SiteTree, settings: StripSettings) -> Decisions:
    """What may be removed from `tree`, judged by the tree alone. Changes nothing."""
    candidates = select_candidates(tree, settings)
    candidates |= orphans.candidates(tree, candidates)
    kept = _kept(_OF_SITE, tree, candidates, reachability.site_sources(tree, candidates))
    going = {path: category for path, category in candidates.items() if path not in kept}
    going |= dict.fromkeys(orphaned_bytecode(tree.files, going), BYTECODE)
    owner = Owners(tree.distributions).owner
    links = duplicates.find(tree, going, owner) if settings.level == "max" else {}
    is_kept = matcher(settings.keep)
    staying = (p for p in tree.files if p not in going and p not in links and not is_kept(p))
    return Decisions(
        going=going,
        kept=kept,
        shrinks=_shrinks(tree, filter(_may_be_elf, staying)),
        links={path: target for path, target in links.items() if not is_kept(path)},
        dynamic_modules=reachability.dynamic_modules(tree, reachability.site_sources(tree, going)),
        hashes={},
    )


def plan_for(
    tree: SiteTree, decisions: Decisions, app: Sequence[SourceFile]
) -> tuple[StripPlan, Mapping[str, str]]:
    """The plan, which also keeps what the app's own sources reach; and what is kept, and why."""
    kept = _kept(_OF_APP, tree, decisions.going, app)
    back = {path for path in orphaned_bytecode(tree.files, kept) if path in decisions.going}
    owner = Owners(tree.distributions).owner
    plan = StripPlan(
        removals=tuple(
            Removal(path, (tree.root / path).lstat().st_size, category, owner(path))
            for path, category in sorted(decisions.going.items())
            if path not in kept and path not in back
        ),
        shrinkings=tuple(
            Shrinking(path, found, owner(path), decisions.hashes.get(path))
            for path, found in sorted(decisions.shrinks.items())
        ),
        linkings=tuple(
            Linking(path, target, (tree.root / path).lstat().st_size, owner(path))
            for path, target in sorted(decisions.links.items())
        ),
    )
    return plan, {**decisions.kept, **kept}


def _kept(
    provers: Iterable[tuple[Prover, bool]],
    tree: SiteTree,
    candidates: Mapping[str, str],
    sources: Sequence[SourceFile],
) -> dict[str, str]:
    """What of `candidates` some prover keeps, because of `sources` and of what these keep."""
    going = {path: c for path, c in candidates.items() if c != REQUESTED}
    kept: dict[str, str] = {}
    counting = list(sources)
    for keep, is_named in provers:
        # What is apart is judged by its own prover only: the others rely on names.
        own = {path: c for path, c in going.items() if not is_named or c not in apart()}
        found = keep(tree, own, counting)
        kept |= found
        going = {path: category for path, category in going.items() if path not in found}
        counting += (tree.source(path) for path in found if path.endswith(".py"))
    return kept


def _may_be_elf(path: str) -> bool:
    """Whether a file can be a shared library or a program, by its name."""
    name = path.rpartition("/")[2]
    return ".so" in name or "." not in name


def _shrinks(tree: SiteTree, paths: Iterable[str]) -> dict[str, Shrink]:
    files = ((path, tree.root / path) for path in paths)
    own = ((path, file) for path, file in files if file.is_file() and not file.is_symlink())
    found = ((path, shrink(file)) for path, file in own)
    return {path: how for path, how in found if how.bytes >= _WORTH_A_COPY}

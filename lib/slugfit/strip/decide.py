"""Decides what may go: first as site-packages alone have it, then as the app does.

What site-packages have to say is the same as long as they are, and is remembered; the app is
asked in every build.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from slugfit.distributions import Owners, installed
from slugfit.globs import matcher
from slugfit.settings.model import StripSettings
from slugfit.strip import reach
from slugfit.strip.native import duplicates, orphans, programs
from slugfit.strip.native.elf import Shrink, shrink
from slugfit.strip.nominate import curated, services
from slugfit.strip.nominate.candidates import (
    BYTECODE,
    REQUESTED,
    apart,
    may_be_elf,
    nominate,
    orphaned_bytecode,
)
from slugfit.strip.nominate.rules import load_rules
from slugfit.strip.plan import Linking, Plan, Removal, Shrinking
from slugfit.strip.tree import Source, Tree

Prover = Callable[[Tree, Mapping[str, str], Sequence[Source]], Mapping[str, str]]

# Each with whether it goes by names. Libraries come last: what the others keep links to them.
_OF_BOTH: tuple[tuple[Prover, bool], ...] = (
    (curated.spare, False),
    (reach.spare, True),
    (services.spare, False),
)
_OF_SITE = (*_OF_BOTH, (programs.spare, True), (orphans.spare, True))
_OF_APP = (*_OF_BOTH, (orphans.named, True))
_WORTH_A_COPY = 4096  # bytes of zeros, from which on a new file pays


@dataclass(frozen=True)
class Decisions:
    """What the code in site-packages leaves to go.

    `going` is path → category, `kept` path → what keeps it, of candidates; `twins` path → a file
    of the same content; `blind` are the modules that do what no analysis can follow; `hashes`
    are RECORD's of shrunk files, as far as known.
    """

    going: Mapping[str, str]
    kept: Mapping[str, str]
    shrinks: Mapping[str, Shrink]
    twins: Mapping[str, str]
    blind: tuple[str, ...]
    hashes: Mapping[str, str]


def decide(tree: Tree, settings: StripSettings, soabi: str) -> Decisions:
    """What may go from `tree`, as far as that alone can tell. Changes nothing."""
    candidates = nominate(tree, load_rules(), settings, soabi)
    candidates |= orphans.nominate(tree, candidates)
    kept = _spared(_OF_SITE, tree, candidates, reach.site_sources(tree, candidates))
    going = {path: category for path, category in candidates.items() if path not in kept}
    going |= dict.fromkeys(orphaned_bytecode(tree, going), BYTECODE)
    owner = Owners(installed(tree.root)).owner
    twins = duplicates.find(tree, going, owner) if settings.level == "max" else {}
    is_kept = matcher(settings.keep)
    staying = (path for path in may_be_elf(tree, settings) if path not in going)
    return Decisions(
        going=going,
        kept=kept,
        shrinks=_shrinks(tree, (path for path in staying if path not in twins)),
        twins={path: twin for path, twin in twins.items() if not is_kept(path)},
        blind=reach.blind_modules(tree, reach.site_sources(tree, going)),
        hashes={},
    )


def plan_for(
    tree: Tree, decisions: Decisions, app: Sequence[Source]
) -> tuple[Plan, Mapping[str, str]]:
    """The plan that leaves what the app's own sources reach, too; and what is kept, and why."""
    kept = _spared(_OF_APP, tree, decisions.going, app)
    back = {path for path in orphaned_bytecode(tree, kept) if path in decisions.going}
    owner = Owners(installed(tree.root)).owner
    plan = Plan(
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
            Linking(path, twin, (tree.root / path).lstat().st_size, owner(path))
            for path, twin in sorted(decisions.twins.items())
        ),
    )
    return plan, {**decisions.kept, **kept}


def _spared(
    provers: Iterable[tuple[Prover, bool]],
    tree: Tree,
    candidates: Mapping[str, str],
    sources: Sequence[Source],
) -> dict[str, str]:
    """What of `candidates` some prover keeps, because of `sources` and of what these keep."""
    going = {path: c for path, c in candidates.items() if c != REQUESTED}
    spared: dict[str, str] = {}
    counting = list(sources)
    for spare, is_named in provers:
        # Of what is apart, those alone judge who know it: other proofs go by names.
        own = {path: c for path, c in going.items() if not is_named or c not in apart()}
        found = spare(tree, own, counting)
        spared |= found
        going = {path: category for path, category in going.items() if path not in found}
        counting += [Source(tree.root / p, _package_of(p), p) for p in found if p.endswith(".py")]
    return spared


def _package_of(path: str) -> str:
    return path.rpartition("/")[0].replace("/", ".")


def _shrinks(tree: Tree, paths: Iterable[str]) -> dict[str, Shrink]:
    files = ((path, tree.root / path) for path in paths)
    own = ((path, file) for path, file in files if file.is_file() and not file.is_symlink())
    found = ((path, shrink(file)) for path, file in own)
    return {path: how for path, how in found if how.bytes >= _WORTH_A_COPY}

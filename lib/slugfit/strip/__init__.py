"""Removes what a slug does not need from site-packages, and verifies that the rest works."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, field
from pathlib import Path

from slugfit.base.changes import Changes
from slugfit.base.globs import matcher
from slugfit.packages.distributions import Owners, installed
from slugfit.strip.apply import SitePackages
from slugfit.strip.site_tree import read_tree
from slugfit.strip.strip_plan import Removal, StripPlan
from slugfit.strip.trials.bytecode import DROPPED, NOT_AT_BOOT, dispensable
from slugfit.strip.trials.cleanup import leaving_no_files
from slugfit.strip.trials.proof import Proof, Trials
from slugfit.strip.trials.trial_verdict import NOT_WATCHED, Restored, Verdict, Verdicts
from slugfit.strip.trials.working_plan import Work

__all__ = ["Proof", "Restored", "Stripped", "Verdict", "Verdicts", "strip"]


@dataclass(frozen=True)
class Stripped:
    """What a strip did.

    `checked` are the distributions that were verified, `started` what was of the app's start;
    `unseen` is why bytecode = "boot" had to keep everything. `verdicts` and `hashes` (path →
    RECORD's hash of a file that became smaller) are for the next build.
    """

    done: StripPlan = field(default_factory=StripPlan)
    restored: tuple[Restored, ...] = ()
    checked: tuple[str, ...] = ()
    started: tuple[str, ...] = ()
    unseen: str = ""
    verdicts: Verdicts = field(default_factory=Verdicts, compare=False)
    hashes: Mapping[str, str] = field(default_factory=dict, compare=False)


def strip(site: Path, plan: StripPlan, changes: Changes, proof: Proof) -> Stripped:
    """Carry out `plan`, verify what it changed, and restore what no longer works.

    Verdicts of earlier builds are reused, except for the app's own check. Raises SmokeFailed.
    """
    distributions = installed(site)
    work = Work(SitePackages(site, distributions, changes), plan)
    trials = Trials(site, work, distributions, proof)
    packages, app, smoke = _try(trials, plan)
    restored = (*packages.restored, *app.restored, *smoke.restored)
    settings = proof.settings
    unseen = app.unseen if settings.bytecode == "boot" and not smoke.observed else ""
    if settings.bytecode != "keep" and not unseen:
        work.also(_bytecode(trials, {*app.observed, *smoke.observed}, restored))
    return Stripped(
        done=work.done,
        restored=restored,
        checked=packages.checked,
        started=(*app.checked, *smoke.checked),
        unseen=unseen,
        verdicts=Verdicts(packages, app),
        hashes=work.hashes,
    )


def _try(trials: Trials, plan: StripPlan) -> tuple[Verdict, Verdict, Verdict]:
    """The verdicts on the packages, on the app's start, and of the app's own check."""
    settings, known = trials.proof.settings, trials.proof.known
    is_watched = settings.bytecode == "boot"
    if is_watched and known.app and known.app.unseen == NOT_WATCHED:
        known = Verdicts(known.packages)
    with leaving_no_files(trials.site):
        trials.work.leave(known.whole())
        # Where nothing was removed, nothing can have broken.
        packages = Verdict() if plan == StripPlan() else known.packages or trials.packages(plan)
        # The start of an app that lost nothing proves nothing.
        is_idle = plan == StripPlan() and not is_watched
        app = known.app or (Verdict(unseen=NOT_WATCHED) if is_idle else trials.start())
    return packages, app, trials.smoke(settings.smoke) if settings.smoke else Verdict()


def _bytecode(
    trials: Trials, read_at_boot: Set[str], restored: Iterable[Restored]
) -> tuple[Removal, ...]:
    """The bytecode to remove. A restored distribution keeps its own."""
    whole = {entry.distribution for entry in restored}
    settings = trials.proof.settings
    needed, category = frozenset[str](), DROPPED
    if settings.bytecode == "boot":
        needed, category = frozenset(read_at_boot), NOT_AT_BOOT
        # The workers of a server import more of it than its start does.
        whole |= trials.programs.keys()
    owner = Owners(trials.distributions).owner
    return tuple(
        Removal(path, (trials.site / path).lstat().st_size, category, owner(path))
        for path in dispensable(read_tree(trials.site).files, needed, matcher(settings.keep))
        if owner(path) not in whole
    )

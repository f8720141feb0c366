"""Finds out what fails without what was removed, and restores what makes it work again."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from slugfit.strip.trials.bisect import Suspects, bisect
from slugfit.strip.trials.import_check import (
    UNREACHED,
    Groups,
    affected,
    answers,
    failures,
    regressions,
)
from slugfit.strip.trials.smoke import Smoke, SmokeFailed
from slugfit.strip.trials.trial import AppInterpreter, Trial, TrialResult
from slugfit.strip.trials.trial_verdict import Restored
from slugfit.strip.trials.working_plan import Work

_TRIES = 12
_SMOKE_TRIES = 6
_SMOKE_SECONDS = 300.0  # for the search


@dataclass(frozen=True)
class Mended:
    """The distributions that were restored, and what fails even with all of them restored."""

    restored: tuple[Restored, ...] = ()
    failing: Mapping[Trial, TrialResult] = field(default_factory=dict)


def restore_for_imports(
    work: Work, groups: Groups, interpreter: AppInterpreter, suspects: Suspects
) -> Mended:
    """Try `groups`, and restore what it takes for all to work that works unstripped.

    When time is up, each distribution that is not known to work is restored.
    """
    after = failures(answers(groups, interpreter))
    if not after:
        return Mended()
    whole = work.whole
    work.leave(work.distributions)
    before = answers(affected(groups, after.keys()), interpreter)
    missed = regressions(after, before)
    is_late = interpreter.is_late
    if is_late:
        missed |= {trial: said for trial, said in after.items() if before[trial] == UNREACHED}
    concerned = affected(groups, missed.keys())

    def works(returned: Iterable[str]) -> bool:
        work.leave(whole.union(returned))
        now = answers(concerned, interpreter)
        return all(now[trial].ok for trial in missed)

    own = [name for name in concerned if name in work.distributions - whole]
    found = own
    if missed and not is_late and not (own and works(own)):
        named = suspects.named(line for a in missed.values() for line in (a.said or "", *a.files))
        found = bisect(*_split(work, whole, [*own, *named]), works, _TRIES)
    work.leave(whole.union(found))
    # Without time to look for them, others than the owner have not been restored.
    mended = {t for name in own for t in concerned[name]} if is_late else missed.keys()
    return Mended(
        tuple(_reason(name, concerned, missed) for name in sorted(found)),
        {trial: answer for trial, answer in after.items() if trial not in mended},
    )


def restore_for_smoke(work: Work, smoke: Smoke, suspects: Suspects) -> tuple[Restored, ...]:
    """Run `smoke`, and restore what it fails without.

    Raises SmokeFailed if it fails with everything restored, too.
    """
    first = smoke.run()
    if first.ok:
        return ()
    whole = work.whole
    work.leave(work.distributions)
    begin = time.monotonic()
    again = smoke.run()
    if not again.ok:
        raise SmokeFailed(smoke.command, again)
    # A build has 25 minutes: a search among runs of a minute each is not worth them.
    tries = min(_SMOKE_TRIES, int(_SMOKE_SECONDS / (time.monotonic() - begin)))

    def works(returned: Iterable[str]) -> bool:
        work.leave(whole.union(returned))
        return smoke.run().ok

    named = suspects.named(reversed(first.tail))
    found = bisect(*_split(work, whole, named), works, tries)
    work.leave(whole.union(found))
    return tuple(
        Restored(name, "strip.smoke", first.said or "no message") for name in sorted(found)
    )


def _split(work: Work, whole: frozenset[str], named: Iterable[str]) -> tuple[list[str], list[str]]:
    """The distributions that can be restored: those named, and the others."""
    can_return = work.distributions - whole
    likely = [name for name in dict.fromkeys(named) if name in can_return]
    return likely, sorted(can_return.difference(likely))


def _reason(name: str, groups: Groups, missed: Mapping[Trial, TrialResult]) -> Restored:
    """What failed without `name`: a trial of its own if possible."""
    own = (trial for trial in groups.get(name, ()) if trial in missed)
    trial = next(own, next(iter(missed)))
    return Restored(name, trial.name, missed[trial].said or "")

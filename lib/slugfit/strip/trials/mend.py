"""Finds out what fails without what was removed, and puts back what mends it."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from slugfit.strip.trials.culprits import Suspects, culprits
from slugfit.strip.trials.gate import (
    UNREACHED,
    Groups,
    affected,
    answers,
    failures,
    regressions,
)
from slugfit.strip.trials.smoke import Smoke, SmokeFailed
from slugfit.strip.trials.trial import Answer, Interpreter, Trial
from slugfit.strip.trials.verdict import Restored
from slugfit.strip.trials.work import Work

_TRIES = 12
_SMOKE_TRIES = 6
_SMOKE_SECONDS = 300.0  # for the search


@dataclass(frozen=True)
class Mended:
    """The distributions that were put back, and what fails with everything in its place, too."""

    restored: tuple[Restored, ...] = ()
    failing: Mapping[Trial, Answer] = field(default_factory=dict)


def mend_imports(
    work: Work, groups: Groups, interpreter: Interpreter, suspects: Suspects
) -> Mended:
    """Try `groups`, and make all go well that does with everything in its place.

    When time is up, each distribution that is not known to go well is put back.
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
        found = culprits(*_split(work, whole, [*own, *named]), works, _TRIES)
    work.leave(whole.union(found))
    # Without time to look for them, others than the owner have not been put back.
    mended = {t for name in own for t in concerned[name]} if is_late else missed.keys()
    return Mended(
        tuple(_reason(name, concerned, missed) for name in sorted(found)),
        {trial: answer for trial, answer in after.items() if trial not in mended},
    )


def mend_smoke(work: Work, smoke: Smoke, suspects: Suspects) -> tuple[Restored, ...]:
    """Run `smoke`, and put back what it fails without.

    Raises SmokeFailed when it fails with everything in its place, too.
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
    found = culprits(*_split(work, whole, named), works, tries)
    work.leave(whole.union(found))
    return tuple(
        Restored(name, "strip.smoke", first.said or "no message") for name in sorted(found)
    )


def _split(work: Work, whole: frozenset[str], named: Iterable[str]) -> tuple[list[str], list[str]]:
    """The distributions that can return: those named, and the others."""
    can_return = work.distributions - whole
    likely = [name for name in dict.fromkeys(named) if name in can_return]
    return likely, sorted(can_return.difference(likely))


def _reason(name: str, groups: Groups, missed: Mapping[Trial, Answer]) -> Restored:
    """What failed without `name`: something of its own, or else whatever it was."""
    own = (trial for trial in groups.get(name, ()) if trial in missed)
    trial = next(own, next(iter(missed)))
    return Restored(name, trial.name, missed[trial].said or "")

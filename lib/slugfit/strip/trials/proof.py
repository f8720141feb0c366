"""The trials of a strip: of its packages, of the app's start, and the app's own check."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from slugfit.packages.distributions import Distribution
from slugfit.settings.model import StripSettings
from slugfit.strip.strip_plan import StripPlan
from slugfit.strip.trials.bisect import Suspects
from slugfit.strip.trials.bytecode import Observer, observing
from slugfit.strip.trials.cleanup import leaving_no_files
from slugfit.strip.trials.entry_points import programs_of
from slugfit.strip.trials.import_check import groups_for
from slugfit.strip.trials.restore import restore_for_imports, restore_for_smoke
from slugfit.strip.trials.smoke import Smoke
from slugfit.strip.trials.startup import Startup, commands_of, startup_of
from slugfit.strip.trials.trial import AppInterpreter, Trial, TrialResult
from slugfit.strip.trials.trial_verdict import NOT_WATCHED, Verdict, Verdicts
from slugfit.strip.trials.working_plan import Work

_NO_APP = "there is no app whose start could be seen"
_NO_START = "neither a Procfile nor a Python file says what the app starts with"


@dataclass(frozen=True)
class Proof:
    """What a strip is verified with.

    `app` is the app's directory, if there is one; `dynamic_modules` are dotted names of modules
    that import what no analysis can follow; `known` is what an earlier build has found in the
    same case; `models` load what the app serves.
    """

    interpreter: AppInterpreter
    settings: StripSettings = field(default_factory=StripSettings)
    app: Path | None = None
    dynamic_modules: tuple[str, ...] = ()
    known: Verdicts = field(default_factory=Verdicts)
    models: tuple[Trial, ...] = ()


@dataclass(frozen=True)
class Trials:
    """Tries `work`, which is carried out in `site`, and corrects it."""

    site: Path
    work: Work
    distributions: tuple[Distribution, ...]
    proof: Proof

    def packages(self, plan: StripPlan) -> Verdict:
        """Import every package that lost files, and every dynamic module."""
        groups = groups_for(self.site, plan, self.distributions, self.proof.dynamic_modules)
        outcome = restore_for_imports(self.work, groups, self.proof.interpreter, self._suspects)
        return Verdict(tuple(groups), outcome.restored)

    def start(self) -> Verdict:
        """Import what the app's processes import when they start, and load what it serves."""
        app = self.proof.app
        if app is None:
            return Verdict(unseen=_NO_APP)
        startup = startup_of(app)
        trials = (*startup.trials, *self.programs.values(), *self.proof.models)
        groups = {"": trials} if trials else {}
        with observing() as observer, leaving_no_files(app, self.site):
            interpreter = replace(
                self.proof.interpreter,
                env=self._watched(observer),
                directory=app,
                paths=startup.paths,
            )
            outcome = restore_for_imports(self.work, groups, interpreter, self._suspects)
            observed = observer.heard(self.site)
        return Verdict(
            checked=tuple(trial.name for trial in trials if trial not in outcome.failing),
            restored=outcome.restored,
            observed=tuple(sorted(observed)),
            unseen=_unseen(startup, outcome.failing) if self._is_watched else NOT_WATCHED,
        )

    def smoke(self, command: str) -> Verdict:
        """Run `command`, the app's own check. Raises SmokeFailed."""
        directory = self.proof.app or Path()  # where the tool was started
        with observing() as observer:
            env = self._watched(observer)
            smoke = Smoke(command, directory, self.proof.interpreter.python, env)
            restored = restore_for_smoke(self.work, smoke, self._suspects)
            observed = observer.heard(self.site)
        return Verdict(("strip.smoke",), restored, tuple(sorted(observed)))

    @property
    def programs(self) -> dict[str, Trial]:
        """The distributions whose programs the Procfile starts, and what those import first."""
        commands = commands_of(self.proof.app) if self.proof.app else []
        words = {word for command in commands for word in command}
        return programs_of(self.site, self.distributions, words)

    @property
    def _suspects(self) -> Suspects:
        return Suspects(self.site, self.distributions)

    def _watched(self, observer: Observer) -> Mapping[str, str]:
        """The environment in which the app runs: watched, if it matters what it reads."""
        env = self.proof.interpreter.env
        return observer.watch(env) if self._is_watched else env

    @property
    def _is_watched(self) -> bool:
        return self.proof.settings.bytecode == "boot"


def _unseen(startup: Startup, failing: Mapping[Trial, TrialResult]) -> str:
    """Why the trials have not shown all that a start reads; "" if they have."""
    if not startup.trials:
        return _NO_START
    fail = [trial for trial in startup.trials if trial in failing]
    # An import in a script may be one that it can do without.
    if any(trial.module for trial in fail) or len(fail) == len(startup.trials):
        worst = min(fail, key=lambda trial: not trial.module)
        return f"{worst.name} fails: {failing[worst].said}"
    return ""

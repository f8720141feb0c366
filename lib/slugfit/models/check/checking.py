"""Tries each model of a build, tells how that went, and remembers it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Protocol

from slugfit.dependencies import Dependencies, Group
from slugfit.distributions import versions_in
from slugfit.models.app import AppPython
from slugfit.models.check import CheckedModel, Comparison, Expected, LoadReport
from slugfit.models.check.attempt import Attempt, Subject
from slugfit.models.check.case import Case, samples_for
from slugfit.models.check.disagreements import Inaccurate
from slugfit.models.check.dynos import fits
from slugfit.models.check.failures import Tried
from slugfit.models.check.loading import load
from slugfit.models.check.memory import CheckMemory, file_key, key_of, packages_key
from slugfit.models.check.runtimes import (
    has_trial,
    own_runtime_for,
    runtime_for,
)
from slugfit.models.check.words import PICKLE, agreement, cannot_serve, told
from slugfit.output import Output
from slugfit.settings.model import ModelSettings
from slugfit.sizes import count_of


class Recognised(Protocol):
    """What is known of a file from its content."""

    @property
    def format(self) -> str | None: ...
    @property
    def title(self) -> str: ...
    @property
    def unpickles(self) -> bool: ...


class Checker:
    """Loads models as the app will; what an earlier build has found is not found again."""

    def __init__(
        self, app: AppPython, memory: CheckMemory, dependencies: Dependencies, output: Output
    ) -> None:
        self._app = app
        self._memory = memory
        self._dependencies = dependencies
        self._output = output
        self._packages = app.packages
        self._packages_key = packages_key(app.site)
        self.reports: list[LoadReport] = []
        """Of the models that were loaded, in order."""

    def check(
        self,
        model: ModelSettings,
        file: Path,
        sha256: str,
        recognised: Recognised,
        expected: Expected | None = None,
    ) -> CheckedModel:
        """Try `file`: `model`, or one of its files. `sha256` is that of its content.

        With `expected`, it is held to that instead of to check.reference. Raises a failure of
        this room, or one of slugfit.installation.
        """
        path = _shown(file, self._app.app, model)
        if recognised.format is None:
            return CheckedModel(path, None)
        if reason := _untried(model, recognised):
            return self._told(path, f"Not loaded: {reason}.")
        runtime = runtime_for(recognised.format, self._packages)
        runtime = runtime or own_runtime_for(recognised.format, self._app.version)
        if runtime is None:
            self._output.warning(*cannot_serve(path, recognised.format, None, self._app))
            return CheckedModel(path, None, ("the app has no runtime for it",))
        samples = samples_for(model.check, path, self._app.app, expected)
        case = Case(path, file, sha256, model.check, runtime, samples, expected)
        return self._conclude(case, self._find(case))

    def tell_dynos(self) -> None:
        """Log on which dynos the models fit."""
        for line in fits(self.reports):
            self._output.detail(line)

    def _find(self, case: Case) -> LoadReport | str:
        key = self._key(case)
        if report := self._memory.recall(key):
            self._output.step(f"Using cached verdict on {case.path}")
            for group in self._groups(case):
                self._dependencies.retain(group)
            return report
        found = self._load(self._attempt(case))
        if isinstance(found, LoadReport):
            self._memory.note(key, found)
        return found

    def _load(self, attempt: Attempt) -> LoadReport | str:
        runtime = attempt.subject.runtime
        self._output.step(f"Loading {attempt.subject.path} in {runtime}")
        try:
            return load(attempt, self._app)
        except Tried as failure:
            # In a runtime that the app does not have, that proves nothing about the app.
            if runtime.group is None or attempt.samples:
                raise
            return f"{runtime} says: {failure.explain().evidence[0].strip()}"

    def _conclude(self, case: Case, found: LoadReport | str) -> CheckedModel:
        if isinstance(found, str):
            checked = self._told(case.path, f"Not proven to load: {found.rstrip('.')}.")
        else:
            self.reports.append(found)
            for line in told(found):
                self._output.detail(line)
            if found.comparison:
                self._judge(case, found.comparison)
            own = "" if case.runtime.group else case.runtime.statement(case.path)
            checked = CheckedModel(case.path, found, found.notes, own)
        if case.runtime.group:
            paragraphs = cannot_serve(case.path, case.runtime.format, checked.report, self._app)
            self._output.warning(*paragraphs)
        return checked

    def _judge(self, case: Case, comparison: Comparison) -> None:
        samples = count_of(comparison.samples, "sample")
        what = case.expected.what if case.expected else f"check.reference, on {samples}"
        if comparison.is_beyond(*case.bounds):
            raise Inaccurate(case.path, what, comparison, case.bounds)
        self._output.detail(agreement(comparison, what))

    def _told(self, path: str, note: str) -> CheckedModel:
        self._output.detail(f"{path}: {note}")
        return CheckedModel(path, None, (note,))

    def _groups(self, case: Case) -> tuple[Group, ...]:
        """What is not the app's, and the trial needs."""
        if case.runtime.group:
            return (case.runtime.group,)
        return (Group.NUMPY,) if case.samples and "numpy" not in self._packages else ()

    def _attempt(self, case: Case) -> Attempt:
        runtime, sites = case.runtime, tuple(map(self._dependencies.separate, self._groups(case)))
        if runtime.group:
            version = versions_in(sites[0])[runtime.distribution]
            runtime = replace(runtime, version=version)
        own_code = (self._app.app,) if runtime.format == "pickle" else ()  # whose classes it names
        return Attempt(
            subject=Subject(case.path, runtime),
            file=case.file,
            samples=case.samples,
            seconds=case.settings.timeout,
            memory=case.settings.memory,
            paths=sites if runtime.group else own_code,
            last_paths=() if runtime.group else sites,
        )

    def _key(self, case: Case) -> str:
        group, samples = case.runtime.group, case.samples
        return key_of(
            (
                *(case.path, case.sha256, repr(case.runtime), self._app.version),
                self._dependencies.key(group) if group else self._packages_key,
                file_key(samples.input if samples else None),
                file_key(samples.reference if samples else None),
                *(case.settings.timeout, case.settings.memory),
            )
        )


def _shown(file: Path, app: Path, model: ModelSettings) -> str:
    return file.relative_to(app).as_posix() if file.is_relative_to(app) else model.path


def _untried(model: ModelSettings, recognised: Recognised) -> str:
    """Why nothing opens the model; "" when something shall."""
    if not model.check.load:
        return "check.load is false"
    if recognised.unpickles and not model.allow_pickle:
        return PICKLE
    if recognised.format is None or not has_trial(recognised.format):
        return f"{recognised.title} holds weights, and the app's code makes a model of them"
    return ""

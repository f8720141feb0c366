"""Checks each model of a build, and caches the verdicts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Protocol

from slugfit.base.output import Output
from slugfit.base.sizes import count_of
from slugfit.helper.dependencies import Dependencies, Group
from slugfit.models.app_python import AppPython
from slugfit.models.check import CheckedModel, Comparison, Expected, LoadReport
from slugfit.models.check.attempt import Attempt, Subject
from slugfit.models.check.case import CheckCase, samples_for
from slugfit.models.check.failures import CheckFailure
from slugfit.models.check.loading import load
from slugfit.models.check.mismatches import Inaccurate
from slugfit.models.check.runtimes import (
    is_loadable,
    isolated_runtime_for,
    runtime_for,
)
from slugfit.models.check.verdict_cache import VerdictCache, file_key, key_of, packages_key
from slugfit.models.reporter import ModelReporter
from slugfit.packages.distributions import versions_in
from slugfit.settings.model import ModelSettings


class Recognised(Protocol):
    """What is known of a file from its content."""

    @property
    def format(self) -> str | None: ...
    @property
    def title(self) -> str: ...
    @property
    def code(self) -> str: ...


class Checker:
    """Loads models as the app will, or takes the verdict of an earlier build from the cache."""

    def __init__(
        self,
        app: AppPython,
        cache: VerdictCache,
        dependencies: Dependencies,
        output: Output,
        reporter: ModelReporter,
    ) -> None:
        self._app = app
        self._cache = cache
        self._dependencies = dependencies
        self._output = output
        self._reporter = reporter
        self._packages = app.packages
        self._packages_key = packages_key(app.site)
        self.reports: list[LoadReport] = []
        """The reports of the models that were loaded, in order."""

    def check(
        self,
        model: ModelSettings,
        file: Path,
        sha256: str,
        recognised: Recognised,
        expected: Expected | None = None,
    ) -> CheckedModel:
        """Check `file`: `model`, or one of its files. `sha256` identifies its content.

        `expected` replaces check.reference. Raises the failures of `check.failures`,
        `check.mismatches` and `slugfit.helper.installation`.
        """
        path = _path_in_app(file, self._app.app, model)
        if recognised.format is None:
            return CheckedModel(path, None)
        if reason := _skip_reason(model, recognised):
            return self._not_loaded(path, f"Not loaded: {reason}.")
        runtime = runtime_for(recognised.format, self._packages)
        runtime = runtime or isolated_runtime_for(recognised.format, self._app.version)
        if runtime is None:
            self._reporter.no_runtime(path, recognised.format, None)
            return CheckedModel(path, None, ("the app has no runtime for it",))
        samples = samples_for(model.check, path, self._app.app, expected)
        may = model.may_run_code
        case = CheckCase(path, file, sha256, model.check, runtime, samples, expected, may)
        return self._finish(case, self._find(case))

    def _find(self, case: CheckCase) -> LoadReport | str:
        key = self._key(case)
        if report := self._cache.get(key):
            self._output.step(f"Using cached verdict for {case.path}")
            for group in self._groups(case):
                self._dependencies.retain(group)
            return report
        found = self._load(self._attempt(case))
        if isinstance(found, LoadReport):
            self._cache.add(key, found)
        return found

    def _load(self, attempt: Attempt) -> LoadReport | str:
        runtime = attempt.subject.runtime
        self._output.step(f"Loading {attempt.subject.path} in {runtime}")
        try:
            return load(attempt, self._app)
        except CheckFailure as failure:
            # A failure in a runtime that the app does not have proves nothing about the app.
            if runtime.group is None or attempt.samples:
                raise
            return f"{runtime} reports: {failure.explain().evidence[0].strip()}"

    def _finish(self, case: CheckCase, found: LoadReport | str) -> CheckedModel:
        if isinstance(found, str):
            checked = self._not_loaded(case.path, f"Not verified: {found.rstrip('.')}.")
        else:
            self.reports.append(found)
            self._reporter.loaded(found)
            if found.comparison:
                self._compare(case, found.comparison)
            own = "" if case.runtime.group else case.runtime.statement(case.path)
            checked = CheckedModel(case.path, found, found.notes, own)
        if case.runtime.group:
            self._reporter.no_runtime(case.path, case.runtime.format, checked.report)
        return checked

    def _compare(self, case: CheckCase, comparison: Comparison) -> None:
        samples = count_of(comparison.samples, "sample")
        what = case.expected.what if case.expected else f"check.reference on {samples}"
        if comparison.is_beyond(*case.bounds):
            raise Inaccurate(case.path, what, comparison, case.bounds)
        self._reporter.compared(comparison, what)

    def _not_loaded(self, path: str, note: str) -> CheckedModel:
        self._reporter.not_loaded(path, note)
        return CheckedModel(path, None, (note,))

    def _groups(self, case: CheckCase) -> tuple[Group, ...]:
        """The groups to install for the check: the app does not have them."""
        if case.runtime.group:
            return (case.runtime.group,)
        return (Group.NUMPY,) if case.samples and "numpy" not in self._packages else ()

    def _attempt(self, case: CheckCase) -> Attempt:
        runtime, sites = case.runtime, tuple(map(self._dependencies.separate, self._groups(case)))
        if runtime.group:
            version = versions_in(sites[0])[runtime.distribution]
            runtime = replace(runtime, version=version)
        own_code = (
            (self._app.app,) if runtime.format == "pickle" else ()
        )  # pickles name its classes
        return Attempt(
            subject=Subject(case.path, runtime),
            file=case.file,
            samples=case.samples,
            seconds=case.settings.timeout,
            max_rss=case.settings.memory,
            paths=sites if runtime.group else own_code,
            last_paths=() if runtime.group else sites,
            allow_code=case.allow_code,
        )

    def _key(self, case: CheckCase) -> str:
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


def _path_in_app(file: Path, app: Path, model: ModelSettings) -> str:
    return file.relative_to(app).as_posix() if file.is_relative_to(app) else model.path


def _skip_reason(model: ModelSettings, recognised: Recognised) -> str:
    """Why the model is not to be loaded; "" to load it."""
    if not model.check.load:
        return "check.load is false"
    if recognised.code and not model.may_run_code:
        return f"opening it may run code ({recognised.code}), which requires allow_code = true"
    if recognised.format is None or not is_loadable(recognised.format):
        return f"{recognised.title} contains only weights, for which the app's code has the model"
    return ""

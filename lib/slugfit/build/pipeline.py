"""The build, step by step. Nothing is final before the last step has succeeded."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from slugfit.base.changes import Changes
from slugfit.base.output import Output
from slugfit.base.signals import end_if_asked, ignore_from_now_on, uninterrupted
from slugfit.base.sizes import format_size
from slugfit.build.measurement import Measurement, measure, slug_of, weigh_removed
from slugfit.build.request import Request
from slugfit.build.timing import StepTimer
from slugfit.fetch.clients import groups_for
from slugfit.fetch.fetcher import Fetcher, warn_of_risks
from slugfit.fetch.lockfile import lock_models, read_lock
from slugfit.fetch.model_cache import ModelCache
from slugfit.fetch.plan import FetchPlan, cache_key_of, make_plan
from slugfit.fetch.transfer.transfer import transfer_for
from slugfit.helper.dependencies import Dependencies
from slugfit.models.app_python import AppPython
from slugfit.models.check.checker import Checker
from slugfit.models.check.verdict_cache import VerdictCache
from slugfit.models.convert.conversion_cache import ConversionCache
from slugfit.models.convert.converter import Converter
from slugfit.models.convert.toolbox import TemporaryToolbox
from slugfit.models.prepare import InspectedModel, PreparedModel, check, convert, fetch
from slugfit.packages.graph import graph_of
from slugfit.report.document import BuildFacts, document, flat_record
from slugfit.report.log import show_slug, show_strip, warn_of_size
from slugfit.report.model_log import ModelLog
from slugfit.settings.load import load
from slugfit.settings.model import Settings
from slugfit.slug.budget import OverLimit
from slugfit.slug.items import OWN_DIRECTORY, items
from slugfit.slug.weigh.archive_spec import ArchiveSpec
from slugfit.slug.weigh.weigher import Weigher
from slugfit.strip import Stripped
from slugfit.strip.decision_cache import DecisionCache
from slugfit.strip.engine import Target, carry_out, journal_of, plan_strip
from slugfit.strip.journal import JOURNAL, write_journal
from slugfit.strip.trials.trial import Trial

# Models that are to be converted.
SOURCES = f"{OWN_DIRECTORY}/sources"

Record = dict[str, "str | int | float | bool"]


def build(request: Request, steps: StepTimer, dependencies: Dependencies, output: Output) -> Record:
    """Run the whole build and return its flat record. Any exception undoes all changes."""
    with steps.step("settings"):
        settings = _lock(load(request.app, request.config_vars, request.named), request.app)
        output.redact.learn(settings.secrets)
        output.step(f"Reading configuration from {_origin(settings)}")
    cache = Changes(request.own_cache, request.own_cache / "removed")
    # In the cache: what is in the app can be the repository's.
    log = request.own_cache / "undo-app.jsonl"
    app = Changes(request.app, request.app / OWN_DIRECTORY / "removed", log)
    for changes in (app, cache):
        changes.recover()
    try:
        return _Build(request, settings, dependencies, app, cache, steps, output).run()
    except BaseException:
        with uninterrupted():
            app.undo()
            cache.undo()
        raise


@dataclass(frozen=True)
class _Build:
    """The steps after configuration, with the changes that they share."""

    _request: Request
    _settings: Settings
    _dependencies: Dependencies
    _app: Changes
    _cache: Changes
    _steps: StepTimer
    _output: Output

    @property
    def _model_cache(self) -> ModelCache:
        return ModelCache(self._request.own_cache / "models", self._cache)

    def run(self) -> Record:
        with self._steps.step("plan"):
            plan = self._plan()
        with self._steps.step("dependencies"):
            self._dependencies.provide(*groups_for(self._settings))
        fetcher = self._fetcher()
        conversions = ConversionCache(self._own("conversions"), self._cache)
        with self._steps.step("fetch"):
            sources = self._fetch(plan, fetcher)
        with self._steps.step("convert"):
            converted = self._convert(sources, conversions)
        with self._steps.step("check"):
            models = self._check(converted)
        with self._steps.step("strip"):
            stripped = self._strip(models)
        with self._steps.step("measure"):
            measurement = self._measure(models, stripped)
        with self._steps.step("report"):
            return self._finish(
                models, stripped, measurement, lambda: self._prune_caches(fetcher, conversions)
            )

    def _own(self, name: str) -> Path:
        return self._request.own_cache / name

    def _plan(self) -> FetchPlan:
        keys = map(cache_key_of, self._settings.models)
        return make_plan(self._settings, self._model_cache.contents(keys), self._request.app)

    def _fetcher(self) -> Fetcher:
        transfer = transfer_for(self._settings.fetch.deadline, self._request.network)
        return Fetcher(self._model_cache, self._app, transfer, self._settings, self._output)

    @property
    def _app_python(self) -> AppPython:
        request = self._request
        return AppPython(
            request.app,
            request.python,
            request.python_version,
            request.site_packages,
            request.child_env,
        )

    def _fetch(self, plan: FetchPlan, fetcher: Fetcher) -> list[InspectedModel]:
        warn_of_risks((step.model for step in plan.models), self._output)
        app = self._request.app
        return [fetch(step, fetcher, app, app / SOURCES) for step in plan.models]

    def _convert(
        self, sources: Sequence[InspectedModel], conversions: ConversionCache
    ) -> list[PreparedModel]:
        request = self._request
        toolbox = TemporaryToolbox(request.environ)
        with Converter(self._app_python, conversions, toolbox, self._output) as converter:
            converted = [convert(source, converter, self._app) for source in sources]
        shutil.rmtree(request.app / SOURCES, ignore_errors=True)
        return converted

    def _check(self, models: Sequence[PreparedModel]) -> tuple[PreparedModel, ...]:
        verdicts = VerdictCache(self._own("checks"))
        app, log = self._app_python, ModelLog(self._app_python, self._output)
        checker = Checker(app, verdicts, self._dependencies, self._output, log)
        checked = tuple(check(model, checker, log) for model in models)
        log.dynos(checker.reports)
        verdicts.save(self._cache)
        return checked

    def _strip(self, models: Sequence[PreparedModel]) -> Stripped:
        if self._settings.strip.level == "off":
            return Stripped()
        self._output.step("Stripping site-packages")
        request = self._request
        self._app.make_directory(request.app / OWN_DIRECTORY)
        decisions = DecisionCache(request.own_cache / "strip")
        statements = {path: code for model in models for path, code in model.statements.items()}
        target = Target(
            request.site_packages,
            request.python,
            request.soabi,
            request.child_env,
            request.app,
            tuple(Trial(f"load {path}", code) for path, code in statements.items()),
        )
        settings = self._settings.strip
        planned = plan_strip(target, settings, decisions)
        stripped = carry_out(planned, target, settings, decisions, self._app)
        site = request.site_packages.relative_to(request.app).as_posix()
        journal = write_journal(journal_of(planned, stripped, site))
        self._app.write(request.app / JOURNAL, journal)
        decisions.save(self._cache)
        show_strip(stripped, request.site_packages, self._output)
        return stripped

    def _measure(self, models: tuple[PreparedModel, ...], stripped: Stripped) -> Measurement:
        self._output.step("Measuring the slug")
        request, budget = self._request, self._settings.budget
        app, site = request.app, request.site_packages
        parts = items(app, site, [model.path for model in models])
        weigher = Weigher(request.own_cache / "weights.json")
        specs = {item: ArchiveSpec(app, tuple(paths)) for item, paths in parts.items()}
        weights = weigher.weigh(specs, budget.limit)
        removed = weigh_removed(stripped.done, self._app.aside(site), weigher)
        weigher.save(self._cache)
        slug = slug_of(app, parts, weights, removed, graph_of(site, app, request.python_version))
        measurement = measure(app, site, slug, self._settings, request.own_cache / "report.json")
        # Heroku CI runs an app, test requirements and all, without making a slug of it.
        if slug.weight.compressed > budget.limit and request.mode == "build":
            raise OverLimit(slug, budget, measurement.savings)
        show_slug(slug, budget, self._output, measurement.since)
        warn_of_size(slug, budget, self._output, measurement.savings)
        return measurement

    def _prune_caches(self, fetcher: Fetcher, conversions: ConversionCache) -> None:
        """Keep in the cache what the next build can use, up to the limit."""
        limit = self._settings.fetch.cache_limit
        used = conversions.prune(limit)
        remaining = None if limit is None else limit - used
        shown = {cache_key_of(model): model.source.display for model in self._settings.models}
        for source in self._model_cache.retain(fetcher.used, remaining):
            self._output.detail(
                f"Not kept in the build cache, which is limited to {format_size(limit or 0)}: "
                + shown[source]
            )

    def _finish(
        self,
        models: tuple[PreparedModel, ...],
        stripped: Stripped,
        measurement: Measurement,
        prune_caches: Callable[[], None],
    ) -> Record:
        facts = BuildFacts(
            settings=self._settings,
            python=self._request.python_version,
            stack=self._request.stack,
            models=models,
            stripped=stripped,
            slug=measurement.slug,
            since=measurement.since,
            savings=measurement.savings,
            durations=self._steps.durations,
        )
        text = json.dumps(self._output.redact.values(document(facts)), indent=2) + "\n"
        self._app.write(self._request.app / OWN_DIRECTORY / "report.json", text.encode())
        self._cache.write(self._request.own_cache / "report.json", text.encode())
        prune_caches()
        with uninterrupted():
            end_if_asked()
            self._app.keep()
            self._cache.keep()
            ignore_from_now_on()
        self._model_cache.remove_partial()
        return flat_record(facts)


def _lock(settings: Settings, app: Path) -> Settings:
    """The settings with the checksums of the app's lock, if any."""
    lock = read_lock(app)
    return replace(settings, models=lock_models(settings.models, lock))


def _origin(settings: Settings) -> str:
    return settings.origin or "defaults and config vars"

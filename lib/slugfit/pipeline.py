"""The build, told in order. Nothing is final before the last step has succeeded."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from slugfit.circumstances import Request, Steps
from slugfit.dependencies import Dependencies
from slugfit.files import Changes
from slugfit.models.app import AppPython
from slugfit.models.check.checking import Checker
from slugfit.models.check.memory import CheckMemory
from slugfit.models.convert.converter import Converter
from slugfit.models.convert.results import Results
from slugfit.models.convert.toolbox import TemporaryToolbox
from slugfit.models.fetch import Fetcher, warn_of_risks
from slugfit.models.lock import lock_models, read_lock
from slugfit.models.preparation import PreparedModel, Source, check, convert, fetch
from slugfit.models.store import ModelStore
from slugfit.models.transfer import transfer_for
from slugfit.needs import groups_for
from slugfit.output import Output
from slugfit.plan import Plan, make_plan, source_of
from slugfit.report.document import BuildFacts, document, flat_record
from slugfit.report.log import show_slug, show_strip, warn_of_size
from slugfit.settings.load import load
from slugfit.settings.model import Settings
from slugfit.settings.urls import display_of
from slugfit.sizes import format_size
from slugfit.slug.account import Account, account_of, slug_of
from slugfit.slug.budget import OverLimit
from slugfit.slug.requirements.requirers import graph_of
from slugfit.slug.tree import OWN_DIRECTORY, items
from slugfit.slug.weighing.compress import Weight
from slugfit.slug.weighing.load import Load
from slugfit.slug.weighing.memory import Scales
from slugfit.strip import Stripped
from slugfit.strip.engine import Target, carry_out, journal_of, plan_strip
from slugfit.strip.journal import JOURNAL, write_journal
from slugfit.strip.memory import Memory
from slugfit.strip.trials.trial import Trial

# Where models wait that are to be converted.
SOURCES = f"{OWN_DIRECTORY}/sources"

Record = dict[str, "str | int | float | bool"]


def build(request: Request, steps: Steps, dependencies: Dependencies, output: Output) -> Record:
    """Run the whole build and return its flat record. Any exception leaves all as it was."""
    with steps.step("settings"):
        settings = _lock(load(request.app, request.config_vars, request.named), request.app)
        output.redact.learn(settings.secrets)
        output.step(f"Reading configuration from {_origin(settings)}")
    app = Changes(request.app, request.app / OWN_DIRECTORY / "removed")
    cache = Changes(request.own_cache, request.own_cache / "removed")
    for changes in (app, cache):
        changes.undo()  # what a build that was killed had set aside
    try:
        return _Build(request, settings, dependencies, app, cache, steps, output).run()
    except BaseException:
        app.undo()
        cache.undo()
        raise


@dataclass(frozen=True)
class _Build:
    """The steps after configuration, over the changes that they share."""

    _request: Request
    _settings: Settings
    _dependencies: Dependencies
    _app: Changes
    _cache: Changes
    _steps: Steps
    _output: Output

    @property
    def _store(self) -> ModelStore:
        return ModelStore(self._request.own_cache / "models", self._cache)

    def run(self) -> Record:
        with self._steps.step("plan"):
            plan = self._plan()
        with self._steps.step("dependencies"):
            self._dependencies.provide(*groups_for(self._settings))
        fetcher, results = self._fetcher(), Results(self._own("conversions"), self._cache)
        with self._steps.step("fetch"):
            sources = self._fetch(plan, fetcher)
        with self._steps.step("convert"):
            converted = self._convert(sources, results)
        with self._steps.step("check"):
            models = self._check(converted)
        with self._steps.step("strip"):
            stripped = self._strip(models)
        with self._steps.step("measure"):
            account = self._measure(models, stripped)
        with self._steps.step("report"):
            return self._finish(models, stripped, account, lambda: self._settle(fetcher, results))

    def _own(self, name: str) -> Path:
        return self._request.own_cache / name

    def _plan(self) -> Plan:
        sources = (source_of(model) for model in self._settings.models)
        return make_plan(self._settings, self._store.contents(sources), self._request.app)

    def _fetcher(self) -> Fetcher:
        transfer = transfer_for(self._settings.fetch.deadline, self._request.network)
        return Fetcher(self._store, self._app, transfer, self._settings, self._output)

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

    def _fetch(self, plan: Plan, fetcher: Fetcher) -> list[Source]:
        warn_of_risks((step.model for step in plan.models), self._output)
        app = self._request.app
        return [fetch(step, fetcher, app, app / SOURCES) for step in plan.models]

    def _convert(self, sources: Sequence[Source], results: Results) -> list[PreparedModel]:
        request = self._request
        toolbox = TemporaryToolbox(request.environ)
        with Converter(self._app_python, results, toolbox, self._output) as converter:
            converted = [convert(source, converter, self._app) for source in sources]
        shutil.rmtree(request.app / SOURCES, ignore_errors=True)
        return converted

    def _check(self, models: Sequence[PreparedModel]) -> tuple[PreparedModel, ...]:
        memory = CheckMemory(self._own("checks"))
        checker = Checker(self._app_python, memory, self._dependencies, self._output)
        checked = tuple(check(model, checker, self._output) for model in models)
        checker.tell_dynos()
        memory.save(self._cache)
        return checked

    def _strip(self, models: Sequence[PreparedModel]) -> Stripped:
        if self._settings.strip.level == "off":
            return Stripped()
        self._output.step("Stripping site-packages")
        request = self._request
        self._app.make_directory(request.app / OWN_DIRECTORY)
        memory = Memory(request.own_cache / "strip")
        loads = {path: code for model in models for path, code in model.loads.items()}
        target = Target(
            request.site_packages,
            request.python,
            request.soabi,
            request.child_env,
            request.app,
            tuple(Trial(f"load {path}", code) for path, code in loads.items()),
        )
        settings = self._settings.strip
        planned = plan_strip(target, settings, memory)
        stripped = carry_out(planned, target, settings, memory, self._app)
        site = request.site_packages.relative_to(request.app).as_posix()
        journal = write_journal(journal_of(planned, stripped, site))
        self._app.write(request.app / JOURNAL, journal)
        memory.save(self._cache)
        show_strip(stripped, request.site_packages, self._output)
        return stripped

    def _measure(self, models: tuple[PreparedModel, ...], stripped: Stripped) -> Account:
        self._output.step("Measuring the slug")
        request, budget = self._request, self._settings.budget
        app, site = request.app, request.site_packages
        parts = items(app, site, [model.path for model in models])
        scales = Scales(request.own_cache / "weights.json")
        weights = scales.weigh({i: Load(app, tuple(p)) for i, p in parts.items()}, budget.limit)
        removed = self._weigh_removed(stripped, scales)
        scales.remember(self._cache)
        slug = slug_of(app, parts, weights, removed, graph_of(site, app, request.python_version))
        account = account_of(app, site, slug, self._settings, request.own_cache / "report.json")
        # Heroku CI runs an app, test requirements and all, without making a slug of it.
        if slug.weight.compressed > budget.limit and request.mode == "build":
            raise OverLimit(slug, budget, account.savings)
        show_slug(slug, budget, self._output, account.since)
        warn_of_size(slug, budget, self._output, account.savings)
        return account

    def _weigh_removed(self, stripped: Stripped, scales: Scales) -> Weight:
        done, aside = stripped.done, self._app.aside(self._request.site_packages)
        load = Load(
            aside,
            (*(r.path for r in done.removals), *(link.path for link in done.linkings)),
            tuple((s.path, r.offset, r.size) for s in done.shrinkings for r in s.shrink.dead),
        )
        # What became zeros is still there, unpacked.
        cut = ((s.path, s.shrink.end) for s in done.shrinkings if s.shrink.end is not None)
        lost = sum((aside / path).lstat().st_size - end for path, end in cut)
        return scales.weigh({"removed": load})["removed"] + Weight(raw=lost)

    def _settle(self, fetcher: Fetcher, results: Results) -> None:
        """Keep in the cache what the next build can use, as far as the limit lets it."""
        limit = self._settings.fetch.cache_limit
        kept = results.settle(limit)
        left = None if limit is None else limit - kept
        for source in self._store.settle(fetcher.settled, left):
            self._output.detail(
                f"Not kept in the build cache, which is limited to {format_size(limit or 0)}: "
                + display_of(source.partition("\n")[0])
            )

    def _finish(
        self,
        models: tuple[PreparedModel, ...],
        stripped: Stripped,
        account: Account,
        settle: Callable[[], None],
    ) -> Record:
        facts = BuildFacts(
            settings=self._settings,
            python=self._request.python_version,
            stack=self._request.stack,
            models=models,
            stripped=stripped,
            slug=account.slug,
            since=account.since,
            savings=account.savings,
            durations=self._steps.durations,
        )
        text = json.dumps(self._output.redact.values(document(facts)), indent=2) + "\n"
        self._app.write(self._request.app / OWN_DIRECTORY / "report.json", text.encode())
        self._cache.write(self._request.own_cache / "report.json", text.encode())
        settle()
        self._app.keep()
        self._cache.keep()
        self._store.forget_partial()
        return flat_record(facts)


def _lock(settings: Settings, app: Path) -> Settings:
    """The settings with the checksums of the app's lock, if it has one."""
    lock = read_lock(app)
    return replace(settings, models=lock_models(settings.models, lock))


def _origin(settings: Settings) -> str:
    return settings.origin or "defaults and config vars"

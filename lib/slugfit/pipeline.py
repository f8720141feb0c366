"""The build, told in order. Nothing is final before the last step has succeeded."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from slugfit.dependencies import Dependencies
from slugfit.files import Changes
from slugfit.models.fetch import FetchedModel, Fetcher, warn_of_risks
from slugfit.models.lock import lock_models, read_lock
from slugfit.models.store import ModelStore
from slugfit.models.transfer import transfer_for
from slugfit.models.wire import Network
from slugfit.needs import groups_for
from slugfit.output import Output
from slugfit.plan import Plan, make_plan, source_of
from slugfit.report.document import BuildFacts, document, flat_record
from slugfit.report.log import show_slug, show_strip, warn_of_size
from slugfit.settings.config_vars import ConfigVars, Named
from slugfit.settings.load import load
from slugfit.settings.model import Settings
from slugfit.settings.urls import display_of
from slugfit.sizes import format_size
from slugfit.slug.budget import OverLimit, Slug
from slugfit.slug.compress import Weight
from slugfit.slug.load import Load
from slugfit.slug.memory import Scales
from slugfit.slug.tree import OWN_DIRECTORY, items
from slugfit.strip import Stripped
from slugfit.strip.engine import Target, carry_out, journal_of, plan_strip
from slugfit.strip.journal import JOURNAL, write_journal
from slugfit.strip.memory import Memory

Mode = Literal["build", "ci"]
Record = dict[str, "str | int | float | bool"]


@dataclass(frozen=True)
class Request:
    """What a build is asked: where, for which Python, and under which circumstances."""

    mode: Mode
    app: Path
    cache: Path
    python: Path
    site_packages: Path
    python_version: str
    soabi: str
    stack: str
    config_vars: ConfigVars
    named: Named
    network: Network
    child_env: Mapping[str, str]

    @property
    def own_cache(self) -> Path:
        return self.cache / "slugfit"


@dataclass
class Steps:
    """Times the steps, and knows the one that runs: it is named when a bug stops the build."""

    clock: Callable[[], float] = time.monotonic
    current: str = "start"
    durations: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        self.current = name
        begin = self.clock()
        yield
        self.durations[name] = self.clock() - begin


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
        with self._steps.step("fetch"):
            fetcher = self._fetcher()
            models = self._fetch(plan, fetcher)
        with self._steps.step("strip"):
            stripped = self._strip()
        with self._steps.step("measure"):
            slug = self._measure(models, stripped)
        with self._steps.step("report"):
            return self._finish(fetcher, models, stripped, slug)

    def _plan(self) -> Plan:
        sources = (source_of(model) for model in self._settings.models)
        return make_plan(self._settings, self._store.contents(sources), self._request.app)

    def _fetcher(self) -> Fetcher:
        transfer = transfer_for(self._settings.fetch.deadline, self._request.network)
        return Fetcher(self._store, self._app, transfer, self._settings, self._output)

    def _fetch(self, plan: Plan, fetcher: Fetcher) -> tuple[FetchedModel, ...]:
        warn_of_risks((step.model for step in plan.models), self._output)
        return tuple(fetcher.take(step) for step in plan.models)

    def _strip(self) -> Stripped:
        if self._settings.strip.level == "off":
            return Stripped()
        self._output.step("Stripping site-packages")
        request = self._request
        self._app.make_directory(request.app / OWN_DIRECTORY)
        memory = Memory(request.own_cache / "strip")
        target = Target(
            request.site_packages, request.python, request.soabi, request.child_env, request.app
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

    def _measure(self, models: tuple[FetchedModel, ...], stripped: Stripped) -> Slug:
        self._output.step("Measuring the slug")
        request, budget = self._request, self._settings.budget
        parts = items(request.app, request.site_packages, [model.path for model in models])
        scales = Scales(request.own_cache / "weights.json")
        loads = {item: Load(request.app, tuple(paths)) for item, paths in parts.items()}
        slug = Slug(scales.weigh(loads, budget.limit), self._weigh_removed(stripped, scales))
        scales.remember(self._cache)
        # Heroku CI runs an app, test requirements and all, without making a slug of it.
        if slug.weight.compressed > budget.limit and request.mode == "build":
            raise OverLimit(slug, budget)
        show_slug(slug, budget, self._output)
        warn_of_size(slug, budget, self._output)
        return slug

    def _weigh_removed(self, stripped: Stripped, scales: Scales) -> Weight:
        done = stripped.done
        load = Load(
            self._app.aside(self._request.site_packages),
            (*(r.path for r in done.removals), *(link.path for link in done.linkings)),
            tuple((s.path, r.offset, r.size) for s in done.shrinkings for r in s.shrink.dead),
        )
        return scales.weigh({"removed": load})["removed"]

    def _settle(self, fetcher: Fetcher) -> None:
        limit = self._settings.fetch.cache_limit
        for source in self._store.settle(fetcher.settled, limit):
            self._output.detail(
                f"Not kept in the build cache, which is limited to {format_size(limit or 0)}: "
                + display_of(source.partition("\n")[0])
            )

    def _finish(
        self, fetcher: Fetcher, models: tuple[FetchedModel, ...], stripped: Stripped, slug: Slug
    ) -> Record:
        facts = BuildFacts(
            settings=self._settings,
            python=self._request.python_version,
            stack=self._request.stack,
            models=models,
            stripped=stripped,
            slug=slug,
            durations=self._steps.durations,
        )
        text = json.dumps(self._output.redact.values(document(facts)), indent=2) + "\n"
        self._app.write(self._request.app / OWN_DIRECTORY / "report.json", text.encode())
        self._cache.write(self._request.own_cache / "report.json", text.encode())
        self._settle(fetcher)
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

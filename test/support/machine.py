"""An app and a build cache between which a fetcher works, from one build to the next."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from slugfit.base.changes import Changes
from slugfit.base.errors import Failure
from slugfit.base.http import Network
from slugfit.fetch.fetcher import FetchedModel, Fetcher
from slugfit.fetch.model_cache import ModelCache
from slugfit.fetch.plan import cache_key_of, make_plan
from slugfit.fetch.transfer.retries import Clock, Deadline
from slugfit.fetch.transfer.transfer import Transfer
from slugfit.settings.model import ModelSettings, Settings
from slugfit.stores.store import StoreSettings
from support.build_log import BuildLog
from support.chance import chance
from support.snapshot import snapshot


class Machine:
    """An app and a build cache, and builds that fetch into them and do nothing else."""

    def __init__(self, root: Path) -> None:
        self.app = root / "app"
        self.cache = root / "cache"
        self.app.mkdir()
        self.cache.mkdir()
        self.log = BuildLog()
        self.sleeps: list[float] = []
        self.stores = StoreSettings()

    def fetch(self, *models: ModelSettings) -> tuple[FetchedModel, ...]:
        """A build that succeeds, on a fresh app but for what the last build found there."""
        self.begin()
        fetched = self.take(*models)
        self.store.retain(self.fetcher.used, None)
        self.app_changes.keep()
        self.cache_changes.keep()
        self.store.remove_partial()
        return fetched

    def failure(self, *models: ModelSettings) -> Failure:
        """A build that fails, and leaves everything as it was."""
        self.begin()
        before = snapshot(self.app), snapshot(self.cache)
        with pytest.raises(Failure) as caught:
            self.take(*models)
        self.undo()
        assert (snapshot(self.app), snapshot(self.cache)) == before
        return caught.value

    def begin(self) -> None:
        self.log = BuildLog()
        self.app_changes = Changes(self.app, self.app / ".slugfit/removed")
        self.cache_changes = Changes(self.cache, self.cache / "removed")
        self.store = ModelCache(self.cache / "models", self.cache_changes)

    def take(self, *models: ModelSettings) -> tuple[FetchedModel, ...]:
        settings = Settings(models=models, stores=self.stores)
        plan = make_plan(settings, self.store.contents(map(cache_key_of, models)), self.app)
        # Of a clock that stands still, the log is the same in every run.
        clock = Clock(monotonic=lambda: 0.0, sleep=self.sleeps.append, rng=chance())
        transfer = Transfer(Network(), clock, Deadline(clock, 60))
        self.fetcher = Fetcher(self.store, self.app_changes, transfer, settings, self.log.output)
        return tuple(self.fetcher.take(step, step.target) for step in plan.models)

    def undo(self) -> None:
        self.app_changes.undo()
        self.cache_changes.undo()

    def renew_app(self) -> None:
        shutil.rmtree(self.app)
        self.app.mkdir()

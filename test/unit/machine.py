"""An app and a build cache between which a fetcher works, from one build to the next."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from slugfit.errors import Failure
from slugfit.files import Changes
from slugfit.models.fetch import FetchedModel, Fetcher
from slugfit.models.patience import Clock, Deadline
from slugfit.models.store import ModelStore
from slugfit.models.transfer import Transfer
from slugfit.models.wire import Network
from slugfit.plan import make_plan, source_of
from slugfit.settings.model import HubSettings, ModelSettings, Settings
from support.snapshot import snapshot
from unit.build_log import BuildLog
from unit.chance import chance


class Machine:
    """An app and a build cache, and builds that fetch into them and do nothing else."""

    def __init__(self, root: Path) -> None:
        self.app = root / "app"
        self.cache = root / "cache"
        self.app.mkdir()
        self.cache.mkdir()
        self.log = BuildLog()
        self.sleeps: list[float] = []
        self.hub = HubSettings()

    def fetch(self, *models: ModelSettings) -> tuple[FetchedModel, ...]:
        """A build that succeeds, on a fresh app but for what the last build found there."""
        self.begin()
        fetched = self.take(*models)
        self.store.settle(self.fetcher.settled, None)
        self.app_changes.keep()
        self.cache_changes.keep()
        self.store.forget_partial()
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
        self.store = ModelStore(self.cache / "models", self.cache_changes)

    def take(self, *models: ModelSettings) -> tuple[FetchedModel, ...]:
        settings = Settings(models=models, hub=self.hub)
        plan = make_plan(settings, self.store.contents(map(source_of, models)), self.app)
        # Of a clock that stands still, the log is the same in every run.
        clock = Clock(monotonic=lambda: 0.0, sleep=self.sleeps.append, chance=chance())
        transfer = Transfer(Network(), clock, Deadline(clock, 60))
        self.fetcher = Fetcher(self.store, self.app_changes, transfer, settings, self.log.output)
        return tuple(self.fetcher.take(step, step.target) for step in plan.models)

    def undo(self) -> None:
        self.app_changes.undo()
        self.cache_changes.undo()

    def renew_app(self) -> None:
        shutil.rmtree(self.app)
        self.app.mkdir()

"""Where a model comes from: the URL of a store, or a file of the app."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from slugfit.stores import StoreDirectory, StoreObject
from slugfit.stores.store import ModelOptions, Risk, Store, StoreSettings
from slugfit.stores.urls import StoreUrl


@dataclass(frozen=True)
class StoreLocation:
    """In a store. What was `written` names it in the build cache."""

    url: StoreUrl
    written: str = field(repr=False)

    @property
    def store(self) -> Store[Any, Any]:
        return self.url.store

    @property
    def display(self) -> str:
        return self.url.display

    @property
    def name(self) -> str:
        return self.url.name

    @property
    def is_prefix(self) -> bool:
        return self.url.is_prefix

    def takes(self, option: str) -> bool:
        """Whether this key of a model makes sense here."""
        return option in self.store.options and self.store.options[option](self.url)

    def risks(self, *, is_pinned: bool) -> Iterable[Risk]:
        return self.store.risks(self.url, is_pinned)

    def open(self, settings: StoreSettings, options: ModelOptions) -> StoreObject | StoreDirectory:
        return self.store.open(self.url, settings[self.store], options)


@dataclass(frozen=True)
class AppFile:
    """A path inside the app."""

    path: str
    is_prefix = False

    @property
    def written(self) -> str:
        return self.path

    @property
    def display(self) -> str:
        return self.path

    @property
    def name(self) -> str:
        return PurePosixPath(self.path).name

    @property
    def look_at(self) -> str:
        return f"head -c 500 '{self.path}'"

    def takes(self, option: str) -> bool:
        return False

    def risks(self, *, is_pinned: bool) -> Iterable[Risk]:
        return ()


Location = StoreLocation | AppFile

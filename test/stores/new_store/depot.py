"""A store that only a test has: files behind a server that wants a token. See depot_client."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from slugfit.stores import StoreObject
from slugfit.stores.endpoints import base_from
from slugfit.stores.store import Advice, ConfigVar, ConfigVars, Found, ModelOptions, Store, secret
from slugfit.stores.urls import ObjectUrl, by_form


@dataclass(frozen=True)
class DepotUrl(ObjectUrl):
    depot: str
    file: str

    @property
    def store(self) -> Store[DepotUrl, DepotSettings]:
        return DEPOT

    @property
    def parts(self) -> tuple[str, str, str]:
        return f"depot://{self.depot}", self.file, ""

    @property
    def look_at(self) -> str:
        return f"depot ls {self.directory}"


@dataclass(frozen=True)
class DepotSettings:
    endpoint: str = "https://depot.example"
    token: str | None = field(default=None, repr=False)


def _settings_from(config_vars: ConfigVars) -> Found[DepotSettings]:
    endpoint, problems = base_from(config_vars, "DEPOT_ENDPOINT")
    token = config_vars.get("DEPOT_TOKEN")
    return DepotSettings(endpoint or DepotSettings.endpoint, token), problems


def _password(token: str) -> Iterator[str]:
    yield token.partition(":")[2]


def _open(url: DepotUrl, settings: DepotSettings, options: ModelOptions) -> StoreObject:
    from .depot_client import DepotFile  # noqa: PLC0415 (it needs the dependencies)

    return DepotFile(url, settings, time.time)


DEPOT = Store(
    schemes=("depot",),
    parse=by_form(DepotUrl, r"depot://(?P<depot>[a-z]+)/(?P<file>[^?#]*[^?#/])"),
    example="depot://depot/file",
    form='"depot://depot/file"',
    config_vars=(secret("DEPOT_TOKEN", parts=_password), ConfigVar("DEPOT_ENDPOINT")),
    settings_from=_settings_from,
    open=_open,
    advice=Advice(
        denied=("Ask the depot's keeper for a new token.",),
        rejected="Check the source's URL.",
        unreachable="DEPOT_ENDPOINT, if it is set;",
    ),
)

"""All stores. What depends on which ones there are is derived from this list."""

from __future__ import annotations

import re
import textwrap
from typing import Any

from slugfit.base.files import is_path_below
from slugfit.stores.azure import AZURE
from slugfit.stores.gcs import GCS
from slugfit.stores.hub import HUB
from slugfit.stores.location import AppFile, Location, StoreLocation
from slugfit.stores.s3 import S3
from slugfit.stores.store import ConfigVars, Found, Store, StoreSettings
from slugfit.stores.urls import has_control_characters
from slugfit.stores.web import WEB

STORES: tuple[Store[Any, Any], ...] = (
    S3,
    GCS,
    AZURE,
    HUB,
    WEB,
)
CONFIG_VARS = tuple(var for store in STORES for var in store.config_vars)
FORMS = {scheme: store.form for store in STORES for scheme in store.schemes}
"""What a URL can be, by its scheme."""
OPTIONS = tuple(dict.fromkeys(option for store in STORES for option in store.options))
"""The keys of a model that make sense for some stores only."""

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")


def locate(source: str) -> Location | None:
    """What a source names; None when no model can come from there."""
    if "://" not in source:
        is_path = is_path_below(source) and not _SCHEME.match(source)
        return AppFile(source) if is_path else None
    if has_control_characters(source):
        return None
    urls = (store.parse(source) for store in STORES)
    return next((StoreLocation(url, source) for url in urls if url), None)


def settings_from(config_vars: ConfigVars) -> Found[StoreSettings]:
    """The settings of all stores."""
    settings, problems = StoreSettings(), []
    for store in STORES:
        own, found = store.settings_from(config_vars)
        settings = settings.having(store, own)
        problems += found
    return settings, problems


def outside_a_build(settings: StoreSettings) -> StoreSettings:
    """The settings on a developer's computer."""
    for store in STORES:
        settings = settings.having(store, store.outside_a_build(settings[store]))
    return settings


def secrets_in(config_vars: ConfigVars) -> list[str]:
    """The values that no output may show, and those parts of them that it could show alone."""
    found = [(var, config_vars[var.name]) for var in CONFIG_VARS if var.name in config_vars]
    return [
        secret for var, value in found if var.is_secret for secret in (value, *var.parts(value))
    ]


def examples(quote: str = "") -> str:
    """A URL of each store, on lines of the length that an error message has."""
    listed = ", ".join(f"{quote}{store.example}{quote}" for store in STORES)
    return textwrap.fill(listed, 80, subsequent_indent=" " * 11, break_on_hyphens=False)


def takers_of(option: str) -> str:
    """How the URLs begin for which this key of a model makes sense: "s3://"."""
    return " or ".join(f"{store.schemes[0]}://" for store in STORES if option in store.options)

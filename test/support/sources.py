"""Sources of models, as the settings parse them."""

from __future__ import annotations

from typing import Any

from slugfit.settings.model import ModelSettings
from slugfit.stores.location import Location, StoreLocation
from slugfit.stores.registry import locate
from slugfit.stores.urls import StoreUrl


def located(source: str) -> Location:
    location = locate(source)
    assert location is not None
    return location


def url_of(source: str) -> StoreUrl:
    location = located(source)
    assert isinstance(location, StoreLocation)
    return location.url


def model_from(source: str, path: str, *rest: Any, **options: Any) -> ModelSettings:
    """A model's settings, from a source as people write it."""
    return ModelSettings(located(source), path, *rest, **options)

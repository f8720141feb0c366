"""The stores' clients: which dependencies they need, and what they open."""

from __future__ import annotations

import sys

from slugfit.helper.dependencies import Group
from slugfit.settings.model import ModelSettings, Settings
from slugfit.stores import StoreDirectory, StoreObject
from slugfit.stores.location import AppFile, StoreLocation

_WITHOUT_ZSTD = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".zip")
_HAS_ZSTD = sys.version_info >= (3, 14)


def groups_for(settings: Settings) -> tuple[Group, ...]:
    """The groups that the sources of the models need, beside the base."""
    groups = {group for model in settings.models for group in _groups_of(model)}
    return tuple(group for group in Group if group in groups)


def open_source(model: ModelSettings, settings: Settings) -> StoreObject | StoreDirectory:
    """The object or the directory that a model comes from, which is no file of the app."""
    assert isinstance(model.source, StoreLocation)  # noqa: S101 (the caller's part)
    return model.source.open(settings.stores, model)


def _groups_of(model: ModelSettings) -> set[Group]:
    if isinstance(model.source, AppFile):
        return set()
    group = model.source.store.group
    # An archive may have any name: zstd is only left out where the name rules it out.
    named = model.source.name.lower().endswith(_WITHOUT_ZSTD)
    decoder = None if named or _HAS_ZSTD or not model.unpack else Group.ZSTD
    return {needed for needed in (group, decoder) if needed}

"""Which groups of dependencies a build's settings ask for."""

from __future__ import annotations

import sys

from slugfit.dependencies import Group
from slugfit.settings.model import ModelSettings, Settings

_GROUPS = {"s3": Group.S3, "gs": Group.GS, "az": Group.AZ}
_WITHOUT_ZSTD = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".zip")
_HAS_ZSTD = sys.version_info >= (3, 14)


def groups_for(settings: Settings) -> tuple[Group, ...]:
    """What the sources of the models are read with, beside the base."""
    groups = {group for model in settings.models for group in _groups_of(model)}
    return tuple(group for group in Group if group in groups)


def _groups_of(model: ModelSettings) -> set[Group]:
    scheme = model.source.partition("://")[0]
    groups = {_GROUPS[scheme]} if scheme in _GROUPS else set()
    # An archive may have any name: without zstd only where the name says what it is.
    named = model.source.partition("?")[0].lower().endswith(_WITHOUT_ZSTD)
    return groups | ({Group.ZSTD} if model.unpack and not named and not _HAS_ZSTD else set())

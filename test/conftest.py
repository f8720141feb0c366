"""What all tests share: how they are distributed, and how examples are run."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import settings
from xdist.scheduler import LoadFileScheduling  # type: ignore[import-untyped] # has no types

# How long an example takes depends on who else uses the machine.
settings.register_profile("slugfit", deadline=None)
settings.load_profile("slugfit")

# Rooms whose tests wait for whole builds and conversions, in this order before the others.
_SLOW = ("build", "commands", "models", "bin", "local", "faults", "fetch", "report", "stores")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest first, so that no worker is left alone with them at the end."""
    items.sort(key=lambda item: _rank(item.nodeid))


def _rank(nodeid: str) -> int:
    room = nodeid.split("/")[1]
    return _SLOW.index(room) if room in _SLOW else len(_SLOW)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadFileScheduling:
    """Hand out whole files: what the tests of a file share is made by one worker alone."""
    config.option.loadscopereorder = False
    return LoadFileScheduling(config, log)

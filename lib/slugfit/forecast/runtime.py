"""Python itself, and what heroku/python installs with it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from slugfit.forecast.requirements import Manager
from slugfit.forecast.tags import Machine
from slugfit.forecast.weigh import Forecast
from slugfit.slug.tree import Item
from slugfit.slug.weighing.compress import Weight
from slugfit.toml import loads

_WITH_PIP: tuple[Manager, ...] = ("pip",)


def runtime(machine: Machine, manager: Manager, *, strips: bool) -> Iterator[tuple[Item, Forecast]]:
    """The items that no requirement names. Only pip users get pip."""
    text = Path(__file__).with_name("runtime.toml").read_text(encoding="utf-8")
    document = loads(text)
    weight = _weight(document["python"][machine.python])
    yield Item("python", "Python"), Forecast(weight, weight)
    for tool in document["tools"] if manager in _WITH_PIP else ():
        if machine.minor <= tool.get("until", machine.minor):
            before = _weight(tool["before"])
            after = _weight(tool) if strips else before
            yield Item("distribution", tool["name"]), Forecast(after, before)


def _weight(table: Mapping[str, Any]) -> Weight:
    return Weight(table["raw"], table["compressed"])

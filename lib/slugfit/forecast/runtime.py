"""Python itself, and what heroku/python installs with it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from slugfit.forecast.requirements import Manager
from slugfit.forecast.weigh import Forecast, Stripping, times, under
from slugfit.slug.tree import Item
from slugfit.slug.weighing.compress import Weight
from slugfit.toml import loads


def runtime(
    stripping: Stripping, manager: Manager, *, is_seen: bool
) -> Iterator[tuple[Item, Forecast]]:
    """The items that no requirement names: pip for who installs with it, or Pipenv likewise.

    `is_seen` is whether the app's start is known, which never reads any of these.
    """
    text = Path(__file__).with_name("runtime.toml").read_text(encoding="utf-8")
    document = loads(text)
    machine = stripping.machine
    weight = _weight(document["python"][machine.python])
    yield Item("python", "Python"), Forecast(weight, weight)
    if manager == "pipenv":
        table = document["pipenv"]
        whole = _weight(table["code"]) + under(machine.minor, _weight(table["bytecode"]))
        yield Item("buildpack", "Pipenv"), Forecast(whole, whole)
    for tool in document["tools"] if manager == "pip" else ():
        if machine.minor <= tool.get("until", machine.minor):
            yield Item("distribution", tool["name"]), _tool(tool, stripping, is_seen=is_seen)


def _tool(table: Mapping[str, Any], stripping: Stripping, *, is_seen: bool) -> Forecast:
    """What the settings leave of a tool."""
    code, metadata, dead = (_weight(table[key]) for key in ("code", "metadata", "dead"))
    compiled = under(stripping.machine.minor, _weight(table["bytecode"]))
    before = code + metadata + dead + compiled
    if stripping.settings.level == "off" or stripping.is_kept(table["file"]):
        return Forecast(before, before, compiled)
    if stripping.goes(table["file"]):
        return Forecast(metadata, before)
    read = 0.0 if is_seen else 1.0
    bytecode = times(compiled, stripping.part(read))
    return Forecast(code + metadata + bytecode, before, bytecode)


def _weight(table: Mapping[str, Any]) -> Weight:
    return Weight(table["raw"], table["compressed"])

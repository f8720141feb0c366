"""Python itself, and what heroku/python installs with it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from slugfit.app.package_manager import Manager
from slugfit.base.toml import loads
from slugfit.forecast.estimate import Forecast, Stripping, times, under
from slugfit.packages.target import Machine
from slugfit.slug.items import Item
from slugfit.slug.weigh.compress import Weight


def runtime(
    stripping: Stripping, manager: Manager, *, is_seen: bool
) -> Iterator[tuple[Item, Forecast]]:
    """The items that no requirement names: pip for apps that install with it, or Pipenv likewise.

    `is_seen` is whether the app's start is known, which never reads any of these.
    """
    document, machine = _document(), stripping.machine
    weight = _weight(document["python"][machine.python])
    yield Item("python", "Python"), Forecast(weight, weight)
    if manager == "pipenv":
        table = document["pipenv"]
        whole = _weight(table["code"]) + under(machine.minor, _weight(table["bytecode"]))
        yield Item("buildpack", "Pipenv"), Forecast(whole, whole)
    for tool in _tools(manager, machine):
        yield Item("distribution", tool["name"]), _tool(tool, stripping, is_seen=is_seen)


def tool_files(manager: Manager, machine: Machine) -> dict[str, str]:
    """Of each tool that is installed into site-packages, a file there."""
    return {tool["name"]: tool["file"] for tool in _tools(manager, machine)}


def _tool(table: Mapping[str, Any], stripping: Stripping, *, is_seen: bool) -> Forecast:
    """What the settings leave of a tool."""
    code, metadata, dead = (_weight(table[key]) for key in ("code", "metadata", "dead"))
    compiled = under(stripping.machine.minor, _weight(table["bytecode"]))
    before = code + metadata + dead + compiled
    if stripping.settings.level == "off" or stripping.is_kept(table["file"]):
        return Forecast(before, before, compiled)
    if table["file"] in stripping.taken:
        return Forecast(metadata, before)
    read = 0.0 if is_seen else 1.0
    bytecode = times(compiled, stripping.part(read))
    return Forecast(code + metadata + bytecode, before, bytecode)


def _tools(manager: Manager, machine: Machine) -> list[dict[str, Any]]:
    tools = _document()["tools"] if manager == "pip" else ()
    return [tool for tool in tools if machine.minor <= tool.get("until", machine.minor)]


@cache
def _document() -> dict[str, Any]:
    text = Path(__file__).with_name("heroku_python.toml").read_text(encoding="utf-8")
    return loads(text)


def _weight(table: Mapping[str, Any]) -> Weight:
    return Weight(table["raw"], table["compressed"])

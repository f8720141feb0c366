"""What could make a slug smaller. What is known of packages is in savings.toml."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from slugfit.settings.model import StripSettings
from slugfit.slug.contents import Slug
from slugfit.slug.smaller.managers import Manager, removing, replacing, without_cuda
from slugfit.slug.smaller.stock import Stock
from slugfit.toml import loads

_AFTER_QUANTIZING = 0.25  # 8 bits a weight instead of 32
_TARGETS = {(".tflite", ".keras", ".h5", ".hdf5"): "tflite", (".onnx",): "onnx"}
_QUANTIZED = ("int8", "quant", "-q4", "-q5", "-q8", ".gguf")
_SAFELY_REMOVED = 0.12  # of site-packages: the least that level safe takes of the bench's stacks
_NOT_AT_BOOT = 0.5  # of the bytecode, by weight


@dataclass(frozen=True)
class Situation:
    """What a suggestion depends on beside the slug. The defaults suppose nothing.

    `curated` are the compressed bytes that level max would take; `silent` the requirements
    that no file of the app speaks of; `spoken` the words of the app in small letters, tests
    apart; `quantized` the paths of models that are quantized already.
    """

    strip: StripSettings = field(default_factory=StripSettings)
    manager: Manager = "pip"
    silent: tuple[str, ...] = ()
    spoken: frozenset[str] = frozenset()
    curated: int = 0
    quantized: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Candidate:
    """A change, and what it takes: parts of distributions by name, and `other` bytes.

    `is_work` tells that the app's code has to change as well.
    """

    id: str
    what: str
    how: str
    parts: Mapping[str, float] = field(default_factory=dict)
    other: int = 0
    is_work: bool = False


def candidates(slug: Slug, situation: Situation, stock: Stock) -> Iterator[Candidate]:
    """All changes that fit the slug, whatever they are worth."""
    for table in _tables()["savings"]:
        yield from _known(table, situation, stock)
    yield from _removals(slug, situation, stock)
    yield from _stripped(slug, situation, stock)
    yield from _quantized(slug, situation)


def _known(table: Mapping[str, Any], situation: Situation, stock: Stock) -> Iterator[Candidate]:
    """What a table of savings.toml says, if it is about this slug."""
    is_there = all(stock.matching(glob) for glob in table["installed"])
    if not is_there or stock.matching(*table.get("absent", ())):
        return
    parts, how = stock.freed(table.get("frees", {})), ""
    if "cuda" in table:
        how = without_cuda(situation.manager)
    elif "remove" in table:
        how = removing(table["remove"], situation.manager)
        parts = dict.fromkeys(stock.leaving(table["remove"]), 1.0)
    else:
        old, new = table["replace"]
        asked = stock.replaceable(old)
        if not asked:
            return
        how = replacing(asked[0], new, situation.manager)
        parts = parts if "frees" in table else dict.fromkeys(stock.leaving(asked), 1.0)
    costs, is_work = -table.get("costs", 0), table.get("work", False)
    yield Candidate(table["id"], table["what"], how, parts, costs, is_work)


def _removals(slug: Slug, situation: Situation, stock: Stock) -> Iterator[Candidate]:
    """What an app has no use for, as far as its files tell."""
    development = frozenset(_tables()["development"]["names"])
    asked = sorted(development & slug.graph.direct.keys())
    if tools := [name for name in asked if name.replace("-", "_") not in situation.spoken]:
        what = f"tools of developers stay out of the slug: {', '.join(tools)}"
        yield _removal("development-tools", what, tools, situation, stock)
    told = development | frozenset(_tables()["silent"]["names"])
    for name in situation.silent:
        if name not in told:
            what = f"no file of the app imports {name}"
            yield _removal(f"unused-{name}", what, [name], situation, stock)
    if left := slug.graph.unrequired():
        what = f"nothing requires {', '.join(left)}"
        how = "Have everything installed anew:\nheroku builds:cache:purge"
        yield Candidate("unrequired", what, how, dict.fromkeys(stock.leaving(left), 1.0))


def _removal(
    id_: str, what: str, names: Sequence[str], situation: Situation, stock: Stock
) -> Candidate:
    parts = dict.fromkeys(stock.leaving(names), 1.0)
    return Candidate(id_, what, removing(names, situation.manager), parts)


def _stripped(slug: Slug, situation: Situation, stock: Stock) -> Iterator[Candidate]:
    """What the settings of the strip would take."""
    strip = situation.strip
    if strip.level == "off":
        what, how = "tests and other dead files go", _setting('level = "safe"')
        size = round(_SAFELY_REMOVED * sum(stock.weights.values()))
        yield Candidate("strip-safe", what, how, other=size)
    elif strip.level == "safe":
        how = _setting('level = "max"\nsmoke = "python -c \'import app\'"')
        what = "what only a run of the app can vouch for goes as well"
        yield Candidate("strip-max", what, how, other=situation.curated)
    bytecode = slug.categories.get("bytecode")
    if bytecode and strip.level != "off" and strip.bytecode == "keep":
        what, how = (
            "of the bytecode, what the app's start reads stays",
            _setting('bytecode = "boot"'),
        )
        yield Candidate("bytecode-boot", what, how, other=round(_NOT_AT_BOOT * bytecode.compressed))


def _setting(line: str) -> str:
    return f"In slugfit.toml:\n[strip]\n{line}"


def _quantized(slug: Slug, situation: Situation) -> Iterator[Candidate]:
    for item, weight in slug.items.items():
        name = item.name.lower()
        is_done = item.name in situation.quantized or any(word in name for word in _QUANTIZED)
        if item.kind == "model" and not is_done:
            what = f"{item.name} with 8 bits a weight, if it has 32"
            size = round((1 - _AFTER_QUANTIZING) * weight.compressed)
            yield Candidate(f"quantize-{item.name}", what, _how_to_quantize(name), other=size)


def _how_to_quantize(name: str) -> str:
    to = next((to for ends, to in _TARGETS.items() if name.endswith(ends)), None)
    if to is None:
        return "Quantize it with the tools of its framework, and upload the result."
    return f'In its [[models]] of slugfit.toml:\nconvert = {{ to = "{to}", quantize = "dynamic" }}'


@cache
def _tables() -> dict[str, Any]:
    return loads(Path(__file__).with_name("savings.toml").read_text(encoding="utf-8"))

"""Changes that could make a slug smaller. What is known of packages is in savings.toml."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from slugfit.app.package_manager import Manager
from slugfit.audit.edits import removing, replacing, without_cuda
from slugfit.audit.weights import Distributions
from slugfit.base.toml import loads
from slugfit.settings.model import StripSettings
from slugfit.slug.contents import Slug

_AFTER_QUANTIZING = 0.25  # 8 bits per weight instead of 32
_TARGETS = {(".tflite", ".keras", ".h5", ".hdf5"): "tflite", (".onnx",): "onnx"}
_QUANTIZED = ("int8", "quant", "-q4", "-q5", "-q8", ".gguf")
_SAFELY_REMOVED = 0.12  # of site-packages: the least that level safe removes in the benchmarks
_NOT_AT_BOOT = 0.5  # of the bytecode, by weight


@dataclass(frozen=True)
class AppContext:
    """What proposals depend on besides the slug. The defaults assume nothing.

    `unmentioned` are the requirements that no file of the app mentions; `mentioned` the lowercase
    words of the app's files except its tests; `max_level_bytes` the compressed bytes that level
    max would remove besides; `quantized` the paths of models that are quantized already.
    """

    strip: StripSettings = field(default_factory=StripSettings)
    manager: Manager = "pip"
    unmentioned: tuple[str, ...] = ()
    mentioned: frozenset[str] = frozenset()
    max_level_bytes: int = 0
    quantized: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Proposal:
    """A change, and what it removes: fractions of distributions by name, and `other` bytes.

    `is_work`: the app's code has to change, too.
    """

    id: str
    what: str
    how: str
    parts: Mapping[str, float] = field(default_factory=dict)
    other: int = 0
    is_work: bool = False


def proposals(slug: Slug, context: AppContext, distributions: Distributions) -> Iterator[Proposal]:
    """All changes that apply to the slug, however little they save."""
    for table in _tables()["savings"]:
        yield from _known(table, context, distributions)
    yield from _removals(slug, context, distributions)
    yield from _stripped(slug, context, distributions)
    yield from _quantized(slug, context)


def _known(
    table: Mapping[str, Any], context: AppContext, distributions: Distributions
) -> Iterator[Proposal]:
    """The proposal of a table in savings.toml, if it applies to the slug."""
    is_there = all(distributions.matching(glob) for glob in table["installed"])
    if not is_there or distributions.matching(*table.get("absent", ())):
        return
    parts, how = distributions.freed(table.get("frees", {})), ""
    if "cuda" in table:
        how = without_cuda(context.manager)
    elif "remove" in table:
        how = removing(table["remove"], context.manager)
        parts = dict.fromkeys(distributions.removed_with(table["remove"]), 1.0)
    else:
        old, new = table["replace"]
        asked = distributions.replaceable(old)
        if not asked:
            return
        how = replacing(asked[0], new, context.manager)
        parts = parts if "frees" in table else dict.fromkeys(distributions.removed_with(asked), 1.0)
    costs, is_work = -table.get("costs", 0), table.get("work", False)
    yield Proposal(table["id"], table["what"], how, parts, costs, is_work)


def _removals(slug: Slug, context: AppContext, distributions: Distributions) -> Iterator[Proposal]:
    """Packages that the app does not use, judging by its files."""
    development = frozenset(_tables()["development"]["names"])
    asked = sorted(development & slug.graph.direct.keys())
    if tools := [name for name in asked if name.replace("-", "_") not in context.mentioned]:
        what = f"development tools in the slug: {', '.join(tools)}"
        yield _removal("development-tools", what, tools, context, distributions)
    known = development | frozenset(_tables()["unmentioned"]["names"])
    for name in context.unmentioned:
        if name not in known:
            what = f"no file of the app imports {name}"
            yield _removal(f"unused-{name}", what, [name], context, distributions)
    if left := slug.graph.unrequired():
        what = f"nothing requires {', '.join(left)}"
        how = "Reinstall everything in the next build:\nheroku builds:cache:purge"
        parts = dict.fromkeys(distributions.removed_with(left), 1.0)
        yield Proposal("unrequired", what, how, parts)


def _removal(
    id_: str, what: str, names: Sequence[str], context: AppContext, distributions: Distributions
) -> Proposal:
    parts = dict.fromkeys(distributions.removed_with(names), 1.0)
    return Proposal(id_, what, removing(names, context.manager), parts)


def _stripped(slug: Slug, context: AppContext, distributions: Distributions) -> Iterator[Proposal]:
    """What other settings of the strip would remove."""
    strip = context.strip
    if strip.level == "off":
        what, how = "removing tests and other unused files", _setting('level = "safe"')
        size = round(_SAFELY_REMOVED * sum(distributions.weights.values()))
        yield Proposal("strip-safe", what, how, other=size)
    elif strip.level == "safe":
        how = _setting('level = "max"\nsmoke = "python -c \'import app\'"')
        what = "also removing what only a run of the app can prove unused"
        yield Proposal("strip-max", what, how, other=context.max_level_bytes)
    bytecode = slug.categories.get("bytecode")
    if bytecode and strip.level != "off" and strip.bytecode == "keep":
        what = "keeping only the bytecode that the app's start imports"
        how = _setting('bytecode = "boot"')
        yield Proposal("bytecode-boot", what, how, other=round(_NOT_AT_BOOT * bytecode.compressed))


def _setting(line: str) -> str:
    return f"In slugfit.toml:\n[strip]\n{line}"


def _quantized(slug: Slug, context: AppContext) -> Iterator[Proposal]:
    for item, weight in slug.items.items():
        name = item.name.lower()
        is_done = item.name in context.quantized or any(word in name for word in _QUANTIZED)
        if item.kind == "model" and not is_done:
            what = f"quantizing {item.name} to 8 bits per weight, if it has 32"
            size = round((1 - _AFTER_QUANTIZING) * weight.compressed)
            yield Proposal(f"quantize-{item.name}", what, _how_to_quantize(name), other=size)


def _how_to_quantize(name: str) -> str:
    to = next((to for ends, to in _TARGETS.items() if name.endswith(ends)), None)
    if to is None:
        return "Quantize it with the tools of its framework, and upload the result."
    return f'In its [[models]] of slugfit.toml:\nconvert = {{ to = "{to}", quantize = "dynamic" }}'


@cache
def _tables() -> dict[str, Any]:
    return loads(Path(__file__).with_name("savings.toml").read_text(encoding="utf-8"))

"""The forecast, put together: packages, Python, the app's own files, models."""

from __future__ import annotations

import re
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from packaging.utils import canonicalize_name

from slugfit.app.git_files import pushed_files
from slugfit.app.package_manager import Manager, Requirements, find_requirements
from slugfit.app.python_version import python_for
from slugfit.app.slugignore import without_ignored
from slugfit.audit.giants import Giant, giants
from slugfit.base.heroku import GLIBC
from slugfit.base.http import Network
from slugfit.base.sizes import format_size
from slugfit.fetch.transfer.transfer import transfer_for
from slugfit.forecast.conflicts import find_conflict
from slugfit.forecast.estimate import Forecast, Stripping
from slugfit.forecast.failures import Unresolvable
from slugfit.forecast.heroku_python import runtime, tool_files
from slugfit.forecast.indexes import Indexes
from slugfit.forecast.model_sizes import ModelSize, becomes, sizes_of_models
from slugfit.forecast.nearest_wheel import NearestWheels
from slugfit.forecast.other_python import OtherPython, python_with_wheels
from slugfit.forecast.pylock import SOURCE, Pinned
from slugfit.forecast.remote_file import Web
from slugfit.forecast.resolve import Resolver
from slugfit.forecast.resolve_trials import ResolveTrials
from slugfit.forecast.site_packages import ForecastPackages, Part
from slugfit.forecast.start_imports import Start, start_of
from slugfit.forecast.uv import Uv
from slugfit.forecast.wheel_cache import WheelReader
from slugfit.forecast.wheel_strip import taken
from slugfit.packages.graph import Graph
from slugfit.packages.target import Machine
from slugfit.settings.model import Settings, StripSettings
from slugfit.slug.contents import Slug
from slugfit.slug.items import Item
from slugfit.slug.weigh.archive_spec import ArchiveSpec
from slugfit.slug.weigh.compress import Weight
from slugfit.slug.weigh.weigher import Weigher
from slugfit.stores.location import AppFile

ERROR = 0.05  # the largest expected error
_MODEL_SECONDS = 4.0
_SEARCH_SECONDS = 30.0  # for conflicting lines, and for the nearest wheels
_BOOT = (
    "bytecode: {} of {} are counted, an estimate of what the app reads at start, which only a"
    " build can observe"
)
_QUOTED = re.compile(rb"""["']([A-Za-z0-9_.-]+)["']""")


@dataclass(frozen=True)
class PredictRequest:
    """The app, the stack and the Python to predict for, and the tools: uv and a cache."""

    app: Path
    stack: str
    python: str | None
    settings: Settings
    uv: Path
    cache: Path
    environ: Mapping[str, str]


@dataclass(frozen=True)
class Prediction:
    """A slug that is not there yet.

    `missing` is what is not counted, and `rough` what is estimated from a size alone: each a line
    that says why. If anything is missing, the slug is at least this large. `other_python` is looked
    for where packages are there as source alone.
    """

    python: str
    stack: str
    source: str
    manager: Manager
    strip: StripSettings
    slug: Slug
    giants: tuple[Giant, ...]
    missing: tuple[str, ...]
    rough: tuple[str, ...]
    other_python: OtherPython | None = None


def predict(question: PredictRequest) -> Prediction:
    """Raises a failure of slugfit.forecast.failures."""
    app, settings = question.app, question.settings
    wanted = find_requirements(app)
    python = python_for(app, wanted.manager, question.python)
    machine = Machine(python.minor, GLIBC[question.stack])
    indexes = Indexes.of(question.environ)
    uv = Uv(question.uv, question.cache / "uv", indexes)
    credentials = indexes.credentials(wanted.file.read_text(errors="replace"))
    reader = WheelReader(question.cache / "wheels", Web(credentials, indexes.network))
    files = tuple(without_ignored(app, pushed_files(app, question.environ)))
    start = _start(app, files, settings)
    nearest = NearestWheels(uv, machine, reader, wanted.file, time.monotonic() + _SEARCH_SECONDS)
    resolver = Resolver(uv, machine, nearest.requires)
    pins = _resolve(resolver, wanted)
    packages = ForecastPackages.of(pins, reader, nearest)
    listing = packages.listing(machine, tool_files(wanted.manager, machine))
    stripping = Stripping(settings.strip, machine, taken(listing, settings.strip, start))
    graph = packages.graph(app, machine)
    parts = [
        *packages.parts(stripping, start, graph),
        *_models(settings, indexes.network),
        *_own(app, files, settings),
    ]
    named = {canonicalize_name(part.item.name) for part in parts}
    parts += [
        Part(item, forecast)
        for item, forecast in runtime(stripping, wanted.manager, is_seen=start.is_seen)
        if item.name not in named
    ]
    found = _prediction(parts, graph, question, machine, wanted)
    if all(pin.wheel or not pin.instead.startswith(SOURCE) for pin in pins):
        return found
    return replace(found, other_python=python_with_wheels(resolver, wanted, nearest.deadline))


def _resolve(resolver: Resolver, wanted: Requirements) -> tuple[Pinned, ...]:
    try:
        return resolver.resolve(wanted)
    except Unresolvable as failure:
        if wanted.manager != "pip":  # the tool that wrote the lock has to resolve it
            raise
        trials = ResolveTrials.of(resolver.uv, resolver.machine, wanted.file, _SEARCH_SECONDS)
        raise find_conflict(failure, trials) from None


def _prediction(
    parts: Sequence[Part],
    graph: Graph,
    question: PredictRequest,
    machine: Machine,
    wanted: Requirements,
) -> Prediction:
    weights = {part.item: part.forecast for part in parts if part.forecast}
    after = {item: forecast.after for item, forecast in weights.items()}
    before = sum((forecast.before for forecast in weights.values()), start=Weight())
    total = sum(after.values(), start=Weight())
    removed = Weight(before.raw - total.raw, before.compressed - total.compressed)
    packages = {i.name: (i.version, w) for i, w in after.items() if i.kind == "distribution"}
    return Prediction(
        python=machine.python,
        stack=question.stack,
        source=wanted.file.name,
        manager=wanted.manager,
        strip=question.settings.strip,
        slug=Slug(
            after,
            removed,
            # Of the categories, only this is known.
            parts={item: {"bytecode": forecast.bytecode} for item, forecast in weights.items()},
            graph=graph,
        ),
        giants=giants(packages, question.settings.budget, wanted.manager),
        missing=tuple(part.line for part in parts if not part.forecast),
        rough=(
            *(part.line for part in parts if part.forecast and part.why),
            *_estimated(weights.values()),
        ),
    )


def _estimated(forecasts: Iterable[Forecast]) -> Iterator[str]:
    """A line on bytecode of which only a build can tell how much stays."""
    unsure = [forecast for forecast in forecasts if forecast.unsure.compressed]
    if unsure:
        counted = sum(forecast.bytecode.compressed for forecast in unsure)
        whole = sum(forecast.unsure.compressed for forecast in unsure)
        yield _BOOT.format(format_size(counted), format_size(whole))


def _start(app: Path, files: Iterable[str], settings: Settings) -> Start:
    sources = [path for path in files if path.endswith(".py")]
    texts = frozenset(_texts(app, sources))
    return start_of(app, sources, texts, smoke=bool(settings.strip.smoke))


def _models(settings: Settings, network: Network) -> Iterator[Part]:
    """Those that come from a store."""
    transfer = transfer_for(_MODEL_SECONDS, network)
    yield from map(_of_model, sizes_of_models(settings, transfer))


def _of_model(model: ModelSize) -> Part:
    forecast = Forecast(model.weight, model.weight) if model.weight else None
    return Part(Item("model", model.path), forecast, model.why)


def _texts(app: Path, sources: Iterable[str]) -> Iterator[str]:
    """The texts in the app's sources that can be names."""
    for path in sources:
        with suppress(OSError):
            yield from (word.decode() for word in _QUOTED.findall((app / path).read_bytes()))


def _own(app: Path, files: Iterable[str], settings: Settings) -> Iterator[Part]:
    """The app's files, and the models that are made of some.

    A build links these to where the app expects them; a slug has each link as a file of its own.
    """
    models = {
        Item("model", model.path): (model, model.source.path)
        for model in settings.models
        if isinstance(model.source, AppFile)
    }
    in_place = {model.path for model, _ in models.values()}
    own = tuple(path for path in files if path not in in_place)
    loads = {
        item: ArchiveSpec(app, (source,))
        for item, (_, source) in models.items()
        if (app / source).is_file()
    }
    if own:
        loads[Item("app", "the app's own files")] = ArchiveSpec(app, own)
    with tempfile.TemporaryDirectory() as memory:
        weights = Weigher(Path(memory, "weights.json")).weigh(loads)
    for item, weight in weights.items():
        part = Part(item, Forecast(weight, weight))
        yield _of_model(becomes(models[item][0], weight)) if item in models else part
    for item in models.keys() - weights.keys():
        yield Part(item, None, f"{models[item][1]} does not exist")

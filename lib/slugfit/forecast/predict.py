"""The forecast, put together: packages, Python, the app's own files, models."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from slugfit.distributions import normalized
from slugfit.forecast.application import own_files
from slugfit.forecast.contents import Reader
from slugfit.forecast.giants import Giant, giants
from slugfit.forecast.indexes import Indexes
from slugfit.forecast.models import ModelSize, becomes, sizes_of_models
from slugfit.forecast.packages import Packages, Part
from slugfit.forecast.ranges import Web
from slugfit.forecast.requirements import Manager, Requirements, find_requirements, python_for
from slugfit.forecast.resolve import Resolver
from slugfit.forecast.runtime import runtime
from slugfit.forecast.start import Start, start_of
from slugfit.forecast.tags import GLIBC, Machine
from slugfit.forecast.weigh import Forecast, Stripping
from slugfit.models.transfer import transfer_for
from slugfit.models.wire import Network
from slugfit.plan import is_url
from slugfit.settings.model import Settings, StripSettings
from slugfit.sizes import format_size
from slugfit.slug.contents import Slug
from slugfit.slug.requirements.requirers import Graph
from slugfit.slug.tree import Item
from slugfit.slug.weighing.compress import Weight
from slugfit.slug.weighing.load import Load
from slugfit.slug.weighing.memory import Scales

ERROR = 0.05  # what a forecast may be off by
_MODEL_SECONDS = 4.0
_BOOT = (
    "bytecode: {} of {} are counted, an estimate of what the app's start reads, which only a build"
    " sees"
)
_QUOTED = re.compile(rb"""["']([A-Za-z0-9_.-]+)["']""")


@dataclass(frozen=True)
class Question:
    """Which app, for which stack and which Python; and who answers: uv, and a cache."""

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

    `missing` is what is not counted, and `rough` what is, but for which only a size was to be
    had: each a line that says why. With anything missing, the slug is at least so big.
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


def predict(question: Question) -> Prediction:
    """Raises a failure of slugfit.forecast.failures."""
    app, settings = question.app, question.settings
    wanted = find_requirements(app)
    machine = Machine(python_for(app, question.python), GLIBC[question.stack])
    indexes = Indexes.of(question.environ)
    resolver = Resolver(question.uv, question.cache / "uv", indexes, machine)
    credentials = indexes.credentials(wanted.file.read_text(errors="replace"))
    reader = Reader(question.cache / "wheels", Web(credentials, indexes.network))
    files = own_files(app, question.environ)
    start = _start(app, files, settings)
    packages = Packages.of(resolver.resolve(wanted), reader)
    largest = packages.largest(settings.strip, start)
    stripping = Stripping(settings.strip, machine, start.texts, largest, packages.names)
    graph = packages.graph(app, machine)
    parts = [
        *packages.parts(stripping, start, graph),
        *_models(settings, indexes.network),
        *_own(app, files, settings),
    ]
    named = {normalized(part.item.name) for part in parts}
    parts += [
        Part(item, forecast)
        for item, forecast in runtime(stripping, wanted.manager, is_seen=start.is_seen)
        if item.name not in named
    ]
    return _prediction(parts, graph, question, machine, wanted)


def _prediction(
    parts: Sequence[Part],
    graph: Graph,
    question: Question,
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
        giants=giants(packages, question.settings.budget),
        missing=tuple(part.line for part in parts if not part.forecast),
        rough=(
            *(part.line for part in parts if part.forecast and part.why),
            *_estimated(weights.values()),
        ),
    )


def _estimated(forecasts: Iterable[Forecast]) -> Iterator[str]:
    """What is said of bytecode of which only a build can tell how much stays."""
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
    models = {Item("model", m.path): m for m in settings.models if not is_url(m.source)}
    in_place = {model.path for model in models.values()}
    own = tuple(path for path in files if path not in in_place)
    paths = {item: (model.source,) for item, model in models.items()}
    loads = {item: Load(app, some) for item, some in paths.items() if (app / some[0]).is_file()}
    if own:
        loads[Item("app", "the app's own files")] = Load(app, own)
    with tempfile.TemporaryDirectory() as memory:
        weights = Scales(Path(memory, "weights.json")).weigh(loads)
    for item, weight in weights.items():
        part = Part(item, Forecast(weight, weight))
        yield _of_model(becomes(models[item], weight)) if item in models else part
    for item in models.keys() - weights.keys():
        yield Part(item, None, f"{models[item].source} is not there")

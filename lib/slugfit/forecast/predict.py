"""The forecast, put together: packages, Python, the app's own files, models."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from slugfit.distributions import normalized
from slugfit.forecast.application import own_files
from slugfit.forecast.contents import Contents, Reader
from slugfit.forecast.giants import Giant, giants
from slugfit.forecast.indexes import Indexes
from slugfit.forecast.models import sizes_of_models
from slugfit.forecast.pins import EDITABLE, Pinned
from slugfit.forecast.ranges import Web
from slugfit.forecast.requirements import Manager, Requirements, find_requirements, python_for
from slugfit.forecast.resolve import Resolver
from slugfit.forecast.runtime import runtime
from slugfit.forecast.tags import GLIBC, Machine
from slugfit.forecast.weigh import Forecast, Stripping, of_size
from slugfit.models.transfer import transfer_for
from slugfit.models.wire import Network
from slugfit.plan import is_url
from slugfit.settings.model import Settings, StripSettings
from slugfit.slug.contents import Slug
from slugfit.slug.requirements.demands import demands, parse
from slugfit.slug.requirements.markers import environment
from slugfit.slug.requirements.requirers import Graph, resolve
from slugfit.slug.tree import Item
from slugfit.slug.weighing.compress import Weight
from slugfit.slug.weighing.load import Load
from slugfit.slug.weighing.memory import Scales

ERROR = 0.05  # what a forecast may be off by
_MODEL_SECONDS = 4.0
_BOOT = "bytecode: half of it is counted, since only a build sees what the app's start reads"
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


@dataclass(frozen=True)
class _Part:
    """An item; without `forecast` it is missing. `why` tells of what is missing, or rough."""

    item: Item
    forecast: Forecast | None
    why: str = ""
    requires: tuple[str, ...] = ()

    @property
    def line(self) -> str:
        return f"{self.item.name} {self.item.version}".strip() + f": {self.why}"


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
    stripping = Stripping(settings.strip, machine.soabi, frozenset(_words(app, files)))
    parts = [
        *_packages(resolver.resolve(wanted), reader, stripping),
        *_models(settings, indexes.network),
        *_own(app, files, settings),
    ]
    named = {normalized(part.item.name) for part in parts}
    strips = settings.strip.level != "off"
    parts += [
        _Part(item, forecast)
        for item, forecast in runtime(machine, wanted.manager, strips=strips)
        if item.name not in named
    ]
    return _prediction(parts, question, machine, wanted)


def _prediction(
    parts: Iterable[_Part], question: Question, machine: Machine, wanted: Requirements
) -> Prediction:
    listed = list(parts)
    weights = {part.item: part.forecast for part in listed if part.forecast}
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
            graph=_graph(listed, question.app, machine),
        ),
        giants=giants(packages, question.settings.budget),
        missing=tuple(part.line for part in listed if not part.forecast),
        rough=(
            *(part.line for part in listed if part.forecast and part.why),
            *([_BOOT] if question.settings.strip.bytecode == "boot" else []),
        ),
    )


def _graph(parts: Iterable[_Part], app: Path, machine: Machine) -> Graph:
    """Who requires whom, as in a built slug."""
    required = {
        normalized(part.item.name): tuple(filter(None, map(parse, part.requires)))
        for part in parts
        if part.item.kind == "distribution"
    }
    return resolve(required, demands(app), environment(machine.python))


def _packages(pins: Iterable[Pinned], reader: Reader, stripping: Stripping) -> Iterator[_Part]:
    listed = [pin for pin in pins if pin.instead != EDITABLE]  # the app has it already
    contents = reader.read_all(pin.wheel for pin in listed if pin.wheel)
    for pin in listed:
        item = Item("distribution", pin.name, pin.version)
        if pin.wheel is None:
            yield _Part(item, None, pin.instead)
        else:
            yield _package(item, contents[pin.wheel], stripping)


def _package(item: Item, contents: Contents, stripping: Stripping) -> _Part:
    inside = contents.inside
    if inside:
        forecast = stripping.weigh(normalized(item.name), inside.members)
        return _Part(item, forecast, requires=inside.requires)
    if contents.size is None:
        return _Part(item, None, contents.why)
    weight = of_size(contents.size)
    return _Part(item, Forecast(weight, weight), f"from its wheel's size alone: {contents.why}")


def _models(settings: Settings, network: Network) -> Iterator[_Part]:
    transfer = transfer_for(_MODEL_SECONDS, network)
    for model in sizes_of_models(settings, transfer):
        item = Item("model", model.path)
        yield _Part(item, Forecast(model.weight, model.weight) if model.weight else None, model.why)


def _words(app: Path, files: Iterable[str]) -> Iterator[str]:
    """The texts in the app's sources that can be names."""
    for path in files:
        if path.endswith(".py"):
            with suppress(OSError):
                yield from (word.decode() for word in _QUOTED.findall((app / path).read_bytes()))


def _own(app: Path, files: Iterable[str], settings: Settings) -> Iterator[_Part]:
    """The app's files, and apart from them those that are models."""
    models = {model.source for model in settings.models if not is_url(model.source)}
    found: dict[Item, list[str]] = {}
    for path in files:
        model = path in models
        item = Item("model", path) if model else Item("app", "the app's own files")
        found.setdefault(item, []).append(path)
    with tempfile.TemporaryDirectory() as memory:
        loads = {item: Load(app, tuple(paths)) for item, paths in found.items()}
        for item, weight in Scales(Path(memory, "weights.json")).weigh(loads).items():
            yield _Part(item, Forecast(weight, weight))

"""The packages of a forecast: what is in their wheels, and what a strip leaves of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from packaging.utils import canonicalize_name

from slugfit.app.requirements import demands, parse
from slugfit.forecast.estimate import Forecast, Stripping, of_size
from slugfit.forecast.nearest_wheel import NearestWheels
from slugfit.forecast.pylock import EDITABLE, SOURCE, Pinned
from slugfit.forecast.start_imports import Start, shares
from slugfit.forecast.wheel_cache import WheelOutcome, WheelReader
from slugfit.forecast.wheel_listing import WheelListing
from slugfit.forecast.wheels import WheelContents, WheelMember
from slugfit.packages.graph import Graph, resolve
from slugfit.packages.markers import environment
from slugfit.packages.target import Machine
from slugfit.slug.items import Item

_SMALL_SOURCE = 1_000_000  # bytes; what is built of more may be of any size


@dataclass(frozen=True)
class Part:
    """An item; without `forecast` it is missing. `why` is the reason, also for a rough one."""

    item: Item
    forecast: Forecast | None
    why: str = ""

    @property
    def line(self) -> str:
        return f"{self.item.name} {self.item.version}".strip() + f": {self.why}"


@dataclass(frozen=True)
class ForecastPackages:
    """What a resolver has found, with what is in it."""

    contents: Mapping[Pinned, WheelOutcome]

    @classmethod
    def of(
        cls, pins: Iterable[Pinned], reader: WheelReader, nearest: NearestWheels
    ) -> ForecastPackages:
        """Raises IndexDown when a server does not answer."""
        listed = [pin for pin in pins if pin.instead != EDITABLE]  # the app has it already
        read = reader.read_all(pin.wheel for pin in listed if pin.wheel)
        others = {pin: _instead(pin, nearest) for pin in listed if not pin.wheel}
        return cls(others | {pin: read[pin.wheel] for pin in listed if pin.wheel})

    @property
    def names(self) -> frozenset[str]:
        """Their names, normalized."""
        return frozenset(canonicalize_name(pin.name) for pin in self.contents)

    @property
    def insides(self) -> dict[str, WheelContents]:
        """What is known of them, by normalized name."""
        found = ((pin, contents.inside) for pin, contents in self.contents.items())
        return {canonicalize_name(pin.name): inside for pin, inside in found if inside}

    def graph(self, app: Path, machine: Machine) -> Graph:
        """Who requires whom, as in a built slug."""
        requires: dict[str, tuple[str, ...]] = dict.fromkeys(sorted(self.names), ())
        requires |= {name: inside.requires for name, inside in self.insides.items()}
        required = {name: tuple(filter(None, map(parse, r))) for name, r in requires.items()}
        return resolve(required, demands(app), environment(machine.python))

    def listing(self, machine: Machine, tools: Mapping[str, str]) -> WheelListing:
        """Site-packages once all is installed; `tools` come with it: a file of each, by name."""
        wheels = [
            (pin.name, pin.version, outcome.inside.members if outcome.inside else ())
            for pin, outcome in self.contents.items()
        ]
        others = {name: file for name, file in tools.items() if name not in self.names}
        wheels += ((name, "", (WheelMember(file, 0, 0),)) for name, file in others.items())
        return WheelListing.of(wheels, machine.soabi)

    def parts(self, stripping: Stripping, start: Start, graph: Graph) -> Iterator[Part]:
        """Each of them, stripped."""
        read = shares(start, self.insides, graph)
        for pin, contents in self.contents.items():
            item = Item("distribution", pin.name, pin.version)
            name = canonicalize_name(pin.name)
            if contents.inside:
                members = contents.inside.members
                yield Part(item, stripping.weigh(members, read[name]), contents.why)
            elif contents.size is None:
                yield Part(item, None, contents.why)
            else:
                weight = of_size(contents.size)
                why = f"estimated from its wheel's size: {contents.why}"
                yield Part(item, Forecast(weight, weight), why if pin.wheel else contents.why)


def _instead(pin: Pinned, nearest: NearestWheels) -> WheelOutcome:
    """What is known of a distribution that has no wheel for the machine."""
    if not pin.instead.startswith(SOURCE):
        return WheelOutcome(why=pin.instead)
    if found := nearest.outcome(pin.name, pin.version):
        return found
    if pin.source_bytes and pin.source_bytes <= _SMALL_SOURCE:
        return WheelOutcome(size=pin.source_bytes, why="estimated from the size of its source")
    return WheelOutcome(why=pin.instead)

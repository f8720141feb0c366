"""The packages of a forecast: what is in their wheels, and what a strip leaves of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from slugfit.distributions import normalized
from slugfit.forecast.contents import Contents, Reader
from slugfit.forecast.pins import EDITABLE, Pinned
from slugfit.forecast.start import Start, shares
from slugfit.forecast.tags import Machine
from slugfit.forecast.weigh import Forecast, Stripping, of_size
from slugfit.forecast.wheels import Inside
from slugfit.settings.model import StripSettings
from slugfit.slug.requirements.demands import demands, parse
from slugfit.slug.requirements.markers import environment
from slugfit.slug.requirements.requirers import Graph, resolve
from slugfit.slug.tree import Item
from slugfit.strip.nominate.curated import applicable


@dataclass(frozen=True)
class Part:
    """An item; without `forecast` it is missing. `why` tells of what is missing, or rough."""

    item: Item
    forecast: Forecast | None
    why: str = ""

    @property
    def line(self) -> str:
        return f"{self.item.name} {self.item.version}".strip() + f": {self.why}"


@dataclass(frozen=True)
class Packages:
    """What a resolver has found, with what is in it."""

    contents: Mapping[Pinned, Contents]

    @classmethod
    def of(cls, pins: Iterable[Pinned], reader: Reader) -> Packages:
        """Raises IndexDown when a server does not answer."""
        listed = [pin for pin in pins if pin.instead != EDITABLE]  # the app has it already
        read = reader.read_all(pin.wheel for pin in listed if pin.wheel)
        nothing = {pin: Contents(why=pin.instead) for pin in listed}
        return cls(nothing | {pin: read[pin.wheel] for pin in listed if pin.wheel})

    @property
    def names(self) -> frozenset[str]:
        """Their names, normalized."""
        return frozenset(normalized(pin.name) for pin in self.contents)

    @property
    def insides(self) -> dict[str, Inside]:
        """What is known of them, by normalized name."""
        found = ((pin, contents.inside) for pin, contents in self.contents.items())
        return {normalized(pin.name): inside for pin, inside in found if inside}

    def graph(self, app: Path, machine: Machine) -> Graph:
        """Who requires whom, as in a built slug."""
        requires: dict[str, tuple[str, ...]] = {normalized(pin.name): () for pin in self.contents}
        requires |= {name: inside.requires for name, inside in self.insides.items()}
        required = {name: tuple(filter(None, map(parse, r))) for name, r in requires.items()}
        return resolve(required, demands(app), environment(machine.python))

    def largest(self, settings: StripSettings, start: Start) -> tuple[str, ...]:
        """Globs of what level "max" takes, unless the app's own code imports it."""
        lines = applicable(self.contents) if settings.level == "max" else ()
        unasked = (line for line in lines if not start.imports(line.unless_imported))
        return tuple(glob for line in unasked for glob in line.paths)

    def parts(self, stripping: Stripping, start: Start, graph: Graph) -> Iterator[Part]:
        """Each of them, stripped."""
        read = shares(start, self.insides, graph)
        for pin, contents in self.contents.items():
            item = Item("distribution", pin.name, pin.version)
            name = normalized(pin.name)
            if contents.inside:
                members = contents.inside.members
                yield Part(item, stripping.weigh(name, members, read[name]))
            elif contents.size is None:
                yield Part(item, None, contents.why)
            else:
                weight = of_size(contents.size)
                why = f"from its wheel's size alone: {contents.why}"
                yield Part(item, Forecast(weight, weight), why)

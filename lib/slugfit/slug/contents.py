"""A measured slug as data: its items, their weights, and why they are there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from slugfit.base.sizes import format_size
from slugfit.packages.graph import Graph
from slugfit.slug.categories import Category, by_category
from slugfit.slug.items import Item
from slugfit.slug.weigh.compress import Weight

_BIGGEST = 8
_LONGEST_CHAIN = 3  # links per line


@dataclass(frozen=True)
class Slug:
    """The weights of a slug's items, and of the files that the strip removed.

    `parts` are the items' weights by category, `graph` is the dependency graph, and `files` the
    number of files and symbolic links. These are optional.
    """

    items: dict[Item, Weight]
    removed: Weight
    parts: Mapping[Item, Mapping[Category, Weight]] = field(default_factory=dict)
    graph: Graph = field(default_factory=Graph)
    files: int = 0

    @property
    def weight(self) -> Weight:
        return sum(self.items.values(), start=Weight())

    @property
    def before(self) -> Weight:
        """The weight without the strip."""
        return self.weight + self.removed

    @property
    def categories(self) -> dict[Category, Weight]:
        """The weight of each category, the heaviest first."""
        return by_category(self.parts.values())

    def chain(self, item: Item) -> tuple[str, ...]:
        """What requires a distribution, up to the app's requirements file; empty for others."""
        return self.graph.chain(item.name) if item.kind == "distribution" else ()

    def biggest(self, count: int = _BIGGEST) -> list[tuple[Item, Weight]]:
        ordered = sorted(self.items.items(), key=lambda pair: (-pair[1].compressed, pair[0].name))
        return ordered[:count]


def label_of(item: Item) -> str:
    return f"{item.name} {item.version}".strip()


def size_table(rows: Iterable[tuple[Item, Weight]], graph: Graph | None = None) -> list[str]:
    """A line per item: its label, compressed and unpacked size, and what requires it."""
    listed = [(label_of(item), weight, _arrows(item, graph or Graph())) for item, weight in rows]
    width = max((len(label) for label, _, _ in listed), default=0)
    return [
        f"{label:<{width}}  {format_size(weight.compressed):>9}  {format_size(weight.raw):>9}"
        f"  {arrows}".rstrip()
        for label, weight, arrows in listed
    ]


def _arrows(item: Item, graph: Graph) -> str:
    """What requires an item, without the app's requirements file at the end of the chain."""
    links = list(graph.chain(item.name)[:-1]) if item.kind == "distribution" else []
    shown = [*links[: _LONGEST_CHAIN - 1], "…", links[-1]] if len(links) > _LONGEST_CHAIN else links
    return " ".join(f"← {link}" for link in shown)

"""Holds the slug's size against the budget."""

from __future__ import annotations

from dataclasses import dataclass

from slugfit.errors import Explanation, Failure
from slugfit.settings.model import PLATFORM_LIMIT, BudgetSettings
from slugfit.sizes import format_size, parse_size
from slugfit.slug.compress import Weight
from slugfit.slug.tree import Item

_BIGGEST = 8


@dataclass(frozen=True)
class Slug:
    """The measured slug, by item, and what the removed files weighed."""

    items: dict[Item, Weight]
    removed: Weight

    @property
    def weight(self) -> Weight:
        return sum(self.items.values(), start=Weight())

    @property
    def before(self) -> Weight:
        """What it would weigh had nothing been removed."""
        return self.weight + self.removed

    def biggest(self, count: int = _BIGGEST) -> list[tuple[Item, Weight]]:
        ordered = sorted(self.items.items(), key=lambda pair: (-pair[1].compressed, pair[0].name))
        return ordered[:count]


class OverLimit(Failure):
    """The slug is bigger than the budget allows."""

    id = "budget::over-limit"

    def __init__(self, slug: Slug, budget: BudgetSettings) -> None:
        self.slug = slug
        self.budget = budget

    def explain(self) -> Explanation:
        size, limit = self.slug.weight.compressed, self.budget.limit
        return Explanation(
            summary=f"The slug is {format_size(size - limit)} over its limit.",
            evidence=(
                f"compressed: {format_size(size)}",
                f"limit:      {format_size(limit)}",
                "",
                "The biggest items, compressed:",
                *size_table(self.slug.biggest()),
            ),
            why=self._why(),
            fixes=(*advice(self.slug), *self._raise_limit()),
        )

    def __str__(self) -> str:
        size, limit = self.slug.weight.compressed, self.budget.limit
        return f"The slug is {format_size(size)}; its limit is {format_size(limit)}."

    def _why(self) -> str:
        if self._is_own():
            return "The limit is the one that the configuration sets."
        return f"Heroku refuses slugs over {PLATFORM_LIMIT}, after the whole build."

    def _is_own(self) -> bool:
        return self.budget.limit < (parse_size(PLATFORM_LIMIT) or 0)

    def _raise_limit(self) -> tuple[str, ...]:
        if not self._is_own():
            return ()
        return (
            f'Allow more, in slugfit.toml:\n[budget]\nlimit = "{PLATFORM_LIMIT}"\n'
            "or, if a config var sets the limit:\n"
            f"heroku config:set SLUGFIT_BUDGET_LIMIT={PLATFORM_LIMIT}",
        )


def size_table(rows: list[tuple[Item, Weight]]) -> list[str]:
    """A line an item, sizes aligned."""
    labels = [f"{item.name} {item.version}".strip() for item, _ in rows]
    width = max((len(label) for label in labels), default=0)
    return [
        f"{label:<{width}}  {format_size(weight.compressed):>9}"
        for label, (_, weight) in zip(labels, rows, strict=True)
    ]


def advice(slug: Slug) -> tuple[str, ...]:
    """What would make this slug smaller, the most certain first."""
    names = {item.name.lower().replace("_", "-") for item in slug.items}
    found = []
    if "torch" in names and any(name.startswith("nvidia-") for name in names):
        found.append(
            "Install PyTorch without CUDA, which no dyno can use. At the top of requirements.txt:\n"
            "--extra-index-url https://download.pytorch.org/whl/cpu"
        )
    if "tensorflow" in names:
        found.append("Install tensorflow-cpu instead of tensorflow: it is the same without CUDA.")
    if names & {"tensorflow", "tensorflow-cpu"}:
        found.append(
            "If the app only predicts, convert the model to TFLite, and install ai-edge-litert."
        )
    if any(item.kind == "model" for item in slug.items):
        found.append("Quantize the models: 8 bits a weight take a quarter of the space of 32.")
    found.append("Remove packages that the app does not import from its requirements.")
    return tuple(found)

"""Holds the slug's size against the budget."""

from __future__ import annotations

from collections.abc import Sequence

from slugfit.errors import Explanation, Failure
from slugfit.settings.model import PLATFORM_LIMIT, BudgetSettings
from slugfit.sizes import format_size, parse_size
from slugfit.slug.contents import Slug, size_table
from slugfit.slug.smaller.savings import MOST, Saving

__all__ = ["OverLimit", "Slug", "advice", "size_table"]

_LAST_RESORT = "Remove packages that the app does not import from its requirements."


class OverLimit(Failure):
    """The slug is bigger than the budget allows."""

    id = "budget::over-limit"

    def __init__(self, slug: Slug, budget: BudgetSettings, found: Sequence[Saving] = ()) -> None:
        self.slug = slug
        self.budget = budget
        self.savings = tuple(found)

    def explain(self) -> Explanation:
        size, limit = self.slug.weight.compressed, self.budget.limit
        return Explanation(
            summary=f"The slug is {format_size(size - limit)} over its limit.",
            evidence=(
                f"compressed: {format_size(size)}",
                f"limit:      {format_size(limit)}",
                "",
                "The biggest items, compressed and unpacked:",
                *size_table(self.slug.biggest(), self.slug.graph),
            ),
            why=self._why(),
            fixes=(*advice(self.savings), *self._raise_limit()),
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


def advice(found: Sequence[Saving]) -> tuple[str, ...]:
    """What would save most, and what can be done in any case."""
    return (*map(str, found[:MOST]), *(() if found else (_LAST_RESORT,)))

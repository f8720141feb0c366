"""Compares the slug's size with the budget."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from slugfit.base.errors import Explanation, Failure
from slugfit.base.heroku import SLUG_LIMIT
from slugfit.base.sizes import MB, format_size
from slugfit.settings.model import BudgetSettings
from slugfit.slug.contents import Slug, size_table

__all__ = ["OverLimit", "Slug", "advice", "size_table"]

MAX_SUGGESTIONS = 3  # shown at once
_PLATFORM_LIMIT = f"{SLUG_LIMIT // MB}MB"
_LAST_RESORT = "Remove unused packages from the app's requirements."


@dataclass(frozen=True)
class Saving:
    """A change that saves about `bytes` of the compressed slug.

    `what` is a phrase without a full stop; `how` ends with lines to paste.
    """

    id: str
    bytes: int
    what: str
    how: str

    def __str__(self) -> str:
        return f"Saves about {format_size(self.bytes)}: {self.what}.\n{self.how}"


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
                "The largest items, compressed and unpacked:",
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
            return "This limit is set in the app's configuration."
        return f"Heroku rejects slugs over {_PLATFORM_LIMIT}, at the end of the build."

    def _is_own(self) -> bool:
        return self.budget.limit < SLUG_LIMIT

    def _raise_limit(self) -> tuple[str, ...]:
        if not self._is_own():
            return ()
        return (
            f'Raise the limit, in slugfit.toml:\n[budget]\nlimit = "{_PLATFORM_LIMIT}"\n'
            "or, if a config var sets it:\n"
            f"heroku config:set SLUGFIT_BUDGET_LIMIT={_PLATFORM_LIMIT}",
        )


def advice(found: Sequence[Saving]) -> tuple[str, ...]:
    """The largest savings, as text; when there are none, a general suggestion."""
    return (*map(str, found[:MAX_SUGGESTIONS]), *(() if found else (_LAST_RESORT,)))

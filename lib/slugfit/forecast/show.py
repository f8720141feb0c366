"""A forecast in words: the build log's table and advice, and what is not certain.

The one place that knows those functions.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from slugfit import VERSION
from slugfit.forecast.predict import ERROR, Prediction
from slugfit.output import Output
from slugfit.report.log import item_lines
from slugfit.settings.model import BudgetSettings
from slugfit.sizes import format_size
from slugfit.slug.budget import advice
from slugfit.slug.contents import label_of
from slugfit.slug.smaller.savings import Situation, savings, telling

SCHEMA_VERSION = 1
_LINES_SHOWN = 6


def show_prediction(found: Prediction, budget: BudgetSettings, output: Output) -> None:
    """All of it, giants first."""
    show_biggest(found, output)
    slug = found.slug
    output.detail("")
    output.detail(f"Slug: {total(found)} compressed, about {format_size(slug.weight.raw)} unpacked")
    output.detail(
        f"Before stripping: about {format_size(slug.before.compressed)} compressed, "
        f"{format_size(slug.before.raw)} unpacked"
    )
    output.detail(f"Limit: {format_size(budget.limit)} compressed")
    for line in uncertainties(found):
        output.detail(line)
    output.step(verdict(found, budget.limit))
    for text in suggestions(found, budget):
        output.detail("- " + text.replace("\n", "\n  "))


def show_biggest(found: Prediction, output: Output) -> None:
    """The giants, loudly, and the table of the biggest items."""
    for giant in found.giants:
        output.warning(giant.summary, giant.why, giant.fix)
    output.step(f"Predicting the slug: Python {found.python}, {found.stack}, {found.source}")
    for line in item_lines(found.slug):
        output.detail(line)


def suggestions(found: Prediction, budget: BudgetSettings) -> tuple[str, ...]:
    """As a build makes them: over the warning level all that help, else those that help a lot."""
    slug = found.slug
    helpful = savings(slug, Situation(strip=found.strip, manager=found.manager))
    if slug.weight.compressed > budget.warn:
        return advice(helpful)
    good = telling(helpful, slug)
    return advice(good) if good else ()


def total(found: Prediction) -> str:
    """The size, and how far it is to be trusted."""
    word = "at least" if found.missing else "about"
    return f"{word} {format_size(found.slug.weight.compressed)}"


def is_over(found: Prediction, limit: int) -> bool:
    return found.slug.weight.compressed > limit


def verdict(found: Prediction, limit: int) -> str:
    """One line: over, within, or too near to tell."""
    size = found.slug.weight.compressed
    held = "over" if is_over(found, limit) else "within"
    line = (
        f"{total(found)[:1].upper()}{total(found)[1:]}: {held} the budget of {format_size(limit)}"
    )
    if found.missing and held == "within":
        return f"{line}, as far as it is known"
    if abs(size - limit) <= ERROR * size:
        return f"{line}, by less than a forecast may be off"
    return line


def uncertainties(found: Prediction) -> Iterator[str]:
    """Yield what is not counted, and what is roughly."""
    for heading, lines in (("Not counted:", found.missing), ("Roughly:", found.rough)):
        if lines:
            yield ""
            yield heading
            yield from (f"  {line}" for line in lines[:_LINES_SHOWN])
            if len(lines) > _LINES_SHOWN:
                yield f"  and {len(lines) - _LINES_SHOWN} more"


def document(found: Prediction, budget: BudgetSettings) -> dict[str, Any]:
    """The forecast as data. Sizes are bytes; `at_least` is whether anything is not counted."""
    slug = found.slug
    return {
        "schema_version": SCHEMA_VERSION,
        "slugfit_version": VERSION,
        "python_version": found.python,
        "stack": found.stack,
        "requirements": found.source,
        "compressed_bytes": slug.weight.compressed,
        "raw_bytes": slug.weight.raw,
        "at_least": bool(found.missing),
        "error": ERROR,
        "before_strip": {
            "compressed_bytes": slug.before.compressed,
            "raw_bytes": slug.before.raw,
        },
        "limit_bytes": budget.limit,
        "over_limit": is_over(found, budget.limit),
        "items": [
            {
                "kind": item.kind,
                "name": item.name,
                "version": item.version,
                "compressed_bytes": weight.compressed,
                "raw_bytes": weight.raw,
            }
            for item, weight in slug.biggest(len(slug.items))
        ],
        "giants": [giant.summary for giant in found.giants],
        "not_counted": list(found.missing),
        "rough": list(found.rough),
    }


def markdown(found: Prediction, limit: int) -> str:
    """The verdict and the biggest items, for a pull request or a job's summary."""
    rows = [
        f"| {_cell(label_of(item))} | {format_size(weight.compressed)} |"
        for item, weight in found.slug.biggest()
    ]
    lines = [
        f"### Slugfit: {verdict(found, limit)}",
        "",
        *(f"> **{_cell(giant.summary)}** {_cell(giant.why)}\n" for giant in found.giants),
        "| the biggest | compressed |",
        "|---|---:|",
        *rows,
        *(_cell(line) for line in uncertainties(found)),
    ]
    return "\n".join([*lines, ""])


def _cell(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;")
    return " ".join(escaped.splitlines())

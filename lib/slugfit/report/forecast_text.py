"""A forecast as text, JSON and Markdown: the largest items, suggestions, and uncertainties."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from slugfit import VERSION
from slugfit.audit.proposals import AppContext
from slugfit.audit.savings import notable, savings
from slugfit.base.output import Output
from slugfit.base.sizes import format_size
from slugfit.forecast.forecast import ERROR, Prediction
from slugfit.report.log import item_lines
from slugfit.settings.model import BudgetSettings
from slugfit.slug.budget import advice
from slugfit.slug.contents import label_of

SCHEMA_VERSION = 1
_MAX_LINES = 6


def show_prediction(found: Prediction, budget: BudgetSettings, output: Output) -> None:
    """Log the whole forecast, with warnings about giants first."""
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
    """Warn about giants, and log the table of the largest items."""
    for giant in found.giants:
        output.warning(giant.summary, giant.why, giant.fix)
    output.step(f"Predicting the slug: Python {found.python}, {found.stack}, {found.source}")
    for line in item_lines(found.slug):
        output.detail(line)


def suggestions(found: Prediction, budget: BudgetSettings) -> tuple[str, ...]:
    """As a build suggests: over the warning level all savings, else only large ones."""
    slug = found.slug
    helpful = savings(slug, AppContext(strip=found.strip, manager=found.manager))
    if slug.weight.compressed > budget.warn:
        return advice(helpful)
    good = notable(helpful, slug)
    return advice(good) if good else ()


def total(found: Prediction) -> str:
    """The compressed size, as a lower bound when something is not counted."""
    word = "at least" if found.missing else "about"
    return f"{word} {format_size(found.slug.weight.compressed)}"


def is_over(found: Prediction, limit: int) -> bool:
    return found.slug.weight.compressed > limit


def verdict(found: Prediction, limit: int) -> str:
    """One line: over or within the budget, and whether that is certain."""
    size = found.slug.weight.compressed
    held = "over" if is_over(found, limit) else "within"
    line = (
        f"{total(found)[:1].upper()}{total(found)[1:]}: {held} the budget of {format_size(limit)}"
    )
    if found.missing and held == "within":
        return f"{line}, as far as known"
    if abs(size - limit) <= ERROR * size:
        return f"{line}, but within the margin of error"
    return line


def uncertainties(found: Prediction) -> Iterator[str]:
    """Lines on what is not counted, and on what is only estimated."""
    for heading, lines in (("Not counted:", found.missing), ("Estimated:", found.rough)):
        if lines:
            yield ""
            yield heading
            yield from (f"  {line}" for line in lines[:_MAX_LINES])
            if len(lines) > _MAX_LINES:
                yield f"  and {len(lines) - _MAX_LINES} more"


def document(found: Prediction, budget: BudgetSettings) -> dict[str, Any]:
    """The forecast as data. Sizes are bytes; `at_least` says that something is not counted."""
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
    """The verdict and the largest items, for a pull request or a job summary."""
    rows = [
        f"| {_cell(label_of(item))} | {format_size(weight.compressed)} |"
        for item, weight in found.slug.biggest()
    ]
    lines = [
        f"### Slugfit: {verdict(found, limit)}",
        "",
        *(f"> **{_cell(giant.summary)}** {_cell(giant.why)}\n" for giant in found.giants),
        "| largest items | compressed |",
        "|---|---:|",
        *rows,
        *(_cell(line) for line in uncertainties(found)),
    ]
    return "\n".join([*lines, ""])


def _cell(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;")
    return " ".join(escaped.splitlines())

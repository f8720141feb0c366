"""A forecast as text, JSON and Markdown: the largest items, suggestions, and uncertainties."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

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

Verdict = Literal["over", "within", "unknown"]

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
    _show_verdict(found, budget, output)


def show_check(found: Prediction, budget: BudgetSettings, output: Output) -> None:
    """Log what decides on the budget, and what to do about it."""
    show_biggest(found, output)
    _show_verdict(found, budget, output)


def _show_verdict(found: Prediction, budget: BudgetSettings, output: Output) -> None:
    for line in uncertainties(found):
        output.detail(line)
    output.step(verdict_line(found, budget.limit))
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


def verdict_of(found: Prediction, limit: int) -> Verdict:
    """Whether the slug is over the budget; what is not counted may bring it over."""
    if found.slug.weight.compressed > limit:
        return "over"
    return "unknown" if found.missing else "within"


def verdict_line(found: Prediction, limit: int) -> str:
    """The verdict in words, and whether it is certain."""
    size, verdict = found.slug.weight.compressed, verdict_of(found, limit)
    words = "can't tell whether it is within" if verdict == "unknown" else verdict
    line = (
        f"{total(found)[:1].upper()}{total(found)[1:]}: {words} the budget of {format_size(limit)}"
    )
    if verdict != "unknown" and abs(size - limit) <= ERROR * size:
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
    if other := found.other_python:
        yield ""
        yield f"Python {other.python} has wheels for all {other.packages} packages. To use it:"
        yield f"echo {other.python} >.python-version"


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
        "over_limit": verdict_of(found, budget.limit) == "over",
        "verdict": verdict_of(found, budget.limit),
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


def markdown(found: Prediction, budget: BudgetSettings) -> str:
    """The verdict, the largest items and what to do, for a pull request or a job summary."""
    rows = [
        f"| {_cell(label_of(item))} | {format_size(weight.compressed)} |"
        for item, weight in found.slug.biggest()
    ]
    lines = [
        f"### Slugfit: {verdict_line(found, budget.limit)}",
        "",
        *(f"> **{_cell(giant.summary)}** {_cell(giant.why)}\n" for giant in found.giants),
        "| largest items | compressed |",
        "|---|---:|",
        *rows,
        *(_cell(line) for line in uncertainties(found)),
        *(line for text in suggestions(found, budget) for line in _advice(text)),
    ]
    return "\n".join([*lines, ""])


def _advice(text: str) -> Iterator[str]:
    """A suggestion: what it saves, and how as code."""
    what, *how = text.splitlines()
    yield ""
    yield f"- {_cell(what)}"
    if how:
        yield ""
        yield from (f"      {line}" for line in how)


def _cell(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;")
    return " ".join(escaped.splitlines())

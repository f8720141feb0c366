"""The tables that a build shows in its log."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from slugfit.distributions import installed
from slugfit.output import Output
from slugfit.report.document import tally
from slugfit.settings.model import BudgetSettings
from slugfit.sizes import count_of, format_size
from slugfit.slug.budget import Slug, advice, size_table
from slugfit.strip import Restored, Stripped

_SHRUNK = "symbols and debug data"
_LINKED = "files that are there twice"


def show_strip(stripped: Stripped, site: Path, output: Output) -> None:
    """What went, by category, and what had to come back."""
    rows = [
        *tally((removal.category, removal) for removal in stripped.done.removals),
        *tally((_LINKED, linking) for linking in stripped.done.linkings),
        *tally((_SHRUNK, shrinking) for shrinking in stripped.done.shrinkings),
    ]
    width = max((len(row["name"]) for row in rows), default=0)
    for row in rows:
        files = count_of(row["files"], "file")
        output.detail(f"{row['name']:<{width}}  {files:>12}  {format_size(row['bytes']):>9}")
    if not rows:
        output.detail("Everything was put back" if stripped.restored else "Nothing to remove")
    for line in _proofs(stripped):
        output.detail(line)
    owned = {d.name: d.top_level for d in installed(site)} if stripped.restored else {}
    for restored in stripped.restored:
        _warn_of(restored, owned.get(restored.distribution, ()), output)
    if stripped.unseen:
        output.warning(
            "All bytecode was kept.",
            f"It is not known which of it the app's start reads:\n{stripped.unseen}",
            "With a command that starts the app and ends, it can be seen, in slugfit.toml:\n"
            "[strip]\nsmoke = \"python -c 'import app'\"",
        )


def _proofs(stripped: Stripped) -> Iterator[str]:
    """What shows that it still works."""
    if stripped.checked:
        packages = count_of(len(stripped.checked), "package")
        each = "each in a" if len(stripped.checked) > 1 else "in a"
        yield f"Imported {packages}, {each} fresh process"
    for name in stripped.started:
        yield f"Still works: {name}"


def _warn_of(restored: Restored, owned: Iterable[str], output: Output) -> None:
    kept = ", ".join(f'"{name}"' for name in owned)
    output.warning(
        f"{restored.distribution} was put back whole.",
        f"Without its removed files, {restored.failed} fails:\n{restored.said}",
        "The app works as before; the slug is larger than it could be. To leave the\n"
        "package alone from the start, in slugfit.toml:\n[strip]\n"
        f"keep = [{kept}]",
    )


def show_slug(slug: Slug, budget: BudgetSettings, output: Output) -> None:
    """The biggest items and the total against the budget."""
    for line in size_table(slug.biggest()):
        output.detail(line)
    weight, before = slug.weight, slug.before
    output.detail("")
    output.detail(
        f"Slug: {format_size(weight.compressed)} compressed, {format_size(weight.raw)} unpacked"
    )
    if slug.removed.raw:
        output.detail(
            f"Before stripping: {format_size(before.compressed)} compressed, "
            f"{format_size(before.raw)} unpacked"
        )
    output.detail(f"Limit: {format_size(budget.limit)} compressed")


def warn_of_size(slug: Slug, budget: BudgetSettings, output: Output) -> None:
    """Say what a slug over the warning level will do."""
    size = slug.weight.compressed
    if size > budget.warn:
        output.warning(
            f"The slug is over its warning level of {format_size(budget.warn)}.",
            f"It is {format_size(size)}. Every dyno downloads and unpacks it before it starts,\n"
            "at each deploy, restart and scale-up.",
            "To make it smaller:\n"
            + "\n".join("- " + text.replace("\n", "\n  ") for text in advice(slug)),
        )

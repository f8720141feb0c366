"""The tables that a build shows in its log."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from slugfit.distributions import installed
from slugfit.output import Output
from slugfit.report.document import tally
from slugfit.settings.model import BudgetSettings
from slugfit.sizes import count_of, format_duration, format_size
from slugfit.slug.boot import BYTES_PER_SECOND, boot_of
from slugfit.slug.budget import advice
from slugfit.slug.contents import Slug, label_of, size_table
from slugfit.slug.history import History
from slugfit.slug.smaller.savings import Saving, telling
from slugfit.slug.weighing.compress import Weight
from slugfit.strip import Restored, Stripped

_SHRUNK = "symbols and debug data"
_LINKED = "files that are there twice"
_COLUMNS = 80
_WORTH = 0.001  # of the slug: what a category has to have for a word


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


def show_slug(
    slug: Slug, budget: BudgetSettings, output: Output, since: History | None = None
) -> None:
    """The biggest items, what they are made of, and the total against the budget.

    `since` is what has changed since the last build.
    """
    for line in item_lines(slug):
        output.detail(line)
    weight, before = slug.weight, slug.before
    output.detail("")
    for line in _kinds(slug):
        output.detail(line)
    output.detail(f"Slug: {_both(weight)}")
    if slug.removed.raw:
        output.detail(f"Before stripping: {_both(before)}")
    if since and (told := str(since)):
        output.detail(f"Since the last build: {told}")
    output.detail(boot_line(slug))
    output.detail(f"Limit: {format_size(budget.limit)} compressed")


def item_lines(slug: Slug) -> list[str]:
    """A table of the biggest items, with a head."""
    rows = slug.biggest()
    if not rows:
        return []
    width = max(len(label_of(item)) for item, _ in rows)
    return [f"{'':<{width}}  {'packed':>9}  {'unpacked':>9}", *size_table(rows, slug.graph)]


def boot_line(slug: Slug) -> str:
    """What a dyno's start costs, with what that rests on."""
    boot = boot_of(slug)
    rate = format_size(BYTES_PER_SECOND)
    return (
        f"Boot: about {format_duration(boot.seconds)} to download (at {rate}/s) and unpack the slug"
    )


def _both(weight: Weight) -> str:
    return f"{format_size(weight.compressed)} compressed, {format_size(weight.raw)} unpacked"


def _kinds(slug: Slug) -> list[str]:
    """The categories with their compressed sizes, in as many lines as that takes."""
    least = _WORTH * slug.weight.compressed
    found = slug.categories.items()
    told = [f"{name} {format_size(w.compressed)}" for name, w in found if w.compressed > least]
    # A size is not parted from its unit, nor a name of two words.
    text = ", ".join(told).replace(" ", "\0").replace(",\0", ", ")
    return [line.replace("\0", " ") for line in textwrap.wrap(text, _COLUMNS)]


def warn_of_size(
    slug: Slug, budget: BudgetSettings, output: Output, found: Sequence[Saving] = ()
) -> None:
    """Say what a slug over the warning level will do; of any slug, what would save a good part."""
    size = slug.weight.compressed
    if size > budget.warn:
        output.warning(
            f"The slug is over its warning level of {format_size(budget.warn)}.",
            f"It is {format_size(size)}. Every dyno downloads and unpacks it before it starts,\n"
            "at each deploy, restart and scale-up.",
            _suggestions(advice(found)),
        )
    elif good := telling(found, slug):
        output.detail(f"\n{_suggestions(advice(good))}")


def _suggestions(texts: Iterable[str]) -> str:
    return "\n".join(["To make it smaller:", *("- " + t.replace("\n", "\n  ") for t in texts)])

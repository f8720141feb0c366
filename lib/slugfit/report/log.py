"""The tables and summaries in a build's log."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from slugfit.audit.savings import notable
from slugfit.base.output import Output
from slugfit.base.sizes import count_of, format_change, format_duration, format_size
from slugfit.packages.distributions import installed
from slugfit.report.document import tally
from slugfit.settings.model import BudgetSettings
from slugfit.slug.boot import BYTES_PER_SECOND, boot_of
from slugfit.slug.budget import Saving, advice
from slugfit.slug.contents import Slug, label_of, size_table
from slugfit.slug.history import History, ItemChange
from slugfit.slug.weigh.compress import Weight
from slugfit.strip import Restored, Stripped

_SHRUNK = "symbols and debug data"
_LINKED = "duplicate files"
_COLUMNS = 80
_SIGNIFICANT = 0.001  # as a share of the slug: smaller categories are not listed
_MAX_CHANGES = 4


def show_strip(stripped: Stripped, site: Path, output: Output) -> None:
    """What was removed, by category, how that was verified, and what was restored."""
    rows = [
        *tally((removal.category, removal) for removal in stripped.done.removals),
        *tally((_LINKED, linking) for linking in stripped.done.linkings),
        *tally((_SHRUNK, shrinking) for shrinking in stripped.done.shrinkings),
    ]
    width = max((len(row["name"]) for row in rows), default=0)
    for row in rows:
        files = count_of(row["files"], "file")
        output.detail(f"{row['name']:<{width}}  {files:>12}  {format_size(row['bytes']):>9}")
    if not rows and stripped.restored:
        output.detail("Nothing was removed: every removal broke an import")
    elif not rows:
        output.detail("Nothing to remove")
    for line in _verified(stripped):
        output.detail(line)
    owned = {d.name: d.top_level for d in installed(site)} if stripped.restored else {}
    for restored in stripped.restored:
        _warn_of(restored, owned.get(restored.distribution, ()), output)
    if stripped.unseen:
        output.warning(
            "All bytecode was kept.",
            f"Slugfit could not observe which bytecode the app reads at start:\n{stripped.unseen}",
            "Add a command that starts the app and exits, in slugfit.toml:\n"
            "[strip]\nsmoke = \"python -c 'import app'\"",
        )


def _verified(stripped: Stripped) -> Iterator[str]:
    if stripped.checked:
        packages = count_of(len(stripped.checked), "changed package")
        yield f"Verified {packages} by importing {'them' if len(stripped.checked) > 1 else 'it'}"
    for name in stripped.started:
        yield f"Verified: {_passed(name)}"


def _passed(check: str) -> str:
    """A passed check in words: "load X" becomes "X loads"; an import reads well as it is."""
    if check.startswith("load "):
        return f"{check.removeprefix('load ')} loads"
    return check if " " in check else f"{check} passes"


def _warn_of(restored: Restored, owned: Iterable[str], output: Output) -> None:
    kept = ", ".join(f'"{name}"' for name in owned)
    output.warning(
        f"{restored.distribution} was restored.",
        f"Without its removed files, this fails: {restored.failed}\n{restored.said}",
        "The app works as before, but the slug is larger than it could be. To exclude the\n"
        "package from the strip, in slugfit.toml:\n[strip]\n"
        f"keep = [{kept}]",
    )


def show_slug(
    slug: Slug, budget: BudgetSettings, output: Output, since: History | None = None
) -> None:
    """The largest items, the categories, and the total with the limit.

    `since` is how the slug differs from that of the last build.
    """
    for line in item_lines(slug):
        output.detail(line)
    output.detail("")
    for line in _categories(slug):
        output.detail(line)
    output.detail(f"Slug: {_both(slug.weight)}")
    if slug.removed.raw:
        output.detail(f"Before stripping: {_both(slug.before)}")
    if since and since.differences:
        output.detail(f"Since the last build: {changes_line(since)}")
    output.detail(boot_line(slug))
    output.detail(f"Limit: {format_size(budget.limit)} compressed")


def item_lines(slug: Slug) -> list[str]:
    """A table of the largest items, with a header."""
    rows = slug.biggest()
    if not rows:
        return []
    width = max(len(label_of(item)) for item, _ in rows)
    return [f"{'':<{width}} {'compressed':>10}  {'unpacked':>9}", *size_table(rows, slug.graph)]


def boot_line(slug: Slug) -> str:
    """The time to start a dyno, with the download rate that it assumes."""
    boot = boot_of(slug)
    rate = format_size(BYTES_PER_SECOND)
    return (
        f"Boot: about {format_duration(boot.seconds)} to download (at {rate}/s) and unpack the slug"
    )


def changes_line(history: History) -> str:
    """The total change, and the largest changes by item."""
    changes = [_change(change) for change in history.differences[:_MAX_CHANGES]]
    more = ["…"] if len(history.differences) > _MAX_CHANGES else []
    return f"{format_change(history.bytes)}: {', '.join([*changes, *more])}"


def _change(change: ItemChange) -> str:
    size = format_change(change.bytes)
    if change.before is None:
        return f"added {change.name} {change.after}".rstrip() + f" ({size})"
    if change.after is None:
        return f"removed {change.name} ({size})"
    if change.before != change.after:
        return f"{change.name} {change.before} → {change.after} ({size})"
    return f"{change.name} ({size})"


def _both(weight: Weight) -> str:
    return f"{format_size(weight.compressed)} compressed, {format_size(weight.raw)} unpacked"


def _categories(slug: Slug) -> list[str]:
    """The categories with their compressed sizes, in as many lines as needed."""
    least = _SIGNIFICANT * slug.weight.compressed
    found = slug.categories.items()
    listed = [f"{name} {format_size(w.compressed)}" for name, w in found if w.compressed > least]
    # Lines break between categories only, not within a name or a size.
    text = ", ".join(listed).replace(" ", "\0").replace(",\0", ", ")
    return [line.replace("\0", " ") for line in textwrap.wrap(text, _COLUMNS)]


def warn_of_size(
    slug: Slug, budget: BudgetSettings, output: Output, found: Sequence[Saving] = ()
) -> None:
    """Warn about a slug over the warning level; of any slug, list savings that are worth it."""
    size = slug.weight.compressed
    if size > budget.warn:
        output.warning(
            f"The slug exceeds its warning level of {format_size(budget.warn)}.",
            f"It is {format_size(size)} compressed. Every dyno downloads and unpacks it before it\n"
            "starts: at each deploy, restart and scale-up.",
            _suggestions(advice(found)),
        )
    elif good := notable(found, slug):
        output.detail(f"\n{_suggestions(advice(good))}")


def _suggestions(texts: Iterable[str]) -> str:
    return "\n".join(["To make it smaller:", *("- " + t.replace("\n", "\n  ") for t in texts)])

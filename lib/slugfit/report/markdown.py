"""The report of a build as Markdown: the comment on a pull request."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from slugfit.report.document import slug_told
from slugfit.sizes import format_duration, format_size
from slugfit.slug.contents import Slug, label_of
from slugfit.slug.history import Difference, signed
from slugfit.slug.weighing.compress import Weight

_BIGGEST = 10
# What would be markup. A name of a package or of a file can have any of these.
_MARKUP = re.compile(r"([\\`*_{}\[\]<>#|~$&@])")


def markdown(document: Mapping[str, Any]) -> str:
    """The whole comment, for the document of report.json, whatever keys an older one lacks."""
    told, slug = document["slug"], slug_told(document)
    sections = (
        _headline(told, slug),
        _changes(told.get("changes")),
        _items(slug),
        _categories(slug),
        _savings(told.get("savings") or ()),
    )
    return "\n".join(line for section in sections for line in section)


def _headline(told: Mapping[str, Any], slug: Slug) -> Iterator[str]:
    size, limit, warn = slug.weight.compressed, told["limit_bytes"], told["warn_bytes"]
    sign = "❌" if size > limit else "⚠️" if size > warn else "✅"
    yield f"### {sign} Slug: {format_size(size)} of {format_size(limit)}"
    yield ""
    yield f"{_both(slug.weight)}{_before(slug)}{_boot(told.get('boot'))}."
    if size > limit:
        yield f"That is {format_size(size - limit)} over the limit."
    elif size > warn:
        yield f"That is over the warning level of {format_size(warn)}."
    yield ""


def _both(weight: Weight) -> str:
    return f"{format_size(weight.compressed)} compressed, {format_size(weight.raw)} unpacked"


def _before(slug: Slug) -> str:
    if not slug.removed.raw:
        return ""
    return f"; before stripping {format_size(slug.before.compressed)} compressed"


def _boot(told: Mapping[str, Any] | None) -> str:
    if not told:
        return ""
    seconds = told["download_seconds"] + told["unpack_seconds"]
    return f"; about {format_duration(seconds)} of each boot"


def _changes(told: Mapping[str, Any] | None) -> Iterator[str]:
    if not told or not told["items"]:
        return
    found = [Difference(d["name"], d["before"], d["after"], d["bytes"]) for d in told["items"]]
    yield f"**{signed(told['bytes'])}** since the last build:"
    yield ""
    yield from _table(
        ("", "before", "now", "compressed"),
        ((d.name, _version(d.before), _version(d.after), signed(d.bytes)) for d in found),
    )


def _version(version: str | None) -> str:
    return "–" if version is None else version  # noqa: RUF001 - a dash: it was not there


def _items(slug: Slug) -> Iterator[str]:
    rows = [
        (label_of(item), *_sizes(weight), " ← ".join(slug.chain(item)))
        for item, weight in slug.biggest(_BIGGEST)
    ]
    yield from _table(("the biggest", "compressed", "unpacked", "required by"), rows)


def _categories(slug: Slug) -> Iterator[str]:
    rows = [(name, *_sizes(weight)) for name, weight in slug.categories.items()]
    yield from _folded("What it is made of", _table(("", "compressed", "unpacked"), rows))


def _savings(told: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    listed = [
        line
        for saving in told
        for line in (
            f"- **About {format_size(saving['bytes'])} less**: {_escaped(saving['what'])}.",
            "",
            *(f"  {line}".rstrip() for line in _code(saving["how"])),
            "",
        )
    ]
    yield from _folded("What would make it smaller", listed)


def _code(text: str) -> list[str]:
    """A sentence, and what is to be pasted."""
    lines = text.splitlines()
    last = max((n for n, line in enumerate(lines, 1) if line.endswith((":", "."))), default=0)
    said, pasted = lines[:last], lines[last:]
    longest = max((len(run) for line in pasted for run in re.findall(r"`+", line)), default=0)
    fence = "`" * max(3, longest + 1)
    return [*map(_escaped, said), *([fence, *pasted, fence] if pasted else [])]


def _folded(title: str, lines: Iterable[str]) -> Iterator[str]:
    listed = list(lines)
    if listed:
        yield from (f"<details><summary>{title}</summary>", "", *listed, "</details>", "")


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    """A table, of which the columns of sizes are to the right; nothing without rows."""
    listed = [tuple(map(_escaped, row)) for row in rows]
    if not listed:
        return
    right = {"compressed", "unpacked"}
    yield f"| {' | '.join(head)} |"
    yield f"|{'|'.join('---:' if name in right else '---' for name in head)}|"
    yield from (f"| {' | '.join(row)} |" for row in listed)
    yield ""


def _escaped(text: str) -> str:
    """`text` as it is, in one line."""
    return _MARKUP.sub(r"\\\1", " ".join(text.split()))


def _sizes(weight: Weight) -> tuple[str, str]:
    return format_size(weight.compressed), format_size(weight.raw)

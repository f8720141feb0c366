"""The report of a build as Markdown: the comment on a pull request."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from slugfit.base.sizes import format_change, format_duration, format_size
from slugfit.report.document import slug_from_json
from slugfit.slug.contents import Slug, label_of
from slugfit.slug.history import ItemChange
from slugfit.slug.weigh.compress import Weight

_MAX_ITEMS = 10
# Characters of Markdown markup, which names of packages and files can contain.
_MARKUP = re.compile(r"([\\`*_{}\[\]<>#|~$&@])")


def markdown(document: Mapping[str, Any]) -> str:
    """The comment for a report.json document; keys that older ones lack are left out."""
    data, slug = document["slug"], slug_from_json(document)
    sections = (
        _headline(data, slug),
        _changes(data.get("changes")),
        _items(slug),
        _categories(slug),
        _savings(data.get("savings") or ()),
    )
    return "\n".join(line for section in sections for line in section)


def _headline(data: Mapping[str, Any], slug: Slug) -> Iterator[str]:
    size, limit, warn = slug.weight.compressed, data["limit_bytes"], data["warn_bytes"]
    sign = "❌" if size > limit else "⚠️" if size > warn else "✅"
    yield f"### {sign} Slug: {format_size(size)} of {format_size(limit)}"
    yield ""
    yield f"{_both(slug.weight)}{_before(slug)}{_boot(data.get('boot'))}."
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


def _boot(data: Mapping[str, Any] | None) -> str:
    if not data:
        return ""
    seconds = data["download_seconds"] + data["unpack_seconds"]
    return f"; about {format_duration(seconds)} of each boot"


def _changes(data: Mapping[str, Any] | None) -> Iterator[str]:
    if not data or not data["items"]:
        return
    found = [ItemChange(d["name"], d["before"], d["after"], d["bytes"]) for d in data["items"]]
    yield f"**{format_change(data['bytes'])}** since the last build:"
    yield ""
    yield from _table(
        ("", "before", "now", "compressed"),
        ((d.name, _version(d.before), _version(d.after), format_change(d.bytes)) for d in found),
    )


def _version(version: str | None) -> str:
    return "–" if version is None else version  # noqa: RUF001 - a dash for an absent version


def _items(slug: Slug) -> Iterator[str]:
    rows = [
        (label_of(item), *_sizes(weight), " ← ".join(slug.chain(item)))
        for item, weight in slug.biggest(_MAX_ITEMS)
    ]
    yield from _table(("largest items", "compressed", "unpacked", "required by"), rows)


def _categories(slug: Slug) -> Iterator[str]:
    rows = [(name, *_sizes(weight)) for name, weight in slug.categories.items()]
    yield from _folded("Contents by category", _table(("", "compressed", "unpacked"), rows))


def _savings(data: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    listed = [
        line
        for saving in data
        for line in (
            f"- **Saves about {format_size(saving['bytes'])}**: {_escaped(saving['what'])}.",
            "",
            *(f"  {line}".rstrip() for line in _code(saving["how"])),
            "",
        )
    ]
    yield from _folded("Ways to make it smaller", listed)


def _code(text: str) -> list[str]:
    """Sentences, followed by a code block of the lines to paste."""
    lines = text.splitlines()
    last = max((n for n, line in enumerate(lines, 1) if line.endswith((":", "."))), default=0)
    text_lines, pasted = lines[:last], lines[last:]
    longest = max((len(run) for line in pasted for run in re.findall(r"`+", line)), default=0)
    fence = "`" * max(3, longest + 1)
    return [*map(_escaped, text_lines), *([fence, *pasted, fence] if pasted else [])]


def _folded(title: str, lines: Iterable[str]) -> Iterator[str]:
    listed = list(lines)
    if listed:
        yield from (f"<details><summary>{title}</summary>", "", *listed, "</details>", "")


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    """A table with right-aligned columns of sizes; nothing without rows."""
    listed = [tuple(map(_escaped, row)) for row in rows]
    if not listed:
        return
    right = {"compressed", "unpacked"}
    yield f"| {' | '.join(head)} |"
    yield f"|{'|'.join('---:' if name in right else '---' for name in head)}|"
    yield from (f"| {' | '.join(row)} |" for row in listed)
    yield ""


def _escaped(text: str) -> str:
    """`text` without markup, in one line."""
    return _MARKUP.sub(r"\\\1", " ".join(text.split()))


def _sizes(weight: Weight) -> tuple[str, str]:
    return format_size(weight.compressed), format_size(weight.raw)

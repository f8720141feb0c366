"""What the page is told: the report's numbers, and the files as nested lists.

A file is [name, category, unpacked, compressed, story, gone unpacked, gone compressed], without
the zeros at its end; a directory is [name, entries]. Sizes are bytes, a category and a story are
numbers into `kinds` and `stories`.
"""

from __future__ import annotations

import base64
import json
import os
import posixpath
import zlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from slugfit import VERSION
from slugfit.sizes import count_of, format_duration, format_size
from slugfit.slug.categories import category
from slugfit.slug.history import signed
from slugfit.slug.outline import File
from slugfit.slug.smaller.savings import MOST
from slugfit.slug.tree import Item
from slugfit.slug.weighing.compress import Weight

# In the order of the page's colours.
KINDS = (
    "shared libraries",
    "code",
    "bytecode",
    "data",
    "tests",
    "metadata",
    "models",
    "the app",
    "Python",
    "other buildpacks",
)
MOST_FILES = 40_000  # that are told one by one

Story = tuple[bool, tuple[str, ...]]


def told(
    title: str,
    document: Mapping[str, Any],
    files: Mapping[Item, Sequence[File]],
    most: int = MOST_FILES,
) -> dict[str, Any]:
    """All that the page shows of a report and of the files it tells of.

    Of more files than `most`, the smallest of a directory are told together.
    """
    stories: dict[Story, int] = {(False, ()): 0}
    items = _items(document, files)
    least = _least(files.values(), most)
    return {
        "title": title,
        "origin": _origin(document),
        "slug": _slug(document["slug"]),
        "figures": _figures(document["slug"]),
        "suggestions": _suggestions(document["slug"]),
        "footer": f"Made by Slugfit {VERSION}. Sizes of single files are their part of their "
        "package's, which is measured as gzip packs it. 1 MB is 1,000,000 bytes.",
        "kinds": KINDS,
        "items": items,
        "tree": [_tree(item, _merged(files[item], least), stories) for item in _ordered(files)],
        "stories": [{"removed": gone, "lines": lines} for gone, lines in stories],
    }


def packed(content: dict[str, Any]) -> str:
    """JSON, deflated, in base64: no character of it means anything in HTML."""
    text = json.dumps(content, ensure_ascii=True, separators=(",", ":"))
    return base64.b64encode(zlib.compress(text.encode(), 9)).decode()


def _origin(document: Mapping[str, Any]) -> str:
    python, stack = document.get("python_version"), document.get("stack")
    return " · ".join(filter(None, ("Slug", python and f"Python {python}", stack)))


def _slug(slug: Mapping[str, Any]) -> dict[str, Any]:
    before = slug["before_strip"]
    return {
        "now": {"compressed": slug["compressed_bytes"], "raw": slug["raw_bytes"]},
        "before": {"compressed": before["compressed_bytes"], "raw": before["raw_bytes"]},
        "limit": slug["limit_bytes"],
        "warn": slug["warn_bytes"],
    }


def _figures(slug: Mapping[str, Any]) -> list[list[str]]:
    """Names and values, for beside those of the slug itself."""
    found = []
    if change := (slug.get("changes") or {}).get("bytes"):
        found.append(["Since the last build", signed(change)])
    if boot := slug.get("boot"):
        seconds = boot["download_seconds"] + boot["unpack_seconds"]
        found.append(["Boot", f"about {format_duration(seconds)}", "to download and unpack"])
    return found


def _suggestions(slug: Mapping[str, Any]) -> list[dict[str, str]]:
    return [
        {
            "saves": f"Saves {format_size(saving['bytes'])}",
            "what": saving["what"],
            "how": saving["how"],
        }
        for saving in slug.get("savings", ())[:MOST]
    ]


def _ordered(files: Mapping[Item, Sequence[File]]) -> list[Item]:
    return sorted(files, key=lambda item: (item.name.lower(), item.kind))


def _items(document: Mapping[str, Any], files: Iterable[Item]) -> list[dict[str, Any]]:
    by_name = {(item["kind"], item["name"]): item for item in document["slug"]["items"]}
    return [
        {
            "name": item.name,
            "label": f"{item.name} {item.version}".rstrip(),
            "by": _chain(by_name.get((item.kind, item.name), {})),
        }
        for item in _ordered(dict.fromkeys(files, ()))
    ]


def _chain(item: Mapping[str, Any]) -> str:
    """Who brought a distribution in: sentence-transformers ← requirements.txt."""
    return " ← ".join(item.get("required_by", ()))


def _tree(item: Item, files: Iterable[File], stories: dict[Story, int]) -> list[Any]:
    """The files of an item below its directories."""
    top: list[Any] = []
    directories: dict[str, list[Any]] = {"": top}

    def inside(directory: str) -> list[Any]:
        if directory not in directories:
            parent, name = posixpath.split(directory)
            directories[directory] = []
            inside(parent).append([_readable(name), directories[directory]])
        return directories[directory]

    for file in files:
        directory, name = posixpath.split(file.path)
        inside(directory).append([_readable(name), *_numbers(item, file, stories)])
    return top


def _numbers(item: Item, file: File, stories: dict[Story, int]) -> list[int]:
    story = stories.setdefault((file.removed, file.story), len(stories))
    kind = KINDS.index(category(item, file.path))
    found = [kind, file.now.raw, file.now.compressed, story, file.gone.raw, file.gone.compressed]
    while len(found) > 3 and not found[-1]:
        found.pop()
    return found


def _readable(name: str) -> str:
    """A name that is not UTF-8 as JSON can hold it."""
    return os.fsencode(name).decode(errors="replace")


def _least(files: Iterable[Sequence[File]], most: int) -> int:
    """The unpacked size below which files are not told one by one."""
    sizes = sorted((_whole(file) for some in files for file in some), reverse=True)
    return sizes[most] + 1 if len(sizes) > most else 0


def _whole(file: File) -> int:
    return file.now.raw + file.gone.raw


def _merged(files: Sequence[File], least: int) -> list[File]:
    """`files`, of which those smaller than `least` are one for each directory and story."""
    if not least:
        return list(files)
    kept = [file for file in files if _whole(file) >= least]
    groups: dict[tuple[str, str, Story], list[File]] = {}
    for file in files:
        if _whole(file) < least:
            directory, name = posixpath.split(file.path)
            story = (file.removed, file.story)
            groups.setdefault((directory, posixpath.splitext(name)[1], story), []).append(file)
    return kept + [_together(*key, some) for key, some in groups.items()]


def _together(directory: str, suffix: str, story: Story, files: Sequence[File]) -> File:
    removed, lines = story
    return File(
        posixpath.join(directory, f"({count_of(len(files), 'small file')}){suffix}"),
        sum((file.now for file in files), start=Weight()),
        sum((file.gone for file in files), start=Weight()),
        removed=removed,
        story=lines,
    )

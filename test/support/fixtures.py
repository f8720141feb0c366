"""Names that the whole-build tests share: the model in the bucket, and our part of a log."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

from support.heroku import App

# What slugfit.toml of the fixtures asks for.
BUCKET, KEY = "slugfit-models", "digits/digits.tflite"
# What no runtime is needed for: an app without one is warned of any model.
PLAIN_KEY, PLAIN = "plain/labels.txt", "".join(f"{digit}\n" for digit in range(10)).encode()

MakeApp = Callable[..., App]
Entry = TypeVar("Entry")

# A name, its sizes and who requires it, or the head of such a table; the lines that sum up have
# a colon.
_ROW = re.compile(
    r"(?: !    |      ) (?!unpacked )"
    r"(?:[^:(]+ <size>(?: <size>)?,?(?:  ←.*)?| +compressed +unpacked)"
)
# How a transfer went, and how it goes.
_TRANSFER = re.compile(r"       \S+ [KMG]?B in (?:\S+ (?:s|min|h) ?)+(?:, \S+ [KMG]?B/s)?")
_ON_THE_WAY = re.compile(r"       \S+ [KMG]?B(?: of \S+ [KMG]?B)?, \S+ [KMG]?B/s(?:, .* left)?")
_BEGIN = "-----> Slugfit app detected"
_ENDS = ("-----> Discovering process types", " !     Push rejected, failed to compile slugfit app.")


def own_log(app: App) -> str:
    """What our compile said, without what differs from run to run."""
    lines = app.transcript.splitlines()
    begin = lines.index(_BEGIN) + 1
    end = next(index for index, line in enumerate(lines) if line in _ENDS)
    return tidied(lines[begin:end])


def tidied(lines: Iterable[str]) -> str:
    """What our compile said, with a word for times, for sizes, and for tables of sizes.

    What a transfer says on its way is left out: a fast one says nothing.
    """
    sized = [_without_numbers(line) for line in lines if not _ON_THE_WAY.fullmatch(line)]
    folded = ["<table>" if _ROW.fullmatch(line) else line for line in sized]
    kept = [b for a, b in zip(["", *folded], folded, strict=False) if (a, b) != ("<table>",) * 2]
    return "\n".join(kept).strip("\n")


def without_record(tree: Mapping[str, Entry]) -> dict[str, Entry]:
    """A snapshot of our cache, but for what every build leaves: the record for bin/report."""
    return {path: entry for path, entry in tree.items() if path != "record.json"}


def without_partial(tree: Mapping[str, Entry]) -> dict[str, Entry]:
    """A snapshot of our cache, but for what a build that was interrupted leaves for the next."""
    left = ("models/partial", "undo")
    kept = {path: entry for path, entry in tree.items() if not path.startswith(left)}
    if not any(path.startswith("models/") for path in kept):
        kept.pop("models", None)
    return kept


def _without_numbers(line: str) -> str:
    if _TRANSFER.fullmatch(line):
        return "       <size> in <time>, <rate>"
    line = re.sub(r" +\d+(\.\d+)? (B|KB|MB|GB)\b", " <size>", line)
    line = re.sub(r"\(\d+(\.\d+)? (B|KB|MB|GB)\)", "(<size>)", line)
    line = re.sub(r"about [\d.]+ s to", "about <time> to", line)
    line = re.sub(r"load [\d.]+ (?:ms|s), inference [\d.]+ (?:ms|s)", "<times>", line)
    line = re.sub(r"(Eco, Basic, Standard-1X): \d+; (Standard-2X): \d+", r"\1: <n>; \2: <n>", line)
    return re.sub(r"\b[\d,]+ changed packages?\b", "<packages>", line)

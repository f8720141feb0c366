"""Names that the whole-build tests share: the model in the bucket, and our part of a log."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TypeVar

from support.heroku import App

# What slugfit.toml of the fixtures asks for.
BUCKET, KEY = "slugfit-models", "digits/digits.tflite"

MakeApp = Callable[..., App]
Entry = TypeVar("Entry")

# A name, whatever is told of it, and its size; the lines that sum up have a colon.
_ROW = re.compile(r"(?: !    |      ) [^:(]+ <size>")
_BEGIN = "-----> Slugfit app detected"
_ENDS = ("-----> Discovering process types", " !     Push rejected, failed to compile slugfit app.")


def own_log(app: App) -> str:
    """What our compile said, without what depends on the Python: sizes, and tables of them."""
    lines = app.transcript.splitlines()
    begin = lines.index(_BEGIN) + 1
    end = next(index for index, line in enumerate(lines) if line in _ENDS)
    sized = map(_without_numbers, lines[begin:end])
    folded = ["<table>" if _ROW.fullmatch(line) else line for line in sized]
    kept = [b for a, b in zip(["", *folded], folded, strict=False) if (a, b) != ("<table>",) * 2]
    return "\n".join(kept).strip("\n")


def without_record(tree: Mapping[str, Entry]) -> dict[str, Entry]:
    """A snapshot of our cache, but for what every build leaves: the record for bin/report."""
    return {path: entry for path, entry in tree.items() if path != "record.json"}


def _without_numbers(line: str) -> str:
    line = re.sub(r" +\d+(\.\d+)? (B|KB|MB|GB)\b", " <size>", line)
    line = re.sub(r"\(\d+(\.\d+)? (B|KB|MB|GB)\)", "(<size>)", line)
    return re.sub(r"\b[\d,]+ packages? ", "<packages> ", line)

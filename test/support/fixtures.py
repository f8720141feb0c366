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

_BEGIN = "-----> Slugfit app detected"
_ENDS = ("-----> Discovering process types", " !     Push rejected, failed to compile slugfit app.")


def own_log(app: App) -> str:
    """What our compile said, sizes replaced: they depend on the Python."""
    lines = app.transcript.splitlines()
    begin = lines.index(_BEGIN) + 1
    end = next(index for index, line in enumerate(lines) if line in _ENDS)
    return "\n".join(map(_without_sizes, lines[begin:end])).strip("\n")


def without_record(tree: Mapping[str, Entry]) -> dict[str, Entry]:
    """A snapshot of our cache, but for what every build leaves: the record for bin/report."""
    return {path: entry for path, entry in tree.items() if path != "record.json"}


def _without_sizes(line: str) -> str:
    if not line.startswith(("       ", "----->")):
        return line
    single_spaced = re.sub(r"(?<=\S) {2,}", " ", line)
    sized = re.sub(r"\b\d+(\.\d+)? (B|KB|MB|GB)\b", "<size>", single_spaced)
    return re.sub(r"\b[\d,]+ files?\b", "<files>", sized)

"""An app's process types: those of its Procfile, and those of a buildpack's `bin/release`."""

from __future__ import annotations

import re
from pathlib import Path

# The slug compiler's pattern, as heroku/buildpacks-procfile quotes it: the colon is optional.
_LINE = re.compile(r"([A-Za-z0-9_-]+):?\s+(.+)")
_RELEASE_LINE = re.compile(r"""^\s+["']?([A-Za-z0-9_-]+)["']?:\s*(.+?)\s*$""")


def declared(directory: Path) -> dict[str, str]:
    """The commands in the app's Procfile by process type; of a type named twice, the last."""
    try:
        text = (directory / "Procfile").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return {}
    found = (_LINE.fullmatch(line.strip()) for line in text.split("\n"))
    return {match[1]: match[2] for match in found if match}


def released(yaml: str) -> dict[str, str]:
    """The default process types in what `bin/release` printed.

    Reads the block that release scripts print in practice, for which no YAML parser is needed.
    """
    _, _, block = yaml.partition("default_process_types:\n")
    types: dict[str, str] = {}
    for line in block.splitlines():
        match = _RELEASE_LINE.match(line)
        if match is None:
            break
        types[match.group(1)] = _unquoted(match.group(2))
    return types


def _unquoted(value: str) -> str:
    quoted = len(value) >= 2 and value[0] == value[-1] and value[0] in "\"'"
    return value[1:-1] if quoted else value

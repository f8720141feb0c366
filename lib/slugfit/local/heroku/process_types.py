"""Which processes an app has: its Procfile, and what a buildpack's `bin/release` adds."""

from __future__ import annotations

import re
from pathlib import Path

PROCFILE_LINE = re.compile(r"^([A-Za-z0-9_-]+):\s*(.+?)\s*$", re.MULTILINE)
RELEASE_LINE = re.compile(r"""^\s+["']?([A-Za-z0-9_-]+)["']?:\s*(.+?)\s*$""")


def declared(directory: Path) -> dict[str, str]:
    """Return the process types of the app's Procfile."""
    procfile = directory / "Procfile"
    return dict(PROCFILE_LINE.findall(procfile.read_text())) if procfile.is_file() else {}


def released(yaml: str) -> dict[str, str]:
    """Return the default process types in what `bin/release` printed.

    Reads the block that release scripts print in practice, for which no YAML parser is needed.
    """
    _, _, block = yaml.partition("default_process_types:\n")
    types: dict[str, str] = {}
    for line in block.splitlines():
        match = RELEASE_LINE.match(line)
        if match is None:
            break
        types[match.group(1)] = _unquoted(match.group(2))
    return types


def _unquoted(value: str) -> str:
    quoted = len(value) >= 2 and value[0] == value[-1] and value[0] in "\"'"
    return value[1:-1] if quoted else value

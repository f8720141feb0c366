"""What sources say that are no Python: configuration, entry points, path files."""

from __future__ import annotations

import re
from dataclasses import replace

from slugfit.strip.reachability.facts import Facts, names_in_prose

_ENTRY_POINT = re.compile(r"^[^=\n]+=\s*([\w.]+)", re.MULTILINE)


def read_text(source: bytes) -> Facts:
    """The facts of a configuration, a script, a Procfile: it names modules in full."""
    text = _decoded(source)
    return Facts(texts=frozenset(names_in_prose(text)), strings=text)


def read_entry_points(source: bytes) -> Facts:
    """The facts of an entry_points.txt: the module of each `name = module:object [extras]`."""
    return Facts(texts=frozenset(_ENTRY_POINT.findall(_decoded(source))))


def read_path_file(source: bytes) -> Facts:
    """The facts of a *.pth file: its lines are directories for sys.path, or import statements.

    Source: the documentation of Python's `site` module.
    """
    lines = _decoded(source).splitlines()
    code = [line for line in lines if line.startswith(("import ", "import\t"))]
    facts = read_text("\n".join(code).encode())
    return replace(facts, paths=frozenset(lines) - {*code, ""})


def _decoded(source: bytes) -> str:
    return source.decode("utf-8", errors="replace")

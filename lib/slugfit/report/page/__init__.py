"""The slug as a chart: one self-contained HTML file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from slugfit.report.page.page_data import encoded

_HERE = Path(__file__).parent
# In order of dependency.
_SCRIPTS = (
    *("tree", "layout", "words", "paint", "motion", "map"),
    *("legend", "head", "panels", "table", "main"),
)


def page(data: dict[str, Any]) -> bytes:
    """The page for `page_data.page_data`. The same input gives the same bytes."""
    scripts = "\n".join(_read(f"{name}.js") for name in _SCRIPTS)
    parts = {"style": _read("style.css"), "script": scripts, "data": encoded(data)}
    html = _read("template.html")
    for name, content in parts.items():
        html = html.replace(f"/*{{{name}}}*/", content)
    return html.encode()


def _read(name: str) -> str:
    return (_HERE / name).read_text(encoding="utf-8")

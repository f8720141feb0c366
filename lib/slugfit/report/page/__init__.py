"""The slug as a picture: one HTML file that needs no other, and no network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from slugfit.report.page.data import packed

_HERE = Path(__file__).parent
# In this order: what comes later uses what comes before.
_SCRIPTS = (
    *("tree", "layout", "words", "paint", "motion", "map"),
    *("legend", "head", "panels", "table", "main"),
)


def page(told: dict[str, Any]) -> bytes:
    """The page that shows what `page.data.told` tells. The same input gives the same bytes."""
    scripts = "\n".join(_read(f"{name}.js") for name in _SCRIPTS)
    parts = {"style": _read("style.css"), "script": scripts, "data": packed(told)}
    html = _read("template.html")
    for name, content in parts.items():
        html = html.replace(f"/*{{{name}}}*/", content)
    return html.encode()


def _read(name: str) -> str:
    return (_HERE / name).read_text(encoding="utf-8")

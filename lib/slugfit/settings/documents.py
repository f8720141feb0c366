"""Finds the app's configuration file and parses it. What it means is the schema's business."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slugfit.base.toml import loads
from slugfit.settings.failures import ConfiguredTwice, MalformedToml

OWN_FILE = "slugfit.toml"
PROJECT_FILE = "pyproject.toml"


@dataclass(frozen=True)
class Document:
    """A parsed table. `label` names the file, `prefix` the table in it ("" for the whole)."""

    label: str
    prefix: str
    table: Any


def find_document(app: Path) -> Document | None:
    """The app's configuration, or None when it has none. Raises MalformedToml, ConfiguredTwice."""
    own = _parse(app / OWN_FILE)
    project = _parse(app / PROJECT_FILE) or {}
    tool = project.get("tool")
    table = tool.get("slugfit") if isinstance(tool, dict) else None
    if own is not None and table is not None:
        raise ConfiguredTwice
    if own is not None:
        return Document(OWN_FILE, "", own)
    return Document(PROJECT_FILE, "tool.slugfit.", table) if table is not None else None


def _parse(file: Path) -> dict[str, Any] | None:
    try:
        return loads(file.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        return None
    except (ValueError, RecursionError) as error:  # no TOML, no UTF-8, or no end of it
        raise MalformedToml(file.name, str(error)) from error

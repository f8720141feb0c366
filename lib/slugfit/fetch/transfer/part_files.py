"""The files that a fetch keeps beside its target: the part, and a record of its contents."""

from __future__ import annotations

import shutil
from pathlib import Path


def record_of(part: Path) -> Path:
    """The file that says which version the bytes in `part` are from."""
    return part.with_name(f"{part.name}.json")


def remove_part(part: Path) -> None:
    """Remove `part`, a file or a directory, and its record."""
    if part.is_dir():
        shutil.rmtree(part)
    for path in (part, record_of(part)):
        path.unlink(missing_ok=True)


def remove_unless_recorded(part: Path) -> None:
    """Remove the file `part` if no later run could tell which version it is from."""
    if not record_of(part).exists():
        remove_part(part)

"""What a fetch leaves beside its target: a part, and the record of what is there of it."""

from __future__ import annotations

import shutil
from pathlib import Path


def record_of(part: Path) -> Path:
    """Where it is told of which version the bytes in `part` are."""
    return part.with_name(f"{part.name}.json")


def forget(part: Path) -> None:
    """Remove `part`, be it a file or a directory, and what was recorded of it."""
    if part.is_dir():
        shutil.rmtree(part)
    for path in (part, record_of(part)):
        path.unlink(missing_ok=True)


def forget_unless_recorded(part: Path) -> None:
    """Remove the file `part` if no later run could tell of which version it is."""
    if not record_of(part).exists():
        forget(part)

"""What a fetch leaves, once it is of no use any more."""

from __future__ import annotations

import shutil
from pathlib import Path


def forget(part: Path) -> None:
    """Remove `part`, be it a file or a directory, and what was recorded of it."""
    if part.is_dir():
        shutil.rmtree(part)
    for path in (part, _record(part)):
        path.unlink(missing_ok=True)


def forget_unless_recorded(part: Path) -> None:
    """Remove the file `part` if no later run could tell of which version it is."""
    if not _record(part).exists():
        forget(part)


def _record(part: Path) -> Path:
    return part.with_name(f"{part.name}.json")

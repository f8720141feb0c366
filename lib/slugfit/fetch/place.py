"""Puts a file into the app: a hard link, or a copy where filesystems differ."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from slugfit.base.changes import Changes
from slugfit.base.files import naming_full_disk, temporary_beside


def place(content: Path, target: Path, changes: Changes) -> None:
    """Make `target`, which does not exist, the same file as `content`. Raises NoSpace."""
    changes.make_directory(target.parent)
    # Resolved: a hard link to a relative symbolic link would point elsewhere from its new place.
    content = content.resolve()
    changes.adding(target)
    try:
        os.link(content, target)
    except FileExistsError:
        raise
    except OSError:
        # Another mount (Heroku CI), or a filesystem without hard links.
        _copy(content, target)


def _copy(content: Path, target: Path) -> None:
    with naming_full_disk(target.parent), temporary_beside(target) as copy:
        with content.open("rb") as original:
            shutil.copyfileobj(original, copy, 1024 * 1024)
        copy.flush()
        os.replace(copy.name, target)

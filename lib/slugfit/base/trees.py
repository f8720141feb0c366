"""Removes directory trees of any depth, with any permissions."""

from __future__ import annotations

import os
import stat
import tempfile
from contextlib import suppress
from pathlib import Path


def remove_tree(path: Path) -> None:
    """Remove a file or a directory with all that is in it, if it is there.

    Directories are moved to one place before they are emptied: recursion has a limit, and so
    have paths. What the system refuses to remove is left.
    """
    try:
        is_directory = stat.S_ISDIR(path.lstat().st_mode)
    except FileNotFoundError:
        return
    if not is_directory:
        path.unlink()
        return
    with (
        suppress(OSError),
        tempfile.TemporaryDirectory(
            dir=path.parent, prefix=".slugfit-", ignore_cleanup_errors=True
        ) as flat,
    ):
        _empty_into(str(path), flat)


def _empty_into(top: str, flat: str) -> None:
    pending = [_moved(top, f"{flat}/0")]
    count = 1
    while pending:
        directory = pending.pop()
        with os.scandir(directory) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    pending.append(_moved(entry.path, f"{flat}/{count}"))
                    count += 1
                else:
                    os.unlink(entry.path)
        os.rmdir(directory)


def _moved(directory: str, target: str) -> str:
    """The new place of `directory`, of which its owner may now list and remove what is in it."""
    with suppress(PermissionError):  # another user's
        os.chmod(directory, 0o700)
    os.rename(directory, target)
    return target

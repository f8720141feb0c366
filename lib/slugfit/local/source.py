"""The app's files as a push would send them: what git ignores stays where it is."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

# Where there is no git to ask: what nobody pushes.
_NEVER_PUSHED = shutil.ignore_patterns(
    *(".git", ".hg", ".svn", "__pycache__", "*.pyc"),
    *(".venv", "venv", "node_modules", ".tox", ".nox"),
    *(".cache", ".mypy_cache", ".pytest_cache", ".ruff_cache", ".hypothesis"),
)


def copy_source(app: Path, destination: Path, environ: Mapping[str, str]) -> None:
    """Copy the files of `app` into a directory that is there, with what is not committed yet."""
    listed = _listed_by_git(app, environ)
    if not listed:
        shutil.copytree(app, destination, symlinks=True, ignore=_NEVER_PUSHED, dirs_exist_ok=True)
        return
    for name in listed:
        _copy(app / name, destination / name)


def _listed_by_git(app: Path, environ: Mapping[str, str]) -> list[str]:
    """What git knows below `app`, and what is new and not ignored; nothing without git."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        asked = subprocess.run(  # noqa: S603 (argv is ours; no shell)
            command, cwd=app, env=dict(environ), capture_output=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return []
    return sorted({os.fsdecode(name) for name in asked.stdout.split(b"\0") if name})


def _copy(source: Path, destination: Path) -> None:
    if source.is_dir() and not source.is_symlink():  # a submodule
        shutil.copytree(source, destination, symlinks=True, ignore=_NEVER_PUSHED)
    elif os.path.lexists(source):  # else deleted, and that not committed
        destination.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, destination, follow_symlinks=False)


def package_lists(app: Path) -> Iterator[str]:
    """Which of the files there are that tell heroku/python what to install."""
    names = ("requirements.txt", "uv.lock", "poetry.lock", "Pipfile.lock", "Pipfile")
    return (name for name in names if (app / name).is_file())

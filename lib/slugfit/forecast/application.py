"""The app's own files: those that a deploy takes along."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from slugfit.globs import matcher

# What a developer's directory has, and no commit, where no git tells.
_NOT_COMMITTED = (
    *(".git", ".hg", ".venv", "venv", "env", "node_modules", "__pycache__", ".slugfit"),
    *(".tox", ".nox", ".pytest_cache", ".mypy_cache", ".ruff_cache", ".idea", ".vscode"),
)
_GIT_SECONDS = 30


def own_files(app: Path, environ: Mapping[str, str]) -> tuple[str, ...]:
    """The files of the slug that come from the app's directory, relative to it and sorted.

    Those that git has, or would add; without git, all but what is usually ignored. Not those
    that .slugignore names.
    """
    listed = _by_git(app, environ)
    found = _by_walk(app) if listed is None else listed
    ignored = _slugignored(app)
    return tuple(sorted(path for path in found if not ignored(path)))


def _by_git(app: Path, environ: Mapping[str, str]) -> list[str] | None:
    """None where there is no git, or no repository of it."""
    command = ["git", "-C", str(app), "ls-files", "-z", "-co", "--exclude-standard", "--", "."]
    env = {name: environ[name] for name in ("PATH", "HOME") if environ.get(name)}
    try:
        done = subprocess.run(  # noqa: S603 (no shell, and every word is ours)
            command, env=env, capture_output=True, timeout=_GIT_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    if done.returncode:
        return None
    names = {os.fsdecode(name) for name in done.stdout.split(b"\0") if name}
    return [name for name in names if (app / name).is_symlink() or (app / name).is_file()]


def _by_walk(app: Path) -> Iterator[str]:
    for directory, subdirectories, names in os.walk(app):
        subdirectories[:] = [name for name in subdirectories if name not in _NOT_COMMITTED]
        yield from (os.path.relpath(os.path.join(directory, name), app) for name in names)


def _slugignored(app: Path) -> Callable[[str], bool]:
    """Tells whether .slugignore names a path: as .gitignore does, without `!`."""
    file = app / ".slugignore"
    text = file.read_text(errors="replace") if file.is_file() else ""
    lines = [line.strip() for line in text.splitlines()]
    patterns = [line for line in lines if line.strip("/") and line[0] not in "#!"]
    anchored = ("/" in pattern.rstrip("/") for pattern in patterns)
    globs = zip(anchored, (pattern.strip("/") for pattern in patterns), strict=True)
    return matcher([glob if at_root else f"**/{glob}" for at_root, glob in globs])

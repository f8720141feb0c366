"""Which of an app's files a push would send: not what git ignores."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

# Without git: what is not part of any app's repository.
_NEVER_PUSHED = frozenset((
    *(".git", ".hg", ".svn", ".slugfit", "__pycache__", "node_modules", ".idea", ".vscode"),
    *(".venv", "venv", ".tox", ".nox", ".cache", ".hypothesis"),
    *(".mypy_cache", ".pytest_cache", ".ruff_cache"),
))  # fmt: skip
# Git sets these for its hooks, and they would replace the app's own repository.
_OF_THE_HOOK = frozenset(
    ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_PREFIX")
)
_GIT_SECONDS = 30


def pushed_files(app: Path, environ: Mapping[str, str]) -> tuple[str, ...]:
    """The files and symbolic links, relative to `app` and sorted.

    They include what is not committed yet, and submodules, which Heroku fetches. If git lists
    nothing, because there is no repository or one that ignores the app, they are all files but
    those that are usually ignored.
    """
    return tuple(sorted({*_listed_by_git(app, environ)} or {*_walked(app)}))


def copy_source(app: Path, destination: Path, environ: Mapping[str, str]) -> None:
    """Copy what a push would send into a directory."""
    for name in pushed_files(app, environ):
        (destination / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(app / name, destination / name, follow_symlinks=False)


def _listed_by_git(app: Path, environ: Mapping[str, str]) -> Iterator[str]:
    for name in _ls_files(app, environ):
        path = app / name
        if _is_sent(path):  # else it was deleted without a commit
            yield name
        elif path.is_dir() and not name.endswith("/"):  # else it is a repository, but no submodule
            yield from (f"{name}/{inner}" for inner in pushed_files(path, environ))


def _ls_files(app: Path, environ: Mapping[str, str]) -> list[str]:
    """What git tracks in `app`, and new files that it does not ignore; nothing without git."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    env = {name: value for name, value in environ.items() if name not in _OF_THE_HOOK}
    try:
        asked = subprocess.run(  # noqa: S603 (argv is ours; no shell)
            command, cwd=app, env=env, capture_output=True, check=True, timeout=_GIT_SECONDS
        )
    except (OSError, subprocess.SubprocessError):
        return []
    return [os.fsdecode(name) for name in asked.stdout.split(b"\0") if name]


def _walked(app: Path) -> Iterator[str]:
    for directory, subdirectories, names in os.walk(app):
        subdirectories[:] = [s for s in subdirectories if not _is_never_pushed(Path(directory, s))]
        for path in (Path(directory, name) for name in (*subdirectories, *names)):
            if _is_sent(path) and not _is_never_pushed(path):
                yield str(path.relative_to(app))


def _is_sent(path: Path) -> bool:
    return path.is_symlink() or path.is_file()


def _is_never_pushed(path: Path) -> bool:
    is_environment = (path / "pyvenv.cfg").is_file()
    return is_environment or path.name in _NEVER_PUSHED or path.suffix == ".pyc"

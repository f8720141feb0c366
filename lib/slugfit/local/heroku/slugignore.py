"""`.slugignore`: what the platform deletes from the app before any buildpack runs."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path


def apply_slugignore(directory: Path) -> None:
    """Delete what the app's `.slugignore` names.

    Like `.gitignore`, without `!`: a pattern with a slash is anchored to the app's root, one
    without matches at any depth.
    """
    file = directory / ".slugignore"
    if not file.is_file():
        return
    for pattern in _patterns(file.read_text()):
        for path in _matches(directory, pattern):
            _delete(path)


def _patterns(text: str) -> Iterator[str]:
    lines = (line.strip() for line in text.splitlines())
    return (line for line in lines if line and not line.startswith(("#", "!")))


def _matches(directory: Path, pattern: str) -> list[Path]:
    name = pattern.strip("/")
    if not name:
        return []
    anchored = "/" in pattern.rstrip("/")
    found = directory.glob(name) if anchored else directory.rglob(name)
    return [path for path in found if path.is_dir() or not pattern.endswith("/")]


def _delete(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)

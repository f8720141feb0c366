"""The directories that play `/app`, `/tmp` and the rest, all under one temporary root."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from slugfit.base.trees import remove_tree

OTHER_FILESYSTEM = Path("/dev/shm")  # noqa: S108 (a directory of our own is made in it)
# Containers often give /dev/shm a mere 64 MB; a cached Python with its packages takes more.
OTHER_FILESYSTEM_NEEDS = 1_000_000_000


@dataclass(frozen=True)
class Root:
    """One machine of the local Heroku, seen from outside."""

    path: Path

    @property
    def app(self) -> Path:
        """The directory that plays `/app`."""
        return self.path / "app"

    @property
    def tmp(self) -> Path:
        """The directory that plays `/tmp`."""
        return self.path / "tmp"

    @property
    def cache(self) -> Path:
        """The directory that plays `/tmp/codon/tmp/cache`: it outlives builds."""
        return self.path / "cache"

    @property
    def env(self) -> Path:
        """The directory that holds a file for each config var."""
        return self.path / "env"

    @property
    def buildpacks(self) -> Path:
        """The directory that the buildpacks are copied to for each build."""
        return self.path / "buildpacks"

    @property
    def source(self) -> Path:
        """The working copy of the app's source, which may be edited between builds."""
        return self.path / "source"

    @property
    def slug(self) -> Path:
        """The packed slug."""
        return self.path / "slug.tgz"

    def renew(self, *directories: Path) -> None:
        """Empty these directories, creating them where they are missing."""
        for directory in directories:
            remove_tree(directory)
            directory.mkdir(parents=True)


class Curtain:
    """Hides from a running dyno what only the machine that builds has.

    A symlink into the build cache or a path of the build directory baked into a file works on
    the machine that built it and nowhere else. Renaming brings that to light.
    """

    def __init__(self) -> None:
        self._hidden: dict[Path, Path] = {}

    def close(self, paths: Iterable[Path]) -> None:
        """Hide `paths`, those that exist."""
        for path in paths:
            if path.exists():
                self._hidden[path] = path.rename(path.with_name(f"{path.name}.hidden"))

    def open(self) -> None:
        """Put everything back where it was."""
        while self._hidden:
            path, hidden = self._hidden.popitem()
            remove_tree(path)
            hidden.rename(path)

    def find(self, path: Path) -> Path:
        """Return where `path` is at present."""
        for original, hidden in self._hidden.items():
            if path.is_relative_to(original):
                return hidden / path.relative_to(original)
        return path


def make_writable(path: Path) -> None:
    """Let the owner write into a directory again."""
    mode = path.stat().st_mode
    if not mode & stat.S_IWUSR:
        path.chmod(mode | stat.S_IWUSR)


def on_another_filesystem(path: Path) -> Path | None:
    """Return a new directory on another filesystem than `path`, where this machine has one."""
    if not OTHER_FILESYSTEM.is_dir() or not os.access(OTHER_FILESYSTEM, os.W_OK):
        return None
    if OTHER_FILESYSTEM.stat().st_dev == path.stat().st_dev:
        return None
    if shutil.disk_usage(OTHER_FILESYSTEM).free < OTHER_FILESYSTEM_NEEDS:
        return None
    return Path(tempfile.mkdtemp(prefix="slugfit-cache-", dir=OTHER_FILESYSTEM))

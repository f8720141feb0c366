"""A buildpack: where it is, and the copy of it that one build runs."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from slugfit.app.python_version import PythonVersion

# The checkout that this file is a part of, or what a registry's tarball has of it.
CHECKOUT = Path(__file__).resolve().parents[3]
IGNORED = shutil.ignore_patterns(".git", "__pycache__", "*.pyc")
WRITE_BITS = stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH


class IncompleteBuildpackError(Exception):
    """A buildpack lacks a script that every buildpack has."""


@dataclass(frozen=True)
class Host:
    """What a build takes from the machine that it runs on.

    `pythons` and `wheels` are the directories where relocatable Pythons and the downloads of pip
    and uv are kept from one build to the next, for all apps. `environ` is the user's.
    """

    pythons: Path
    wheels: Path
    environ: Mapping[str, str]


@dataclass(frozen=True)
class BuildRequest:
    """What a buildpack's own variables may depend on; `python` overrides what the app asks for."""

    build_dir: Path
    app_dir: Path
    python: PythonVersion | None
    host: Host


@dataclass(frozen=True)
class Buildpack:
    """A buildpack's directory, or the parts of it that its registry tarball would hold."""

    path: Path
    name: str
    parts: tuple[str, ...] = ()
    variables: Callable[[BuildRequest], Mapping[str, str]] = lambda request: {}

    def copy_to(self, destination: Path, *, read_only: bool) -> StagedBuildpack:
        """Copy the buildpack, as Heroku unpacks it for each build: no `export` is left."""
        if self.parts:
            self._copy_parts(destination)
        else:
            shutil.copytree(self.path, destination, symlinks=True, ignore=IGNORED)
        if read_only:
            _forbid_writing(destination)
        return StagedBuildpack(destination, self)

    def _copy_parts(self, destination: Path) -> None:
        destination.mkdir(parents=True)
        for part in self.parts:
            source = self.path / part
            if source.is_dir():
                shutil.copytree(source, destination / part, symlinks=True, ignore=IGNORED)
            elif source.exists():
                shutil.copy2(source, destination / part)


@dataclass(frozen=True)
class StagedBuildpack:
    """The copy of a buildpack that one build runs."""

    path: Path
    buildpack: Buildpack

    @property
    def name(self) -> str:
        """The name that the log calls it by."""
        return self.buildpack.name

    @property
    def export(self) -> Path:
        """The file that later buildpacks find sourced."""
        return self.path / "export"

    def script(self, name: str) -> Path | None:
        """Return the path of `bin/<name>`, if the buildpack has it."""
        path = self.path / "bin" / name
        return path if path.exists() else None

    def required(self, name: str) -> Path:
        """Return the path of `bin/<name>`; raises IncompleteBuildpackError."""
        script = self.script(name)
        if script is None:
            raise IncompleteBuildpackError(f"{self.name} has no bin/{name}")
        return script


def as_buildpack(buildpack: Buildpack | Path) -> Buildpack:
    """Return `buildpack` itself, or the one that lives in that directory."""
    if isinstance(buildpack, Buildpack):
        return buildpack
    return Buildpack(buildpack, buildpack.name)


def _forbid_writing(directory: Path) -> None:
    for folder, _, files in os.walk(directory, topdown=False):
        for path in [*(Path(folder, name) for name in files), Path(folder)]:
            if not path.is_symlink():
                path.chmod(path.stat().st_mode & ~WRITE_BITS)


SLUGFIT = Buildpack(CHECKOUT, "slugfit", parts=("bin", "lib", "buildpack.toml"))

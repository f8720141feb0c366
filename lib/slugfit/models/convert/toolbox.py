"""Installs the conversion tools: outside the slug, the app's packages and the cache, and only for
the duration of the conversions."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from slugfit.base.files import naming_full_disk
from slugfit.base.process import run
from slugfit.helper.dependencies import LOCKS
from slugfit.helper.installation import pip_install

TOOLS = LOCKS / "tools"
_PYTHONS = ((3, 10), (3, 14))  # the oldest and the newest with wheels for all locks
_MACHINES = ("x86_64", "aarch64")
_LINES_SHOWN = 5


class PipFailed(Exception):  # noqa: N818 (becomes a failure that names the model)
    """pip failed. `message` is the end of its output, None after a timeout."""

    def __init__(self, message: str | None) -> None:
        super().__init__(message)
        self.message = message


class Toolbox(Protocol):
    """Provides installed locks."""

    def provide(self, lock: str, seconds: float) -> Path:
        """A directory for sys.path with the packages of `lock`. Raises PipFailed."""

    def close(self) -> None:
        """Remove what is no longer needed."""


class TemporaryToolbox:
    """A directory per lock, in a temporary directory that `close` removes."""

    def __init__(self, environ: Mapping[str, str], locks: Path = TOOLS) -> None:
        self._environ = environ
        self._locks = locks
        self._root: Path | None = None

    def provide(self, lock: str, seconds: float) -> Path:
        if self._root is None:
            self._root = Path(tempfile.mkdtemp(prefix="slugfit-tools-"))
        directory = self._root / lock
        if not directory.exists():
            install(self._locks / f"{lock}.txt", directory, self._environ, seconds)
        return directory

    def close(self) -> None:
        if self._root is not None:
            shutil.rmtree(self._root, ignore_errors=True)
            self._root = None


def install(lock: Path, into: Path, environ: Mapping[str, str], seconds: float) -> None:
    """Install `lock` into `into`, which is removed on failure. Raises PipFailed."""
    home = into.parent
    argv, env = pip_install(home, environ)
    words = ["--target", str(into), "--requirement", str(lock)]
    try:
        with naming_full_disk(home):
            finished = run([*argv, *words], env=env, cwd=home, seconds=seconds, with_stdout=True)
        if not finished.ok:
            message = "\n".join(finished.tail[-_LINES_SHOWN:])
            raise PipFailed(None if finished.code is None else message)
        into.mkdir(exist_ok=True)  # pip creates none when no requirement applies to this Python
    except BaseException:
        with suppress(OSError):
            shutil.rmtree(into)
        raise


def unsupported_python() -> str:
    """Why the tools have no wheels for this Python and processor; "" if they have."""
    first, last = (".".join(map(str, version)) for version in _PYTHONS)
    own = ".".join(map(str, sys.version_info[:2]))
    machine = os.uname().machine
    if _PYTHONS[0] <= sys.version_info[:2] <= _PYTHONS[1] and machine in _MACHINES:
        return ""
    return (
        f"this is CPython {own} on {machine}\n"
        f"supported: CPython {first} to {last} on {' and '.join(_MACHINES)}"
    )

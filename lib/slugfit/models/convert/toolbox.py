"""Installs what conversions run in: outside the slug, the app's packages and the cache, and only
for as long as the build needs it."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from slugfit.dependencies import LOCKS
from slugfit.files import naming_full_disk
from slugfit.installation import pip_install
from slugfit.process import run

TOOLS = LOCKS / "tools"
_PYTHONS = ((3, 10), (3, 14))  # the first and the last that the locks have wheels for
_MACHINES = ("x86_64", "aarch64")
_LINES_SHOWN = 5


class NotInstalled(Exception):  # noqa: N818 (becomes a failure that names the model)
    """pip did not end well. `said` is the end of what it said, None when time was up."""

    def __init__(self, said: str | None) -> None:
        super().__init__(said)
        self.said = said


class Toolbox(Protocol):
    """Where installed locks come from."""

    def provide(self, lock: str, seconds: float) -> Path:
        """A directory for sys.path with what `lock` pins. Raises NotInstalled."""

    def close(self) -> None:
        """Remove what is nobody's any more."""


class TemporaryToolbox:
    """A directory for each lock, in a temporary one that `close` removes."""

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
    """Fill `into`, which is there afterwards only if that went well. Raises NotInstalled."""
    home = into.parent
    argv, env = pip_install(home, environ)
    words = ["--target", str(into), "--requirement", str(lock)]
    try:
        with naming_full_disk(home):
            finished = run([*argv, *words], env=env, cwd=home, seconds=seconds, with_stdout=True)
        if not finished.ok:
            said = "\n".join(finished.tail[-_LINES_SHOWN:])
            raise NotInstalled(None if finished.code is None else said)
        into.mkdir(exist_ok=True)  # pip makes none when the lock has nothing for this Python
    except BaseException:
        with suppress(OSError):
            shutil.rmtree(into)
        raise


def unfit_python() -> str:
    """Why the locks have no wheels for the Python that runs this; "" if they have."""
    first, last = (".".join(map(str, version)) for version in _PYTHONS)
    own = ".".join(map(str, sys.version_info[:2]))
    machine = os.uname().machine
    if _PYTHONS[0] <= sys.version_info[:2] <= _PYTHONS[1] and machine in _MACHINES:
        return ""
    return f"this is CPython {own} on {machine}\nthe tools run on {first} to {last}, on x86_64"

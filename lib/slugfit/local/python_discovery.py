"""Finding a Python of a wanted version on this machine."""

from __future__ import annotations

import functools
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

# Asked of the interpreter itself: a name on PATH may be a shim, and a shim knows nothing.
QUESTION = """
import json, os, sys, sysconfig
print(json.dumps({
    "version": "%d.%d.%d" % sys.version_info[:3],
    "prefix": sys.base_prefix,
    "executable": os.path.realpath(getattr(sys, "_base_executable", None) or sys.executable),
    "stdlib": os.path.dirname(os.__file__),
    "platstdlib": sysconfig.get_path("platstdlib"),
    "include": sysconfig.get_path("include", "posix_prefix"),
    "libdir": sysconfig.get_config_var("LIBDIR"),
    "shared": bool(sysconfig.get_config_var("Py_ENABLE_SHARED")),
    "wheels": sysconfig.get_config_var("WHEEL_PKG_DIR"),
}))
"""


class PythonNotFoundError(Exception):
    """This machine has no Python of the wanted version."""


@dataclass(frozen=True)
class InstalledPython:
    """An installed Python, described by itself."""

    version: str
    prefix: Path
    executable: Path
    stdlib: Path
    platstdlib: Path
    include: Path
    libdir: Path
    shared: bool
    wheels: Path | None

    @property
    def series(self) -> str:
        """The X.Y of its version."""
        return self.version.rpartition(".")[0]


def running_interpreter() -> InstalledPython:
    """Return the Python that runs this."""
    interpreter = _ask(Path(sys.executable))
    if interpreter is None:
        raise PythonNotFoundError(f"{sys.executable} does not say which Python it is")
    return interpreter


def find_interpreter(series: str, environ: Mapping[str, str]) -> InstalledPython:
    """Return a Python X.Y, the running one if it is; raises PythonNotFoundError."""
    for interpreter in filter(None, map(_ask, _candidates(series, environ))):
        if interpreter.series == series:
            return interpreter
    raise PythonNotFoundError(f"no Python {series} on PATH or in ~/.pyenv/versions")


def _candidates(series: str, environ: Mapping[str, str]) -> Iterator[Path]:
    yield Path(sys.executable)
    for folder in os.get_exec_path(environ):
        yield Path(folder, f"python{series}")
    versions = Path(environ.get("HOME") or "~").expanduser() / ".pyenv" / "versions"
    # The newest first, and 3.11.10 is newer than 3.11.9.
    found = sorted(versions.glob(f"{series}.*"), key=lambda path: (len(path.name), path.name))
    for version in reversed(found):
        yield version / "bin" / f"python{series}"


@functools.cache
def _ask(path: Path) -> InstalledPython | None:
    if not os.access(path, os.X_OK):
        return None
    command: list[str | Path] = [path, "-I", "-c", QUESTION]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    if answer.returncode != 0:
        return None
    answers = json.loads(answer.stdout)
    paths = ("prefix", "executable", "stdlib", "platstdlib", "include", "libdir")
    return InstalledPython(
        version=answers["version"],
        shared=answers["shared"],
        wheels=Path(answers["wheels"]) if answers["wheels"] else None,
        **{name: Path(answers[name]) for name in paths},
    )

"""Finding a Python of a wanted version on this machine."""

import functools
import json
import os
import subprocess
import sys
from collections.abc import Iterator
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
class Interpreter:
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


@functools.cache
def find_interpreter(series: str | None, *, fall_back: bool = False) -> Interpreter:
    """Return a Python X.Y; with `fall_back`, or when none is asked for, the running one."""
    running = _ask(Path(sys.executable))
    assert running is not None
    if series is None:
        return running
    for candidate in [running, *_installed(series)]:
        if candidate.series == series:
            return candidate
    if fall_back:
        return running
    raise PythonNotFoundError(f"no Python {series} on PATH or in ~/.pyenv/versions")


def _installed(series: str) -> Iterator[Interpreter]:
    for path in _candidates(series):
        interpreter = _ask(path)
        if interpreter is not None:
            yield interpreter


def _candidates(series: str) -> Iterator[Path]:
    for folder in os.get_exec_path():
        yield Path(folder, f"python{series}")
    versions = Path.home() / ".pyenv" / "versions"
    # The newest first, and 3.11.10 is newer than 3.11.9.
    found = sorted(versions.glob(f"{series}.*"), key=lambda path: (len(path.name), path.name))
    for version in reversed(found):
        yield version / "bin" / f"python{series}"


def _ask(path: Path) -> Interpreter | None:
    if not os.access(path, os.X_OK):
        return None
    command: list[str | Path] = [path, "-I", "-c", QUESTION]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    if answer.returncode != 0:
        return None
    told = json.loads(answer.stdout)
    paths = ("prefix", "executable", "stdlib", "platstdlib", "include", "libdir")
    return Interpreter(
        version=told["version"],
        shared=told["shared"],
        wheels=Path(told["wheels"]) if told["wheels"] else None,
        **{name: Path(told[name]) for name in paths},
    )

"""Which Python heroku/python (v351) installs for an app, and what it refuses.

One rule only a build cache can answer: an app that names no version keeps that of its last build.
"""

from __future__ import annotations

import re
import string
from dataclasses import dataclass
from pathlib import Path

from slugfit.app.failures import NotSupported, UnreadableRequirements
from slugfit.app.package_manager import Manager, read_json
from slugfit.base.heroku import DEFAULT_PYTHON, PYTHONS

_OPTION = "the --python option"

_CHOICE = f"echo 3.{DEFAULT_PYTHON} >.python-version"
_CHOICES = {
    _OPTION: f"--python 3.{DEFAULT_PYTHON}",
    "runtime.txt": f"rm runtime.txt && {_CHOICE}",
}
_MINORS = "|".join(map(str, PYTHONS))
_VERSION = re.compile(rf"3\.({_MINORS})(?:\.(?:0|[1-9][0-9]*))?")
# Misspellings in the wild, at which heroku/python stops.
_MISSPELLED = re.compile(
    r"\.?python_version(?:\.txt)?|\.python-version(?: |\.(?:py|rtf|txt|TXT)?)"
    r"|python-version(?:\.(?:txt)?)?|(?:,| \.|\. )python-version"
    r"|\.(?:Python-|python\.|python)version|'\.python-version'"
)


@dataclass(frozen=True)
class PythonVersion:
    """Python 3.`minor`, and what asks for it: a file of the app, an option, or nothing ("")."""

    minor: int
    origin: str = ""

    @property
    def series(self) -> str:
        return f"3.{self.minor}"


def python_for(app: Path, manager: Manager, asked: str | None = None) -> PythonVersion:
    """The Python of `app`; `asked` is the value of `--python`, which overrides the app's files.

    Raises NotSupported, UnreadableRequirements.
    """
    if asked:
        return _version(asked, _OPTION)
    found = _in_files(app, manager)
    if manager == "uv" and found.origin != ".python-version":
        also = "Delete runtime.txt, and create" if found.origin == "runtime.txt" else "Create"
        raise NotSupported(
            "Apps that use uv need a .python-version file.",
            str(app),
            f"{also} the file:\nuv python pin {found.series}",
        )
    return found


def _in_files(app: Path, manager: Manager) -> PythonVersion:
    """What the app's files name, the file that counts most first."""
    if (app / "runtime.txt").is_file():
        return _version(_lines(app / "runtime.txt"), "runtime.txt", prefix="python-")
    for file in sorted(app.iterdir()):
        if _MISSPELLED.fullmatch(file.name) and file.is_file():
            fix = f'Rename it:\ngit mv "{file.name}" .python-version'
            raise NotSupported("The file name .python-version is misspelled.", f'"{file}"', fix)
    if (app / ".python-version").is_file():
        return _version(_lines(app / ".python-version"), ".python-version")
    locked = _in_pipfile_lock(app / "Pipfile.lock") if manager == "pipenv" else None
    return PythonVersion(DEFAULT_PYTHON) if locked is None else _version(locked, "Pipfile.lock")


def _lines(file: Path) -> str:
    """The lines of a file that are neither empty nor comments; one, if all is well."""
    text = file.read_text(encoding="utf-8", errors="replace")
    # heroku/python does not strip byte order marks and no-break spaces either.
    lines = (line.strip(string.whitespace) for line in text.split("\n"))
    return "\n".join(line for line in lines if line and line[0] != "#")


def _in_pipfile_lock(lock: Path) -> str | None:
    requires = read_json(lock).get("_meta", {}).get("requires") or {}
    if not isinstance(requires, dict):
        raise UnreadableRequirements(str(lock), "It is not a valid Pipfile.lock.")
    named = (requires.get(field) for field in ("python_full_version", "python_version"))
    return next((str(version) for version in named if version is not None), None)


def _version(text: str, origin: str, prefix: str = "") -> PythonVersion:
    match = _VERSION.fullmatch(text.removeprefix(prefix)) if text.startswith(prefix) else None
    if match is None:
        first, *_, last = (f"3.{minor}" for minor in PYTHONS)
        raise NotSupported(
            "Heroku does not have the requested Python version.",
            f'{origin}: "{" ".join(text.split())}"',
            f"Choose a version from {first} to {last}:\n{_CHOICES.get(origin, _CHOICE)}",
        )
    return PythonVersion(int(match[1]), origin)

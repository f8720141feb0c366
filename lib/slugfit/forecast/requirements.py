"""Where an app says what it requires, and for which Python, as heroku/python reads it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from slugfit.forecast.failures import NoRequirements, NotSupported, UnreadableRequirements

DEFAULT_PYTHON = "3.14"

Manager = Literal["pipenv", "pip", "poetry", "uv"]
# The order in which heroku/python looks; the last two are for who has no lock yet.
_FILES: tuple[tuple[str, Manager], ...] = (
    ("Pipfile.lock", "pipenv"),
    ("requirements.txt", "pip"),
    ("poetry.lock", "poetry"),
    ("uv.lock", "uv"),
    ("pyproject.toml", "pip"),
    ("setup.py", "pip"),
)
_VERSION = re.compile(r"(?:python-)?(3\.\d+)(?:\.\d+)?")
_SUPPORTED = range(10, 15)


@dataclass(frozen=True)
class Requirements:
    """The file that packages are installed from, and who installs them."""

    file: Path
    manager: Manager


def find_requirements(app: Path) -> Requirements:
    """Raises NoRequirements, or NotSupported for a Pipfile without its lock."""
    if (app / "Pipfile").is_file() and not (app / "Pipfile.lock").is_file():
        raise NotSupported(
            "The app has a Pipfile without its lock.",
            str(app / "Pipfile"),
            "Write the lock, and commit it:\npipenv lock",
        )
    for name, manager in _FILES:
        if (app / name).is_file():
            return Requirements(app / name, manager)
    raise NoRequirements(str(app))


def python_for(app: Path, asked: str | None) -> int:
    """The minor version of the dyno's Python 3. Raises NotSupported, UnreadableRequirements."""
    for where, text in _versions(app, asked):
        match = _VERSION.fullmatch(text)
        minor = int(match[1].partition(".")[2]) if match else 0
        if minor not in _SUPPORTED:
            raise NotSupported(
                "The Python version is none that Heroku has.",
                f'{where}: "{text}"',
                f"Name one from 3.{_SUPPORTED[0]} to 3.{_SUPPORTED[-1]}, such as {DEFAULT_PYTHON}.",
            )
        return minor
    raise AssertionError("there is a default")


def _versions(app: Path, asked: str | None) -> Iterator[tuple[str, str]]:
    """Who names a version, and which, the strongest first."""
    if asked:
        yield "--python", asked
    for name in ("runtime.txt", ".python-version"):
        if (app / name).is_file():
            lines = (app / name).read_text(errors="replace").splitlines()
            said = [line.strip() for line in lines if line.strip() and line.strip()[0] != "#"]
            yield name, " ".join(said)
    if (app / "Pipfile.lock").is_file():
        requires = read_json(app / "Pipfile.lock").get("_meta", {}).get("requires", {})
        if text := requires.get("python_full_version") or requires.get("python_version"):
            yield "Pipfile.lock", str(text)
    yield "default", DEFAULT_PYTHON


def read_json(file: Path) -> dict[str, dict[str, dict[str, object]]]:
    """A lock of pipenv's. Raises UnreadableRequirements."""
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
        if isinstance(document, dict) and all(isinstance(v, dict) for v in document.values()):
            return document
    except (OSError, ValueError) as error:
        raise UnreadableRequirements(str(file), str(error)) from None
    raise UnreadableRequirements(str(file), "It is not what pipenv writes.")

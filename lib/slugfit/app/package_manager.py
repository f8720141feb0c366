"""Which file heroku/python (v351) installs an app's packages from, and what it refuses."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from slugfit.app.failures import NoRequirements, NotSupported, UnreadableRequirements

Manager = Literal["pipenv", "pip", "poetry", "uv"]

# In the order in which heroku/python looks for them.
FILES: dict[str, Manager] = {
    "Pipfile.lock": "pipenv",
    "requirements.txt": "pip",
    "poetry.lock": "poetry",
    "uv.lock": "uv",
}


@dataclass(frozen=True)
class Requirements:
    """The package manager file that packages are installed from."""

    file: Path
    manager: Manager


def package_files(app: Path) -> tuple[Requirements, ...]:
    """All package manager files of the app; heroku/python accepts exactly one."""
    return tuple(
        Requirements(app / name, manager)
        for name, manager in FILES.items()
        if (app / name).is_file()
    )


def find_requirements(app: Path) -> Requirements:
    """What heroku/python installs from. Raises NoRequirements, NotSupported."""
    found = package_files(app)
    if (app / "Pipfile").is_file() and not (app / "Pipfile.lock").is_file():
        raise NotSupported(
            "The app has a Pipfile, but no Pipfile.lock.",
            str(app / "Pipfile"),
            "Create the lock file, and commit it:\npipenv lock",
        )
    if not found:
        others = (name for name in ("setup.py", "pyproject.toml") if (app / name).is_file())
        raise NoRequirements(str(app), tuple(others))
    if len(found) > 1:
        raise NotSupported(
            "The app has several package manager files.",
            str(app),
            "Choose one package manager, and delete the other files.",
            tuple(f"{each.file.name} ({each.manager})" for each in found),
        )
    return found[0]


def manager_of(app: Path) -> Manager:
    """The package manager of an app that was built already; pip where no file tells."""
    return next((found.manager for found in package_files(app)), "pip")


def read_json(file: Path) -> dict[str, dict[str, dict[str, object]]]:
    """A Pipfile.lock. Raises UnreadableRequirements."""
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
        if isinstance(document, dict) and all(isinstance(v, dict) for v in document.values()):
            return document
    except (OSError, ValueError) as error:
        raise UnreadableRequirements(str(file), str(error)) from None
    raise UnreadableRequirements(str(file), "It is not a valid Pipfile.lock.")

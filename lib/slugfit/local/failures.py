"""Why a local build can't start."""

from __future__ import annotations

from pathlib import Path

from slugfit.base.errors import Explanation, Failure

_EXPORTS = {
    "poetry.lock": "poetry export --output requirements.txt && rm poetry.lock",
    "Pipfile.lock": "pipenv requirements >requirements.txt && rm Pipfile Pipfile.lock",
}


class NoInstaller(Failure):
    """The app has a package manager that only Heroku itself can install with."""

    id = "build::no-requirements"

    def __init__(self, lock: Path) -> None:
        self.lock = lock

    def explain(self) -> Explanation:
        return Explanation(
            summary=f"A local build can't install from {self.lock.name}.",
            where=str(self.lock),
            why="It supports pip and uv.",
            fixes=(f"In a copy of the app, export its requirements:\n{_EXPORTS[self.lock.name]}",),
        )


class NoPython(Failure):
    """The requested Python X.Y is not installed, or not complete. `here` is one that is."""

    id = "build::python-missing"

    def __init__(self, series: str, reason: str, here: str) -> None:
        self.series = series
        self.reason = reason
        self.here = here

    def explain(self) -> Explanation:
        return Explanation(
            summary=f"Python {self.series} is not installed on this machine.",
            evidence=(self.reason,),
            fixes=(
                f"Install it: pyenv install {self.series}\n"
                f"or: apt install python{self.series} python{self.series}-venv",
                f"Use one that is installed: slugfit build --python {self.here}",
            ),
        )


class NoUv(Failure):
    """An app with a uv.lock, and no uv."""

    id = "build::uv-missing"

    def explain(self) -> Explanation:
        return Explanation(
            summary="The app has a uv.lock, but uv is not on PATH.",
            fixes=("Install it: pip install uv",),
        )


class IntoTaken(Failure):
    """`--into` names a directory that no build created, or one inside or around the app."""

    id = "build::into-taken"

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def explain(self) -> Explanation:
        return Explanation(
            summary="The built app can't be saved there.",
            where=str(self.directory),
            why="A build overwrites only an earlier build, and never writes into the app.",
            fixes=("Choose a new or empty directory outside the app: --into DIR",),
        )

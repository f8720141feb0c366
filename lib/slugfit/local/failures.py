"""What keeps a local build from beginning."""

from __future__ import annotations

from pathlib import Path

from slugfit.errors import Explanation, Failure

_EXPORTS = {
    "poetry.lock": "poetry export --output requirements.txt",
    "Pipfile.lock": "pipenv requirements > requirements.txt",
    "Pipfile": "pipenv lock && pipenv requirements > requirements.txt",
}


class NoRequirements(Failure):
    """Nothing says what to install; `found` are lists that only Heroku itself understands."""

    id = "build::no-requirements"

    def __init__(self, app: Path, found: tuple[str, ...] = ()) -> None:
        self.app = app
        self.found = found

    def explain(self) -> Explanation:
        exports = tuple(f"Write one:\n{_EXPORTS[name]}" for name in self.found[:1])
        return Explanation(
            summary="There is no requirements.txt or uv.lock in the app.",
            where=str(self.app),
            evidence=tuple(f"found: {name}" for name in self.found),
            why="The local Heroku installs packages with pip or uv.",
            fixes=exports
            or (
                "Name the app's directory:\nslugfit build path/to/app",
                "Write down what the app needs:\npip freeze > requirements.txt",
            ),
        )


class NoPython(Failure):
    """No installed Python of the wanted X.Y, or one that is not whole. `here` is one that is."""

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
                f"Build with one that is: slugfit build --python {self.here}",
            ),
        )


class NoUv(Failure):
    """An app with a uv.lock, and no uv to install from it."""

    id = "build::uv-missing"

    def explain(self) -> Explanation:
        return Explanation(
            summary="The app has a uv.lock, and there is no uv on PATH.",
            fixes=("Install it: pip install uv",),
        )


class IntoTaken(Failure):
    """`--into` names a directory that no build has made, or one in the app, or around it."""

    id = "build::into-taken"

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def explain(self) -> Explanation:
        return Explanation(
            summary="The built app can not go there.",
            where=str(self.directory),
            why="It replaces only what an earlier build has put there, and is no part of the app.",
            fixes=("Name a directory beside the app, which is empty or not there: --into DIR",),
        )

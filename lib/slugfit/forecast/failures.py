"""What keeps a forecast from being made."""

from __future__ import annotations

from slugfit.errors import Explanation, Failure

_LINES_SHOWN = 12


class NoRequirements(Failure):
    """The app has none of the files that heroku/python installs from."""

    id = "predict::no-requirements"

    def __init__(self, app: str) -> None:
        self.app = app

    def explain(self) -> Explanation:
        return Explanation(
            summary="The app does not say what it requires.",
            where=self.app,
            evidence=("looked for: requirements.txt, Pipfile.lock, poetry.lock, uv.lock,",
                      "            pyproject.toml, setup.py"),
            fixes=(
                "Name the directory that has one of these files:\nslugfit predict path/to/app",
                "Write what the packages are, as heroku/python needs it, too:\n"
                "pip freeze >requirements.txt",
            ),
        )  # fmt: skip


class UnreadableRequirements(Failure):
    """A requirements file is not what its name says. `said` tells where."""

    id = "predict::unreadable-requirements"

    def __init__(self, file: str, said: str) -> None:
        self.file = file
        self.said = said

    def explain(self) -> Explanation:
        return Explanation(
            summary="The app's requirements can not be read.",
            where=self.file,
            evidence=tuple(self.said.splitlines()[:_LINES_SHOWN]),
            why="The build would fail on them, too.",
            fixes=("Correct the file. A lock is written anew by the tool that made it.",),
        )


class NotSupported(Failure):
    """Something that a forecast does not know how to read. `instead` is what to do."""

    id = "predict::not-supported"

    def __init__(self, what: str, where: str, instead: str) -> None:
        self.what = what
        self.where = where
        self.instead = instead

    def explain(self) -> Explanation:
        return Explanation(summary=self.what, where=self.where, fixes=(self.instead,))


class Unresolvable(Failure):
    """No set of versions meets all requirements. `said` is the resolver's explanation."""

    id = "predict::unresolvable"

    def __init__(self, file: str, machine: str, said: str) -> None:
        self.file = file
        self.machine = machine
        self.said = said

    def explain(self) -> Explanation:
        return Explanation(
            summary="The app's requirements can not be met together.",
            where=self.file,
            evidence=tuple(self.said.splitlines()[:_LINES_SHOWN]),
            why=f"This is for {self.machine}, as the build has it.",
            fixes=(
                "Change the requirement that is named last.",
                "If the app runs on another Python, say which: --python, or .python-version",
            ),
        )


class IndexDown(Failure):
    """The package index, or whatever else packages come from, can't be reached, or fails."""

    id = "predict::index-down"
    kind = "upstream"

    def __init__(self, said: str) -> None:
        self.said = said

    def explain(self) -> Explanation:
        return Explanation(
            summary="A source of the app's packages does not answer.",
            evidence=tuple(self.said.splitlines()[:_LINES_SHOWN]),
            fixes=(
                "the network, and the index that PIP_INDEX_URL or the requirements name",
                "the status of the Python Package Index: https://status.python.org",
            ),
        )

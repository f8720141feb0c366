"""What is wrong with an app's requirements, or with its Python version."""

from __future__ import annotations

from slugfit.base.errors import Explanation, Failure

_LINES_SHOWN = 12
# What makes heroku/python install the packages of an app that has only one of these files.
_ALONE = {
    "setup.py": "Install the app itself with pip:\necho '--editable .' >requirements.txt",
    "pyproject.toml": "Create a lock file, and commit it:\nuv lock",
}


class NoRequirements(Failure):
    """The app has no package manager file; `found` are files that do not replace one."""

    id = "predict::no-requirements"

    def __init__(self, app: str, found: tuple[str, ...] = ()) -> None:
        self.app = app
        self.found = found

    def explain(self) -> Explanation:
        return Explanation(
            summary="The app has no package manager file.",
            where=self.app,
            evidence=(
                "looked for: requirements.txt, Pipfile.lock, poetry.lock, uv.lock",
                *(f"found: {name}, which is not enough" for name in self.found),
            ),
            fixes=tuple(_ALONE[name] for name in self.found)
            or (
                "Run the command on the directory that has one of these files.",
                "Create one that lists the app's packages:\npip freeze >requirements.txt",
            ),
        )


class UnreadableRequirements(Failure):
    """A requirements file is malformed. `said` is the message of what read it."""

    id = "predict::unreadable-requirements"

    def __init__(self, file: str, said: str) -> None:
        self.file = file
        self.said = said

    def explain(self) -> Explanation:
        return Explanation(
            summary="The app's requirements can't be read.",
            where=self.file,
            evidence=tuple(self.said.splitlines()[:_LINES_SHOWN]),
            why="The build would fail, too.",
            fixes=("Fix the file. If it is a lock file, let its tool write it again.",),
        )


class NotSupported(Failure):
    """What heroku/python refuses, or a forecast can't read. `instead` is what to do."""

    id = "predict::not-supported"

    def __init__(self, what: str, where: str, instead: str, evidence: tuple[str, ...] = ()) -> None:
        self.what = what
        self.where = where
        self.instead = instead
        self.evidence = evidence

    def explain(self) -> Explanation:
        return Explanation(
            summary=self.what, where=self.where, evidence=self.evidence, fixes=(self.instead,)
        )

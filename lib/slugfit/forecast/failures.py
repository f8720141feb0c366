"""What prevents a forecast."""

from __future__ import annotations

from slugfit.base.errors import Explanation, Failure

_LINES_SHOWN = 12


class Unresolvable(Failure):
    """No set of versions meets all requirements. `said` is the resolver's explanation."""

    id = "predict::unresolvable"

    def __init__(self, file: str, machine: str, said: str) -> None:
        self.file = file
        self.machine = machine
        self.said = said

    def explain(self) -> Explanation:
        return Explanation(
            summary="The app's requirements cannot be met together.",
            where=self.file,
            evidence=tuple(self.said.splitlines()[:_LINES_SHOWN]),
            why=f"This is for {self.machine}, like the build.",
            fixes=(
                "Change the requirement that the resolver names last.",
                "If the app runs on another Python, set it: --python, or .python-version",
            ),
        )


class IndexDown(Failure):
    """The package index, or another source of packages, can't be reached, or fails."""

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

"""What prevents a forecast."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from slugfit.base.errors import Explanation, Failure

_LINES_SHOWN = 12


@dataclass(frozen=True)
class Conflict:
    """Which of the app's `lines` can't be met together, each with its place.

    `change` is a diff that resolves, and `python` a Python for which they resolve as they are; ""
    where none was found. `is_smallest` is whether all of `lines` are needed for the conflict.
    """

    lines: tuple[str, ...]
    is_smallest: bool
    change: str = ""
    python: str = ""


class Unresolvable(Failure):
    """No set of versions meets all requirements. `said` is the resolver's explanation."""

    id = "predict::unresolvable"

    def __init__(
        self, file: str, machine: str, said: str, conflict: Conflict | None = None
    ) -> None:
        self.file = file
        self.machine = machine
        self.said = said
        self.conflict = conflict

    def explain(self) -> Explanation:
        return Explanation(
            summary="The app's requirements cannot be met together.",
            where=self.file,
            evidence=(*self._lines(), *_conclusion(self.said)),
            why=f"This is for {self.machine}, like the build.",
            fixes=tuple(self._fixes()),
        )

    def _lines(self) -> Iterator[str]:
        if self.conflict and self.conflict.lines:
            smallest = self.conflict.is_smallest
            yield "These lines conflict:" if smallest else "The conflict is among these lines:"
            yield from (f"  {line}" for line in self.conflict.lines[:_LINES_SHOWN])
            if more := self.conflict.lines[_LINES_SHOWN:]:
                yield f"  and {len(more)} more"
            yield "The resolver says:"

    def _fixes(self) -> Iterator[str]:
        found = self.conflict or Conflict((), is_smallest=False)
        if found.change:
            yield f"Change the versions; these resolve:\n{found.change.rstrip()}"
        if found.python:
            yield (
                f"Use Python {found.python}, for which the lines resolve as they are:\n"
                f"echo {found.python} >.python-version"
            )
        if not found.change and not found.python:
            yield "Change one of the requirements that conflict."
            yield "If the app runs on another Python, set it: --python, or .python-version"


def _conclusion(said: str) -> list[str]:
    """The end of the resolver's reasoning: its last step, without hints."""
    lines = [line for line in said.splitlines() if not line.startswith("hint")]
    steps = [n for n, line in enumerate(lines) if line.startswith(("Because", "And because"))]
    return lines[steps[-1] if steps else 0 :][-_LINES_SHOWN:]


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

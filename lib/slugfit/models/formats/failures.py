"""What a look at a model's bytes can find wrong, and what to do about it."""

from __future__ import annotations

from pathlib import PurePosixPath

from slugfit.errors import Explanation, Failure
from slugfit.models.formats.reader import BrokenError, readable
from slugfit.sizes import count_of, format_size

_LONGEST = 300  # characters of a problem, in which names from the file may be


class ModelDamaged(Failure):
    """A model of a known format of which a part is missing, or that contradicts itself.

    `size` is the file's, in bytes, or None for a directory. `broken` says what is wrong.
    """

    id = "check::damaged"

    def __init__(self, shown: str, title: str, size: int | None, broken: BrokenError) -> None:
        self.shown = shown
        self.title = title
        self.size = size
        self.broken = broken

    def explain(self) -> Explanation:
        size = () if self.size is None else (f"size:    {_exactly(self.size)}",)
        return Explanation(
            summary="A model is incomplete, or damaged.",
            where=self.shown,
            evidence=(
                f"format:  {self.title}",
                *size,
                f"problem: {readable(str(self.broken)[:_LONGEST])}",
            ),
            why="No runtime could load it in the dyno.",
            fixes=(self.broken.fix,) if self.broken.fix else self._fixes,
        )

    @property
    def _fixes(self) -> tuple[str, ...]:
        name = PurePosixPath(self.shown).name
        look = f"ls -lR {name}" if self.size is None else f"ls -l {name}\nsha256sum {name}"
        return (
            f"Compare it with what you exported:\n{look}",
            "If they differ, upload it again. If they do not, export it again.",
            "To notice such a change at once, pin the checksum:\nbin/slugfit lock",
        )


class WrongFormat(Failure):
    """A name that says one format, and a content of another one, or of none that is known."""

    id = "check::wrong-format"

    def __init__(self, shown: str, claimed: str, found: str) -> None:
        self.shown = shown
        self.claimed = claimed
        self.found = found

    def explain(self) -> Explanation:
        name = PurePosixPath(self.shown).name
        return Explanation(
            summary="A model is not what its name says.",
            where=self.shown,
            evidence=(f"by its name:    {self.claimed}", f"by its content: {self.found}"),
            why="A runtime that goes by the name would fail to load it in the dyno.",
            fixes=(
                f"See what was exported, and upload the right file:\nfile {name}",
                "If the content is right, give the model a path that says so, or one whose\n"
                "ending says nothing, such as .bin.",
            ),
        )


def _exactly(size: int) -> str:
    """Bytes to the last one, since one is enough to be truncated."""
    exact = count_of(size, "byte")
    return exact if size < 1000 else f"{exact} ({format_size(size)})"

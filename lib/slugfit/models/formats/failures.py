"""What an inspection of a model's bytes can find wrong, and how to fix it."""

from __future__ import annotations

from pathlib import PurePosixPath

from slugfit.base.errors import Explanation, Failure
from slugfit.base.sizes import count_of, format_size
from slugfit.models.formats.reader import BrokenError, readable

_MAX_PROBLEM_LENGTH = 300  # characters; a problem can quote names from the file


class ModelDamaged(Failure):
    """A model of a known format that is incomplete or inconsistent.

    `size` is the file's, in bytes, or None for a directory. `broken` describes the problem.
    """

    id = "check::damaged"

    def __init__(
        self, display_name: str, title: str, size: int | None, broken: BrokenError
    ) -> None:
        self.display_name = display_name
        self.title = title
        self.size = size
        self.broken = broken

    def explain(self) -> Explanation:
        size = () if self.size is None else (f"size:    {_exactly(self.size)}",)
        return Explanation(
            summary="A model is incomplete or damaged.",
            where=self.display_name,
            evidence=(
                f"format:  {self.title}",
                *size,
                f"problem: {readable(str(self.broken)[:_MAX_PROBLEM_LENGTH])}",
            ),
            why="No runtime could load it on the dyno.",
            fixes=(self.broken.fix,) if self.broken.fix else self._fixes,
        )

    @property
    def _fixes(self) -> tuple[str, ...]:
        name = PurePosixPath(self.display_name).name
        look = f"ls -lR {name}" if self.size is None else f"ls -l {name}\nsha256sum {name}"
        return (
            f"Compare it with what you exported:\n{look}",
            "If they differ, upload it again. If they match, export it again.",
            "To detect such a change early, pin the checksum:\nbin/slugfit lock",
        )


class WrongFormat(Failure):
    """A name that claims one format, and content of another or of an unknown one."""

    id = "check::wrong-format"

    def __init__(self, display_name: str, claimed: str, found: str) -> None:
        self.display_name = display_name
        self.claimed = claimed
        self.found = found

    def explain(self) -> Explanation:
        name = PurePosixPath(self.display_name).name
        return Explanation(
            summary="A model's content does not match its name.",
            where=self.display_name,
            evidence=(f"by its name:    {self.claimed}", f"by its content: {self.found}"),
            why="A runtime that relies on the name would fail to load it on the dyno.",
            fixes=(
                f"Check what was exported, and upload the right file:\nfile {name}",
                "If the content is right, give the model a path with a matching extension, or\n"
                "with a neutral one such as .bin.",
            ),
        )


def _exactly(size: int) -> str:
    """The exact number of bytes: a file that lacks one byte is truncated."""
    exact = count_of(size, "byte")
    return exact if size < 1000 else f"{exact} ({format_size(size)})"

"""One check: a model, its runtime, sample data, and bounds on the process."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from slugfit.models.check.runtimes import ModelRuntime


@dataclass(frozen=True)
class Subject:
    """The model, by its path in the app, and its runtime."""

    path: str
    runtime: ModelRuntime

    @property
    def where(self) -> str:
        return f"{self.path}, in {self.runtime}"

    @property
    def reproduce(self) -> str:
        """A fix that says how to reproduce what the build has seen."""
        statement = self.runtime.statement(self.path)
        return f'Reproduce it where the app\'s packages are installed:\npython -c "{statement}"'


@dataclass(frozen=True)
class Samples:
    """.npz files with inputs and the outputs expected for them. `display_name` is for errors."""

    input: Path | None
    reference: Path | None
    display_name: str


@dataclass(frozen=True)
class Attempt:
    """What a check process gets. `seconds` and `max_rss` (bytes) are bounds on the whole process.

    `paths` come before the app's packages on sys.path, `last_paths` after them. With `allow_code`,
    the runtime may run what code the model has.
    """

    subject: Subject
    file: Path
    samples: Samples | None
    seconds: float
    max_rss: int
    paths: tuple[Path, ...] = ()
    last_paths: tuple[Path, ...] = ()
    allow_code: bool = False

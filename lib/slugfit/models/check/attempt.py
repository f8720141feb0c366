"""What is tried: a model, in a runtime, with some data, within bounds."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from slugfit.models.check.runtimes import Runtime


@dataclass(frozen=True)
class Subject:
    """The model, by its path in the app, and its runtime."""

    path: str
    runtime: Runtime

    @property
    def where(self) -> str:
        return f"{self.path}, in {self.runtime}"

    @property
    def again(self) -> str:
        """How to see oneself what the build has seen."""
        statement = self.runtime.statement(self.path)
        return f'Try it where the app\'s packages are installed:\npython -c "{statement}"'


@dataclass(frozen=True)
class Samples:
    """Inputs, and the outputs expected for them, in .npz files; `shown` is their name in errors."""

    input: Path | None
    reference: Path | None
    shown: str


@dataclass(frozen=True)
class Attempt:
    """One trial. `seconds` and `memory` (bytes, resident) are bounds of its whole process.

    `paths` come before the app's packages, `last_paths` after them.
    """

    subject: Subject
    file: Path
    samples: Samples | None
    seconds: float
    memory: int
    paths: tuple[Path, ...] = ()
    last_paths: tuple[Path, ...] = ()

"""One model to check: its data, its bounds, and everything that a verdict depends on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from slugfit.base.files import inside
from slugfit.models.check import Expected
from slugfit.models.check.attempt import Samples
from slugfit.models.check.mismatches import InputMismatch
from slugfit.models.check.runtimes import ModelRuntime
from slugfit.settings.model import CheckSettings


@dataclass(frozen=True)
class CheckCase:
    """A model at `path` in the app. `file` has its content now, `sha256` is its checksum."""

    path: str
    file: Path
    sha256: str
    settings: CheckSettings
    runtime: ModelRuntime
    samples: Samples | None
    expected: Expected | None
    allow_code: bool = False

    @property
    def bounds(self) -> tuple[float | None, float | None]:
        """max_error and min_agreement: from the model's settings, or else from `expected`."""
        own, other = self.settings, self.expected
        if own.max_error is None and own.min_agreement is None and other:
            return other.max_error, other.min_agreement
        return own.max_error, own.min_agreement


def samples_for(
    settings: CheckSettings, path: str, app: Path, expected: Expected | None
) -> Samples | None:
    """The data to check the model with. Raises InputMismatch when the app has no such file."""
    if expected:
        return Samples(expected.inputs, expected.outputs, settings.input or expected.inputs.name)
    if not settings.input and not settings.reference:
        return None
    return Samples(
        _of_app(settings.input, path, app),
        _of_app(settings.reference, path, app),
        " and ".join(filter(None, (settings.input, settings.reference))),
    )


def _of_app(name: str | None, path: str, app: Path) -> Path | None:
    if name is None:
        return None
    file = inside(app, name)
    if file is None or not file.is_file():
        raise InputMismatch(path, name, "The app has no such file.")
    return file

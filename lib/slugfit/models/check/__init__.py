"""Proves that a model loads in the runtime that will serve it, and tells what that takes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Tensor:
    """An input or output. None in `shape` is any length; a `shape` of None is unknown."""

    name: str
    dtype: str
    shape: tuple[int | None, ...] | None

    def __str__(self) -> str:
        if self.shape is None:
            return f'"{self.name}" {self.dtype}'
        lengths = ("?" if length is None else str(length) for length in self.shape)
        return f'"{self.name}" {self.dtype} [{", ".join(lengths)}]'


@dataclass(frozen=True)
class Comparison:
    """Outputs beside those that were expected.

    Errors are absolute differences of floating-point outputs, infinite where an answer is not a
    number. `agreement` is the share of rows whose largest column, or label, is the same one;
    None when there are no such outputs. `spread` is what lies between the smallest and the
    largest value expected. Of several outputs, it is the worst that counts.
    """

    samples: int
    max_error: float
    mean_error: float
    agreement: float | None
    worst_sample: int
    spread: float

    def is_beyond(self, max_error: float | None, min_agreement: float | None) -> bool:
        """Whether a bound is broken; an answer that is not a number breaks any."""
        return (
            not math.isfinite(self.max_error)
            or (max_error is not None and self.max_error > max_error)
            or (
                min_agreement is not None
                and self.agreement is not None
                and self.agreement < min_agreement
            )
        )


@dataclass(frozen=True)
class LoadReport:
    """A model in its runtime. `isolated` says that this is not the app's, but the build's own.

    Times are in seconds; those of an answer are None where `notes` say why there was none. Memory
    is resident: of the bare interpreter, what the runtime adds, and at most the model.
    """

    runtime: str
    version: str
    isolated: bool
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    import_seconds: float
    load_seconds: float
    first_seconds: float | None
    median_seconds: float | None
    python_bytes: int
    runtime_bytes: int
    peak_bytes: int
    comparison: Comparison | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Expected:
    """What a model shall answer: two .npz files, and in words whose answers these are, to what.

    The bounds are for models whose own settings have none.
    """

    inputs: Path
    outputs: Path
    what: str
    max_error: float | None = None
    min_agreement: float | None = None


@dataclass(frozen=True)
class CheckedModel:
    """The verdict on a model: `report` is None where it was not loaded, and `notes` say why.

    `statement` is the Python that loads it as the app can, "" where the app has no runtime for it.
    """

    path: str
    report: LoadReport | None
    notes: tuple[str, ...] = ()
    statement: str = ""

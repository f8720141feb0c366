"""Proves that a model loads in the runtime that will serve it, and measures time and memory."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

from slugfit.models.formats.inspection import TensorSpec


@dataclass(frozen=True)
class Comparison:
    """Outputs compared with reference outputs.

    Errors are absolute differences of floating-point outputs, infinite where an output is NaN.
    `agreement` is the share of rows (0 to 1) with the same top-1 column, or label; None without
    such outputs. `spread` is the difference between the largest and the smallest reference value.
    Of several outputs, the worst counts. `worst_sample` is its index.
    """

    samples: int
    max_error: float
    mean_error: float
    agreement: float | None
    worst_sample: int
    spread: float

    def is_beyond(self, max_error: float | None, min_agreement: float | None) -> bool:
        """Whether a bound is exceeded; NaN exceeds every bound."""
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
    """A model loaded in its runtime. `isolated` says that the runtime is Slugfit's, not the app's.

    Times are in seconds. `first_seconds` and `median_seconds` are those of inference, None when
    there was none (`notes` say why). `*_bytes` are RSS: of the bare interpreter, the increase by
    the runtime, and the peak increase by the model.
    """

    runtime: str
    version: str
    isolated: bool
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
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
    """The outputs expected for some inputs, as .npz files. `what` names the reference.

    The bounds apply to models whose own settings have none.
    """

    inputs: Path
    outputs: Path
    what: str
    max_error: float | None = None
    min_agreement: float | None = None


@dataclass(frozen=True)
class CheckedModel:
    """The verdict on a model. `report` is None when it was not loaded; `notes` say why.

    `statement` is Python code that loads it in the app's own runtime, "" when the app has none.
    """

    path: str
    report: LoadReport | None
    notes: tuple[str, ...] = ()
    statement: str = ""

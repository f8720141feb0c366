"""Differences between outputs and reference outputs, accumulated by batch."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any


class Tally:
    """One output. Floats are compared by value and by top-1 column, labels for equality."""

    def __init__(self, numpy: Any) -> None:
        self._np = numpy
        self._samples = self._rows = self._agreed = self._values = 0
        self._sum = self._max_error = 0.0
        self._worst: int | None = None
        self._disagreed: int | None = None
        self._range = (math.inf, -math.inf)

    def add(self, output: Any, reference: Any) -> None:
        """Add a batch. Both arrays have one shape; the first axis is the samples."""
        if reference.dtype.kind == "f":
            self._measure(output.astype("float64"), reference.astype("float64"))
        if reference.dtype.kind != "f":
            self._count(output == reference)
        elif reference.ndim > 1 and reference.shape[-1] > 1:
            whole = ~self._np.isnan(output).any(axis=-1)
            self._count((output.argmax(axis=-1) == reference.argmax(axis=-1)) & whole)
        self._samples += len(reference)

    def result(self) -> dict[str, Any]:
        worst = self._worst if self._worst is not None else self._disagreed
        return {
            "samples": self._samples,
            "max_error": self._max_error,
            "mean_error": self._sum / self._values if self._values else 0.0,
            "agreement": self._agreed / self._rows if self._rows else None,
            "worst_sample": worst or 0,
            "spread": max(self._range[1] - self._range[0], 0.0),
        }

    def _measure(self, output: Any, reference: Any) -> None:
        np = self._np
        with np.errstate(invalid="ignore"):
            errors = np.where(output == reference, 0.0, abs(output - reference))
        errors = np.where(np.isnan(errors), math.inf, errors).reshape(len(reference), -1)
        by_sample = errors.max(axis=1, initial=0.0)
        if len(by_sample) and by_sample.max() > self._max_error:
            self._max_error = float(by_sample.max())
            self._worst = self._samples + int(by_sample.argmax())
        self._sum += float(errors.sum())
        self._values += errors.size
        finite = reference[np.isfinite(reference)]
        if finite.size:
            low, high = self._range
            self._range = (min(low, float(finite.min())), max(high, float(finite.max())))

    def _count(self, same: Any) -> None:
        rows = same.reshape(len(same), -1)
        if self._disagreed is None and not rows.all():
            self._disagreed = self._samples + int(rows.all(axis=1).argmin())
        self._rows += rows.size
        self._agreed += int(rows.sum())


def worst(results: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The worst numbers of all outputs."""
    agreements = [r["agreement"] for r in results if r["agreement"] is not None]
    by_error = max(results, key=lambda r: (r["max_error"], -(r["agreement"] or 0.0)))
    return {
        **by_error,
        "mean_error": max(r["mean_error"] for r in results),
        "agreement": min(agreements, default=None),
    }

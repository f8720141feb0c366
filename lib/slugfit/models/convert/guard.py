"""How much a conversion may change a model's outputs, when the settings have no bounds."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from slugfit.base.sizes import count_of
from slugfit.models.check import Expected
from slugfit.settings.model import Quantize

# Minimum top-1 agreement with the original, on the user's samples.
_AGREEMENT: Mapping[Quantize, float] = {
    "none": 0.99,
    "float16": 0.99,
    "dynamic": 0.98,
    "int8": 0.95,
}
# Maximum error, as a share of the range of all outputs. Wide: one sample between two classes can
# change a lot. Damaged weights change most samples more.
_ERROR: Mapping[Quantize, float] = {"none": 0.01, "float16": 0.05, "dynamic": 0.25, "int8": 0.5}
_ENOUGH_SAMPLES = 100
_SMALLEST_SPREAD = 1e-3


def expected(
    files: tuple[Path, Path], quantize: Quantize, facts: Mapping[str, Any], *, is_random: bool
) -> Expected:
    """The original's outputs, and the bounds for those of the result.

    The bound is on agreement if there are enough real samples with classes, else on the error.
    """
    samples = count_of(facts["samples"], "random sample" if is_random else "sample")
    by_class = facts["classes"] and not is_random and facts["samples"] >= _ENOUGH_SAMPLES
    spread = max(facts["spread"], _SMALLEST_SPREAD)
    return Expected(
        *files,
        what=f"the original model on {samples}",
        max_error=None if by_class else _ERROR[quantize] * spread,
        min_agreement=_AGREEMENT[quantize] if by_class else None,
    )

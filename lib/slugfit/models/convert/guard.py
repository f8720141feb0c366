"""How much a conversion may change what a model answers, when nobody has said so."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from slugfit.models.check import Expected
from slugfit.settings.model import Quantize
from slugfit.sizes import count_of

# The share of samples whose class stays the same, on data of the user's.
_AGREEMENT: Mapping[Quantize, float] = {
    "none": 0.99,
    "float16": 0.99,
    "dynamic": 0.98,
    "int8": 0.95,
}
# The greatest error, as a share of the range of all answers. Wide: one sample between two classes
# can move far. Weights that are not the model's move most samples further.
_ERROR: Mapping[Quantize, float] = {"none": 0.01, "float16": 0.05, "dynamic": 0.25, "int8": 0.5}
_ENOUGH_SAMPLES = 100
_SMALLEST_SPREAD = 1e-3


def expected(
    files: tuple[Path, Path], quantize: Quantize, facts: Mapping[str, Any], *, is_random: bool
) -> Expected:
    """What the original answered, and how far from that the result may be.

    Classes of samples that are real, and enough, are what counts; else it is the error.
    """
    samples = count_of(facts["samples"], "random sample" if is_random else "sample")
    by_class = facts["classes"] and not is_random and facts["samples"] >= _ENOUGH_SAMPLES
    spread = max(facts["spread"], _SMALLEST_SPREAD)
    return Expected(
        *files,
        what=f"the original model, on {samples}",
        max_error=None if by_class else _ERROR[quantize] * spread,
        min_agreement=_AGREEMENT[quantize] if by_class else None,
    )

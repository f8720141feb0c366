"""Inputs and outputs as a runtime describes them, and arrays that match them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


class InferenceSkipped(Exception):  # noqa: N818 (no error: some models can't run on zeros)
    """Why there was no inference on zeros."""


@dataclass(frozen=True)
class RuntimeTensor:
    """`shape` has None for a dynamic dimension, and is None when unknown.

    `scale` and `zero` are a quantized tensor's: real = scale * (stored - zero).
    """

    name: str
    dtype: str
    shape: tuple[int | None, ...] | None
    scale: float = 0.0
    zero: int = 0

    def to_json(self) -> dict[str, Any]:
        return {"name": self.name, "dtype": self.dtype, "shape": self.shape}

    def zeros(self, np: Any) -> Any:
        """One sample of zeros. Raises InferenceSkipped."""
        if self.shape is None:
            raise InferenceSkipped(f'the shape of input "{self.name}" is unknown.')
        try:
            dtype = np.dtype(self.dtype)
        except TypeError:
            raise InferenceSkipped(f'input "{self.name}" has dtype {self.dtype}.') from None
        if dtype.kind not in "biufc":
            raise InferenceSkipped(f'input "{self.name}" has dtype {self.dtype}.')
        return np.zeros([1 if length is None else length for length in self.shape], dtype)

    def accepts(self, lengths: Sequence[int]) -> bool:
        """Whether an array of this shape is one input."""
        return self.shape is None or (
            len(self.shape) == len(lengths)
            and all(own in (None, given) for own, given in zip(self.shape, lengths, strict=True))
        )

    def accepts_batch(self, lengths: Sequence[int]) -> bool:
        """Whether an array of this shape is a batch: its first axis is the samples."""
        return self.shape is None or (
            len(self.shape) == len(lengths) > 0 and self.accepts([self.shape[0] or 1, *lengths[1:]])
        )


def shape_of(lengths: Sequence[Any]) -> tuple[int | None, ...]:
    """A shape with None for dynamic dimensions: names, negative numbers, or None."""
    return tuple(n if isinstance(n, int) and n >= 0 else None for n in lengths)

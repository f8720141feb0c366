"""Inputs and outputs as runtimes describe them, and arrays that fit them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


class NotTried(Exception):  # noqa: N818 (no error: some models can't answer to zeros)
    """Why a model gave no answer to zeros."""


@dataclass(frozen=True)
class Tensor:
    """`shape` has None for any length, and is None when nobody knows it.

    `scale` and `zero` are those of a quantized one: real = scale * (stored - zero).
    """

    name: str
    dtype: str
    shape: tuple[int | None, ...] | None
    scale: float = 0.0
    zero: int = 0

    def facts(self) -> dict[str, Any]:
        return {"name": self.name, "dtype": self.dtype, "shape": self.shape}

    def zeros(self, np: Any) -> Any:
        """One sample of nothing. Raises NotTried."""
        if self.shape is None:
            raise NotTried(f'nothing tells the shape of input "{self.name}".')
        try:
            dtype = np.dtype(self.dtype)
        except TypeError:
            raise NotTried(f'input "{self.name}" is {self.dtype}.') from None
        if dtype.kind not in "biufc":
            raise NotTried(f'input "{self.name}" is {self.dtype}.')
        return np.zeros([1 if length is None else length for length in self.shape], dtype)

    def takes(self, lengths: Sequence[int]) -> bool:
        """Whether an array of these lengths is one input."""
        return self.shape is None or (
            len(self.shape) == len(lengths)
            and all(own in (None, given) for own, given in zip(self.shape, lengths, strict=True))
        )

    def takes_many(self, lengths: Sequence[int]) -> bool:
        """Whether the input's first axis is that of the samples."""
        return self.shape is None or (
            len(self.shape) == len(lengths) > 0 and self.takes([self.shape[0] or 1, *lengths[1:]])
        )


def shape_of(lengths: Sequence[Any]) -> tuple[int | None, ...]:
    """The lengths that are known: others are names, negative, or None."""
    return tuple(n if isinstance(n, int) and n >= 0 else None for n in lengths)

"""Samples for a model: from an .npz file or random, in batches, and outputs to an .npz file."""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_BATCH_SIZE = 32
_UNKNOWN_LENGTH = 32  # a network that halves its images five times accepts it
_SMALL = 10  # a valid index into most vocabularies
_RANDOM_SAMPLES = 16
_MAX_SAMPLES = 1000
_MAX_BYTES = 16_000_000

Arrays = dict[str, Any]


class ConversionRefused(Exception):  # noqa: N818 (a result, not an error)
    """Why there is no result. `kind` is a key of REFUSALS in `convert.failures`."""

    def __init__(self, kind: str, detail: str) -> None:
        super().__init__(detail)
        self.kind = kind
        self.detail = detail


@dataclass(frozen=True)
class InputTensor:
    """An input. None in `shape` is a dynamic dimension; unknown attributes are None."""

    name: str
    dtype: str | None
    shape: tuple[int | None, ...] | None

    def __str__(self) -> str:
        shape = "of unknown shape" if self.shape is None else _lengths(self.shape)
        return " ".join(filter(None, [f'"{self.name}"', self.dtype, shape]))

    def cast(self, array: Any) -> Any:
        """The array in the input's dtype; None when the shape or dtype does not match."""
        np = importlib.import_module("numpy")
        # For an unknown dtype, single precision, as in most models.
        dtype = self.dtype or ("float32" if array.dtype == "float64" else array.dtype)
        if not array.ndim or not np.can_cast(array.dtype, dtype, "same_kind"):
            return None
        lengths = array.shape if self.shape is None else self.shape
        pairs = zip(lengths[1:], array.shape[1:], strict=False)
        if len(lengths) != array.ndim or any(own not in (None, n) for own, n in pairs):
            return None
        return array.astype(dtype)


def natural(name: str) -> list[Any]:
    """A natural sort key: output_10 comes after output_2."""
    return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", name)]


def shape_of(lengths: Sequence[Any]) -> tuple[int | None, ...]:
    return tuple(n if isinstance(n, int) and n >= 0 else None for n in lengths)


def read(file: str, what: str, tensors: Sequence[InputTensor]) -> Arrays:
    """The arrays of an .npz file for the inputs: by name, or else in order.

    Raises ConversionRefused, with both sides in its detail.
    """
    np = importlib.import_module("numpy")
    try:
        with np.load(file, allow_pickle=False) as opened:
            loaded = {name: opened[name] for name in opened.files}
    except Exception as error:
        raise ConversionRefused("data-unfit", f"{what} can't be read: {error}") from error
    names = [t.name for t in tensors]
    ordered = [loaded[n] for n in names] if set(names) == set(loaded) else list(loaded.values())
    fitted = [tensor.cast(array) for tensor, array in zip(tensors, ordered, strict=False)]
    as_many = len(ordered) == len(tensors) and all(array is not None for array in fitted)
    if not as_many or len({len(array) for array in fitted}) != 1:
        sides = [f"the model has the input {t}" for t in tensors]
        sides += [f'{what} has "{n}" {a.dtype} {_lengths(a.shape)}' for n, a in loaded.items()]
        raise ConversionRefused("data-unfit", "\n".join(sides))
    return dict(zip(names, fitted, strict=True))


def random(tensors: Sequence[InputTensor]) -> Arrays:
    """Reproducible random samples. Raises ConversionRefused for an unknown shape or dtype."""
    np = importlib.import_module("numpy")
    generator = np.random.default_rng(0)
    count = max([_RANDOM_SAMPLES, *(t.shape[0] or 0 for t in tensors if t.shape)])
    return {tensor.name: _random(np, generator, tensor, count) for tensor in tensors}


def _random(np: Any, generator: Any, tensor: InputTensor, count: int) -> Any:
    kind = np.dtype(tensor.dtype).kind if tensor.dtype in np.sctypeDict else ""
    if not (tensor.shape and kind and kind in "biuf"):
        raise ConversionRefused("data-needed", f"the model has the input {tensor}")
    shape = [count, *(_UNKNOWN_LENGTH if n is None else n for n in tensor.shape[1:])]
    if kind == "f":
        return generator.standard_normal(shape).astype(tensor.dtype)
    return generator.integers(0, 2 if kind == "b" else _SMALL, shape).astype(tensor.dtype)


def samples_for(request: Mapping[str, Any], tensors: Sequence[InputTensor]) -> Arrays:
    """The user's samples, or else those for int8, or random ones. Raises ConversionRefused."""
    for what, file in (("check.input", "input"), ("convert.representative", "representative")):
        if request[file]:
            return read(request[file], what, tensors)
    return random(tensors)


def record_outputs(
    request: Mapping[str, Any],
    tensors: Sequence[InputTensor],
    run: Callable[[Arrays], Mapping[str, Any]],
    samples: Arrays | None = None,
) -> dict[str, Any]:
    """Write inputs and the outputs of `run` for the comparison, unless the user has a reference."""
    if not request["expected"]:
        return {}
    samples = _within_bounds(samples_for(request, tensors) if samples is None else samples)
    return _save(*_outputs(run, samples, tensors), request)


def _within_bounds(arrays: Arrays, outputs: int = 0) -> Arrays:
    """The first samples, as many as fit the limits with `outputs` bytes for each."""
    size = outputs + sum(array[:1].nbytes for array in arrays.values())
    most = max(1, min(_MAX_SAMPLES, _MAX_BYTES // max(1, size)))
    return {name: array[:most] for name, array in arrays.items()}


def batches(
    arrays: Arrays, tensors: Sequence[InputTensor], most: int = _BATCH_SIZE
) -> Iterator[Arrays]:
    """Batches of the model's fixed size, without a partial one; else of at most `most` samples."""
    own = max((t.shape[0] or 0 for t in tensors if t.shape), default=0)
    size = own or most
    count = len(next(iter(arrays.values())))
    for start in range(0, count - (count % own if own else 0), size):
        yield {name: array[start : start + size] for name, array in arrays.items()}


def _outputs(
    run: Callable[[Arrays], Mapping[str, Any]], arrays: Arrays, tensors: Sequence[InputTensor]
) -> tuple[Arrays, Arrays]:
    """The samples that were run, and their outputs."""
    np = importlib.import_module("numpy")
    try:
        pairs = [(batch, run(batch)) for batch in batches(arrays, tensors)]
    except Exception:  # some models accept only single samples, and do not declare it
        pairs = [(batch, run(batch)) for batch in batches(arrays, tensors, 1)]
    if not pairs:
        own = max(t.shape[0] or 0 for t in tensors if t.shape)
        raise ConversionRefused(
            "data-unfit", f"the model needs batches of {own} samples, and there are fewer"
        )
    inputs, outputs = zip(*pairs, strict=True)
    return _joined(np, inputs), _joined(np, outputs)


def _joined(np: Any, parts: Sequence[Mapping[str, Any]]) -> Arrays:
    return {n: np.concatenate([np.asarray(part[n]) for part in parts]) for n in parts[0]}


def _save(inputs: Arrays, outputs: Arrays, request: Mapping[str, Any]) -> dict[str, Any]:
    """Write both, within the limits, and return the facts that a comparison needs."""
    np = importlib.import_module("numpy")
    inputs = _within_bounds(inputs, sum(array[:1].nbytes for array in outputs.values()))
    count = len(next(iter(inputs.values())))
    outputs = {name: array[:count] for name, array in outputs.items()}
    np.savez_compressed(request["inputs"], **inputs)
    np.savez_compressed(request["expected"], **outputs)
    floats = [array for array in outputs.values() if array.dtype.kind == "f" and array.size]
    whole = [array[np.isfinite(array)] for array in floats]
    return {
        "samples": count,
        "spread": max((float(np.ptp(array)) for array in whole if array.size), default=0.0),
        "classes": any(array.ndim > 1 and array.shape[-1] > 1 for array in floats),
    }


def _lengths(shape: Sequence[int | None]) -> str:
    return f"[{', '.join('?' if length is None else str(length) for length in shape)}]"

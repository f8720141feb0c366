"""Samples for a model: from an .npz, or random; in batches that fit it; and back into an .npz."""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_TOGETHER = 32
_UNKNOWN_LENGTH = 32  # what a network that halves its images five times can take
_SMALL = 10  # an index into most vocabularies
_RANDOM_SAMPLES = 16
_MOST_SAMPLES = 1000
_MOST_BYTES = 16_000_000

Arrays = dict[str, Any]


class Refused(Exception):  # noqa: N818 (an answer, not an error)
    """Why there is no result. `kind` is one of those that the converter has a failure for."""

    def __init__(self, kind: str, detail: str) -> None:
        super().__init__(detail)
        self.kind = kind
        self.detail = detail


@dataclass(frozen=True)
class Tensor:
    """An input. None in `shape` is any length; what is unknown of it is None as a whole."""

    name: str
    dtype: str | None
    shape: tuple[int | None, ...] | None

    def __str__(self) -> str:
        shape = "of unknown shape" if self.shape is None else _lengths(self.shape)
        return " ".join(filter(None, [f'"{self.name}"', self.dtype, shape]))

    def cast(self, array: Any) -> Any:
        """The array as the model takes it; None when it is not for this input."""
        np = importlib.import_module("numpy")
        # Where nothing tells, numbers have single precision, as they do in most models.
        dtype = self.dtype or ("float32" if array.dtype == "float64" else array.dtype)
        if not array.ndim or not np.can_cast(array.dtype, dtype, "same_kind"):
            return None
        lengths = array.shape if self.shape is None else self.shape
        pairs = zip(lengths[1:], array.shape[1:], strict=False)
        if len(lengths) != array.ndim or any(own not in (None, n) for own, n in pairs):
            return None
        return array.astype(dtype)


def natural(name: str) -> list[Any]:
    """A key to sort names by: output_10 comes after output_2."""
    return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", name)]


def shape_of(lengths: Sequence[Any]) -> tuple[int | None, ...]:
    return tuple(n if isinstance(n, int) and n >= 0 else None for n in lengths)


def read(file: str, what: str, tensors: Sequence[Tensor]) -> Arrays:
    """The arrays of an .npz as the model takes them: by name, or else in order.

    Raises Refused, which tells both sides.
    """
    np = importlib.import_module("numpy")
    try:
        with np.load(file, allow_pickle=False) as opened:
            given = {name: opened[name] for name in opened.files}
    except Exception as error:
        raise Refused("data-unfit", f"{what} can not be read: {error}") from error
    names = [t.name for t in tensors]
    ordered = [given[n] for n in names] if set(names) == set(given) else list(given.values())
    fitted = [tensor.cast(array) for tensor, array in zip(tensors, ordered, strict=False)]
    as_many = len(ordered) == len(tensors) and all(array is not None for array in fitted)
    if not as_many or len({len(array) for array in fitted}) != 1:
        sides = [f"the model takes {t}" for t in tensors]
        sides += [f'{what} has "{n}" {a.dtype} {_lengths(a.shape)}' for n, a in given.items()]
        raise Refused("data-unfit", "\n".join(sides))
    return dict(zip(names, fitted, strict=True))


def random(tensors: Sequence[Tensor]) -> Arrays:
    """The same ones each time. Raises Refused where there is no random for it."""
    np = importlib.import_module("numpy")
    generator = np.random.default_rng(0)
    count = max([_RANDOM_SAMPLES, *(t.shape[0] or 0 for t in tensors if t.shape)])
    return {tensor.name: _random(np, generator, tensor, count) for tensor in tensors}


def _random(np: Any, generator: Any, tensor: Tensor, count: int) -> Any:
    kind = np.dtype(tensor.dtype).kind if tensor.dtype in np.sctypeDict else ""
    if not (tensor.shape and kind and kind in "biuf"):
        raise Refused("data-needed", f"the model takes {tensor}")
    shape = [count, *(_UNKNOWN_LENGTH if n is None else n for n in tensor.shape[1:])]
    if kind == "f":
        return generator.standard_normal(shape).astype(tensor.dtype)
    return generator.integers(0, 2 if kind == "b" else _SMALL, shape).astype(tensor.dtype)


def given(asked: Mapping[str, Any], tensors: Sequence[Tensor]) -> Arrays:
    """The user's samples, or those that int8 is fitted to, or random ones. Raises Refused."""
    for what, file in (("check.input", "input"), ("convert.representative", "representative")):
        if asked[file]:
            return read(asked[file], what, tensors)
    return random(tensors)


def note_answers(
    asked: Mapping[str, Any],
    tensors: Sequence[Tensor],
    run: Callable[[Arrays], Mapping[str, Any]],
    samples: Arrays | None = None,
) -> dict[str, Any]:
    """Write what `run` answers, for a comparison, unless the user has other answers for that."""
    if not asked["expected"]:
        return {}
    samples = _within_bounds(given(asked, tensors) if samples is None else samples)
    return _save(*_answers(run, samples, tensors), asked)


def _within_bounds(arrays: Arrays, outputs: int = 0) -> Arrays:
    """As many of the first samples as a build cache can carry, beside `outputs` bytes for each."""
    size = outputs + sum(array[:1].nbytes for array in arrays.values())
    most = max(1, min(_MOST_SAMPLES, _MOST_BYTES // max(1, size)))
    return {name: array[:most] for name, array in arrays.items()}


def batches(arrays: Arrays, tensors: Sequence[Tensor], most: int = _TOGETHER) -> Iterator[Arrays]:
    """Of the model's own number of samples, if it has one; the last ones are left out then."""
    own = max((t.shape[0] or 0 for t in tensors if t.shape), default=0)
    size = own or most
    count = len(next(iter(arrays.values())))
    for start in range(0, count - (count % own if own else 0), size):
        yield {name: array[start : start + size] for name, array in arrays.items()}


def _answers(
    run: Callable[[Arrays], Mapping[str, Any]], arrays: Arrays, tensors: Sequence[Tensor]
) -> tuple[Arrays, Arrays]:
    """The samples that were asked, and what `run` makes of them."""
    np = importlib.import_module("numpy")
    try:
        pairs = [(given, run(given)) for given in batches(arrays, tensors)]
    except Exception:  # some models take only one sample at once, and do not say so
        pairs = [(given, run(given)) for given in batches(arrays, tensors, 1)]
    if not pairs:
        own = max(t.shape[0] or 0 for t in tensors if t.shape)
        raise Refused("data-unfit", f"the model takes {own} samples at once, which are not there")
    return _joined(np, [given for given, _ in pairs]), _joined(np, [given for _, given in pairs])


def _joined(np: Any, parts: Sequence[Mapping[str, Any]]) -> Arrays:
    return {n: np.concatenate([np.asarray(part[n]) for part in parts]) for n in parts[0]}


def _save(inputs: Arrays, outputs: Arrays, asked: Mapping[str, Any]) -> dict[str, Any]:
    """Write both, bounded, and tell what a comparison with them has to know."""
    np = importlib.import_module("numpy")
    inputs = _within_bounds(inputs, sum(array[:1].nbytes for array in outputs.values()))
    count = len(next(iter(inputs.values())))
    outputs = {name: array[:count] for name, array in outputs.items()}
    np.savez_compressed(asked["inputs"], **inputs)
    np.savez_compressed(asked["expected"], **outputs)
    floats = [array for array in outputs.values() if array.dtype.kind == "f" and array.size]
    whole = [array[np.isfinite(array)] for array in floats]
    return {
        "samples": count,
        "spread": max((float(np.ptp(array)) for array in whole if array.size), default=0.0),
        "classes": any(array.ndim > 1 and array.shape[-1] > 1 for array in floats),
    }


def _lengths(shape: Sequence[int | None]) -> str:
    return f"[{', '.join('?' if length is None else str(length) for length in shape)}]"

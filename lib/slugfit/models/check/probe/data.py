"""Sample arrays from .npz files, matched with a model's inputs and outputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any

from .adapters import RuntimeAdapter
from .tensors import RuntimeTensor


class ArrayMismatch(Exception):  # noqa: N818 (the user's data, no bug)
    """The arrays do not match the model; the message shows both sides."""


class SampleArrays:
    """The arrays by name; there can be none."""

    def __init__(self, inputs: str | None, reference: str | None) -> None:
        self._inputs = _read(inputs) if inputs else {}
        self._reference = _read(reference) if reference else {}

    @property
    def has_reference(self) -> bool:
        return bool(self._reference)

    def inputs_of(self, runtime: RuntimeAdapter) -> list[Any]:
        """One array per input, all with the same number of samples; empty without inputs."""
        if not self._inputs:
            return []
        arrays = _paired(runtime.inputs, self._inputs) or []
        fitted = list(map(_cast, runtime.inputs, arrays))
        if not fitted or any(a is None for a in fitted) or len({len(a) for a in fitted}) > 1:
            raise ArrayMismatch(_both_sides(runtime.inputs, self._inputs, "inputs"))
        return fitted

    def reference_of(self, outputs: Sequence[RuntimeTensor], samples: int) -> dict[int, Any]:
        """The reference arrays by output index."""
        given = self._reference
        indices = {tensor.name: index for index, tensor in enumerate(outputs)}
        if all(name in indices for name in given):
            found = {indices[name]: array for name, array in given.items()}
        elif len(given) == len(indices):
            found = dict(enumerate(given.values()))
        else:
            raise ArrayMismatch(_both_sides(outputs, given, "outputs"))
        if any(len(array) != samples for array in found.values()):
            raise ArrayMismatch(
                _both_sides(outputs, given, "outputs") + f"\nfor {samples} input samples"
            )
        return found


def _read(file: str) -> dict[str, Any]:
    """The arrays of an .npz file. Raises ArrayMismatch."""
    np: Any = import_module("numpy")  # the app's; some apps have none
    try:
        with np.load(file, allow_pickle=False) as opened:
            arrays = {name: opened[name] for name in opened.files}
    except Exception as error:
        raise ArrayMismatch(f"Not a readable .npz file: {' '.join(str(error).split())}") from None
    if not arrays or any(array.ndim == 0 for array in arrays.values()):
        raise ArrayMismatch("The first axis of each array must be the samples.")
    return arrays


def _paired(tensors: Sequence[RuntimeTensor], arrays: Mapping[str, Any]) -> list[Any] | None:
    """The array for each tensor: by name, or else in order; None when the numbers differ."""
    if len(tensors) != len(arrays):
        return None
    by_name = {_plain(name): array for name, array in arrays.items()}
    names = [_plain(tensor.name) for tensor in tensors]
    if by_name.keys() == set(names):
        return [by_name[name] for name in names]
    return list(arrays.values())


def _plain(name: str) -> str:
    """The name without TensorFlow's prefix and suffix."""
    return name.removeprefix("serving_default_").partition(":")[0]


def _cast(tensor: RuntimeTensor, array: Any) -> Any:
    """The array in the tensor's dtype; None when the shape or dtype does not match."""
    np: Any = import_module("numpy")
    if not (tensor.accepts_batch(array.shape) or tensor.accepts(array.shape[1:])):
        return None
    if array.dtype.kind in "OUS":
        return array.astype(object) if tensor.dtype in ("string", "object", "str") else None
    try:
        dtype = np.dtype(tensor.dtype)
    except TypeError:  # unknown, as in TorchScript: use single precision
        return array.astype("float32") if array.dtype == "float64" else array
    if tensor.scale and array.dtype.kind == "f":
        return array  # quantized by the runtime
    return array.astype(dtype) if np.can_cast(array.dtype, dtype, "same_kind") else None


def _both_sides(tensors: Sequence[RuntimeTensor], arrays: Mapping[str, Any], kind: str) -> str:
    """Both sides, a line each."""
    expected = [f'  "{t.name}" {t.dtype} {lengths(t.shape)}' for t in tensors] or ["  none"]
    given = [f'  "{name}" {a.dtype} {lengths(a.shape)}' for name, a in arrays.items()]
    return "\n".join([f"the model's {kind}:", *expected, "the arrays in the file:", *given])


def lengths(shape: Sequence[int | None] | None) -> str:
    if shape is None:
        return "of unknown shape"
    return "[" + ", ".join("?" if length is None else str(length) for length in shape) + "]"

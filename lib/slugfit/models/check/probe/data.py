"""The arrays that were given for a model, fitted to what it takes and gives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any

from .runtimes import Runtime
from .tensors import Tensor


class Unfit(Exception):  # noqa: N818 (the arrays' fault)
    """The given arrays are not for this model, in words."""


class Data:
    """The arrays that were given, by name; there may be none."""

    def __init__(self, inputs: str | None, reference: str | None) -> None:
        self._inputs = _read(inputs) if inputs else {}
        self._reference = _read(reference) if reference else {}

    @property
    def has_reference(self) -> bool:
        return bool(self._reference)

    def inputs_of(self, runtime: Runtime) -> list[Any]:
        """An array for each input, all of as many samples; none when none were given."""
        if not self._inputs:
            return []
        arrays = _paired(runtime.inputs, self._inputs) or []
        fitted = list(map(_cast, runtime.inputs, arrays))
        if not fitted or any(a is None for a in fitted) or len({len(a) for a in fitted}) > 1:
            raise Unfit(_beside(runtime.inputs, self._inputs, "inputs"))
        return fitted

    def reference_of(self, outputs: Sequence[Tensor], samples: int) -> dict[int, Any]:
        """What is expected, by the index of the output."""
        given = self._reference
        indices = {tensor.name: index for index, tensor in enumerate(outputs)}
        if all(name in indices for name in given):
            found = {indices[name]: array for name, array in given.items()}
        elif len(given) == len(indices):
            found = dict(enumerate(given.values()))
        else:
            raise Unfit(_beside(outputs, given, "outputs"))
        if any(len(array) != samples for array in found.values()):
            raise Unfit(_beside(outputs, given, "outputs") + f"\nfor {samples} samples of input")
        return found


def _read(file: str) -> dict[str, Any]:
    """The arrays of an .npz file. Raises Unfit."""
    np: Any = import_module("numpy")  # in the app's Python; and missing in some apps
    try:
        with np.load(file, allow_pickle=False) as opened:
            arrays = {name: opened[name] for name in opened.files}
    except Exception as error:
        raise Unfit(f"It can not be read as .npz: {' '.join(str(error).split())}") from None
    if not arrays or any(array.ndim == 0 for array in arrays.values()):
        raise Unfit("Its arrays shall have an axis of samples, the first.")
    return arrays


def _paired(tensors: Sequence[Tensor], arrays: Mapping[str, Any]) -> list[Any] | None:
    """The array of each tensor: by name, or else in order; None when there are not as many."""
    if len(tensors) != len(arrays):
        return None
    by_name = {_plain(name): array for name, array in arrays.items()}
    names = [_plain(tensor.name) for tensor in tensors]
    if by_name.keys() == set(names):
        return [by_name[name] for name in names]
    return list(arrays.values())


def _plain(name: str) -> str:
    """The name without what TensorFlow puts around it."""
    return name.removeprefix("serving_default_").partition(":")[0]


def _cast(tensor: Tensor, array: Any) -> Any:
    """The array as the tensor has its numbers; None when it is not for this tensor."""
    np: Any = import_module("numpy")
    if not (tensor.takes_many(array.shape) or tensor.takes(array.shape[1:])):
        return None
    if array.dtype.kind in "OUS":
        return array.astype(object) if tensor.dtype in ("string", "object", "str") else None
    try:
        dtype = np.dtype(tensor.dtype)
    except TypeError:  # unknown, as in TorchScript, whose numbers have single precision
        return array.astype("float32") if array.dtype == "float64" else array
    if tensor.scale and array.dtype.kind == "f":
        return array  # quantized by the runtime
    return array.astype(dtype) if np.can_cast(array.dtype, dtype, "same_kind") else None


def _beside(tensors: Sequence[Tensor], arrays: Mapping[str, Any], kind: str) -> str:
    """Both sides, a line each."""
    takes = [f'  "{t.name}" {t.dtype} {lengths(t.shape)}' for t in tensors] or ["  nothing"]
    given = [f'  "{name}" {a.dtype} {lengths(a.shape)}' for name, a in arrays.items()]
    return "\n".join([f"the model's {kind}:", *takes, "the arrays in the file:", *given])


def lengths(shape: Sequence[int | None] | None) -> str:
    if shape is None:
        return "of unknown shape"
    return "[" + ", ".join("?" if length is None else str(length) for length in shape) + "]"

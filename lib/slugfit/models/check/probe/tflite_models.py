"""TensorFlow Lite: tflite_runtime, ai_edge_litert, or tensorflow.lite."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from typing import Any

from .adapters import RuntimeAdapter
from .tensors import RuntimeTensor, shape_of


class TfliteAdapter(RuntimeAdapter):
    def __init__(self, request: Mapping[str, Any]) -> None:
        super().__init__(request)
        if request["module"] == "tensorflow":  # it loads its submodules lazily
            self._class = importlib.import_module("tensorflow").lite.Interpreter
        else:
            self._class = importlib.import_module(f"{request['module']}.interpreter").Interpreter
        self._interpreter: Any = None
        self._inputs_at: list[int] = []
        self._outputs_at: list[int] = []
        self._shapes: list[tuple[int, ...]] = []

    def load(self, file: str) -> None:
        self._interpreter = self._class(model_path=file, num_threads=self.request["threads"])
        self._interpreter.allocate_tensors()
        inputs, outputs = self._described("input"), self._described("output")
        self.inputs = tuple(map(_tensor, inputs, inputs.values()))
        self.outputs = tuple(map(_tensor, outputs, outputs.values()))
        self._inputs_at = [detail["index"] for detail in inputs.values()]
        self._outputs_at = [detail["index"] for detail in outputs.values()]
        self._shapes = [tuple(d["shape"]) for d in inputs.values()]

    def run(self, arrays: Sequence[Any]) -> list[Any]:
        self._resize([array.shape for array in arrays])
        for index, tensor, array in zip(self._inputs_at, self.inputs, arrays, strict=True):
            self._interpreter.set_tensor(index, self._stored(tensor, array))
        self._interpreter.invoke()
        return [self._interpreter.get_tensor(index) for index in self._outputs_at]

    def dequantized(self, index: int, output: Any) -> Any:
        tensor = self.outputs[index]
        return (output.astype("float32") - tensor.zero) * tensor.scale if tensor.scale else output

    def _described(self, kind: str) -> dict[str, Any]:
        """The tensors by name, in order: those of the signature, if there is exactly one.

        Its names and order are the model's; converters can reorder the tensors themselves.
        """
        details = getattr(self._interpreter, f"get_{kind}_details")()
        try:
            [signature] = self._interpreter.get_signature_list()
            runner = self._interpreter.get_signature_runner(signature)
            signed = getattr(runner, f"get_{kind}_details")()
        except (AttributeError, ValueError):  # an old interpreter, no signature, or several
            signed = {}
        if {d["index"] for d in signed.values()} == {d["index"] for d in details}:
            return {name: signed[name] for name in sorted(signed, key=_natural)}
        return {detail["name"]: detail for detail in details}

    def _resize(self, shapes: list[tuple[int, ...]]) -> None:
        if shapes != self._shapes:
            for index, shape in zip(self._inputs_at, shapes, strict=True):
                self._interpreter.resize_tensor_input(index, shape)
            self._interpreter.allocate_tensors()
            self._shapes = shapes

    def _stored(self, tensor: RuntimeTensor, array: Any) -> Any:
        """The array as a quantized tensor stores it."""
        if not tensor.scale or array.dtype.kind != "f":
            return array
        limits = self.numpy.iinfo(tensor.dtype)
        stored = self.numpy.round(array / tensor.scale + tensor.zero)
        return stored.clip(limits.min, limits.max).astype(tensor.dtype)


def _tensor(name: str, detail: Mapping[str, Any]) -> RuntimeTensor:
    signature = detail.get("shape_signature")
    lengths = detail["shape"] if signature is None or not len(signature) else signature
    scale, zero = detail["quantization"]
    dtype = getattr(detail["dtype"], "__name__", str(detail["dtype"]))
    return RuntimeTensor(name, dtype.rstrip("_"), shape_of([int(n) for n in lengths]), scale, zero)


def _natural(name: str) -> tuple[str, int]:
    """output_2 before output_10."""
    head = name.rstrip("0123456789")
    return head, int(name[len(head) :] or 0)

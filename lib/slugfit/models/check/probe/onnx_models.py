"""ONNX models, in ONNX Runtime."""

from __future__ import annotations

import importlib
import re
from collections.abc import Mapping, Sequence
from typing import Any

from .adapters import RuntimeAdapter
from .tensors import RuntimeTensor, shape_of

_TENSOR = re.compile(r"tensor\((\w+)\)")
_DTYPES = {"float": "float32", "double": "float64"}
_ERRORS_ONLY = 3


class OnnxAdapter(RuntimeAdapter):
    def __init__(self, request: Mapping[str, Any]) -> None:
        super().__init__(request)
        self._module = importlib.import_module("onnxruntime")
        self._session: Any = None

    def load(self, file: str) -> None:
        options = self._module.SessionOptions()
        options.intra_op_num_threads = self.request["threads"]
        options.log_severity_level = _ERRORS_ONLY
        providers = ["CPUExecutionProvider"]  # dynos have no GPU
        self._session = self._module.InferenceSession(file, options, providers=providers)
        self.inputs = tuple(map(_tensor, self._session.get_inputs()))
        self.outputs = tuple(map(_tensor, self._session.get_outputs()))

    def run(self, arrays: Sequence[Any]) -> list[Any]:
        names = [tensor.name for tensor in self.inputs]
        outputs = self._session.run(None, dict(zip(names, arrays, strict=True)))
        return [self._array(output) for output in outputs]

    def _array(self, output: Any) -> Any:
        """Mappings of class to probability (ZipMap), as skl2onnx outputs them, become columns."""
        if isinstance(output, list) and output and isinstance(output[0], dict):
            return self.numpy.array([[row[key] for key in sorted(row)] for row in output])
        return output


def _tensor(node: Any) -> RuntimeTensor:
    match = _TENSOR.fullmatch(node.type)
    if match is None:
        return RuntimeTensor(node.name, node.type, None)
    return RuntimeTensor(node.name, _DTYPES.get(match[1], match[1]), shape_of(node.shape))

"""ONNX models, in ONNX Runtime."""

from __future__ import annotations

import importlib
import re
from collections.abc import Mapping, Sequence
from typing import Any

from .runtimes import Runtime
from .tensors import Tensor, shape_of

_TENSOR = re.compile(r"tensor\((\w+)\)")
_DTYPES = {"float": "float32", "double": "float64"}
_ERRORS_ONLY = 3


class Onnx(Runtime):
    def __init__(self, asked: Mapping[str, Any]) -> None:
        super().__init__(asked)
        self._module = importlib.import_module("onnxruntime")
        self._session: Any = None

    def load(self, file: str) -> None:
        options = self._module.SessionOptions()
        options.intra_op_num_threads = self.asked["threads"]
        options.log_severity_level = _ERRORS_ONLY
        providers = ["CPUExecutionProvider"]  # what a dyno has
        self._session = self._module.InferenceSession(file, options, providers=providers)
        self.inputs = tuple(map(_tensor, self._session.get_inputs()))
        self.outputs = tuple(map(_tensor, self._session.get_outputs()))

    def run(self, arrays: Sequence[Any]) -> list[Any]:
        names = [tensor.name for tensor in self.inputs]
        answers = self._session.run(None, dict(zip(names, arrays, strict=True)))
        return [self._array(answer) for answer in answers]

    def _array(self, answer: Any) -> Any:
        """Probabilities by class, as classifiers of scikit-learn give them, are columns."""
        if isinstance(answer, list) and answer and isinstance(answer[0], dict):
            return self.numpy.array([[row[key] for key in sorted(row)] for row in answer])
        return answer


def _tensor(node: Any) -> Tensor:
    match = _TENSOR.fullmatch(node.type)
    if match is None:
        return Tensor(node.name, node.type, None)
    return Tensor(node.name, _DTYPES.get(match[1], match[1]), shape_of(node.shape))

"""Keras models and SavedModels."""

from __future__ import annotations

import importlib
import inspect
import os
from collections.abc import Mapping, Sequence
from typing import Any

from .adapters import RuntimeAdapter, by_name
from .tensors import RuntimeTensor, shape_of

_ENDINGS = {"keras": (".keras",), "hdf5": (".h5", ".hdf5")}


class KerasAdapter(RuntimeAdapter):
    def __init__(self, request: Mapping[str, Any]) -> None:
        super().__init__(request)
        module = request["module"]
        if module == "tensorflow":
            self._models = _tensorflow(request["threads"]).keras.models
        else:
            os.environ.setdefault("KERAS_BACKEND", request["backend"])
            self._models = importlib.import_module("keras").models
        self._model: Any = None

    def load(self, file: str) -> None:
        options: dict[str, bool] = {"compile": False}
        # Slugfit has looked at the configuration; since Keras 2.13 it has rules of its own.
        if "safe_mode" in inspect.signature(self._models.load_model).parameters:
            options["safe_mode"] = not self.request["allow_code"]
        self._model = self._models.load_model(self._named(file), **options)
        self.inputs = tuple(map(_tensor, getattr(self._model, "inputs", None) or ()))

    def run(self, arrays: Sequence[Any]) -> list[Any]:
        given = arrays[0] if len(arrays) == 1 else list(arrays)
        outputs = by_name(self._model(given, training=False))
        arrays = [self.numpy.asarray(output) for output in outputs.values()]
        names = getattr(self._model, "output_names", None) or []
        names = names if len(names) == len(arrays) else list(outputs)
        self.outputs = tuple(
            RuntimeTensor(n, str(a.dtype), None) for n, a in zip(names, arrays, strict=True)
        )
        return arrays

    def _named(self, file: str) -> str:
        """The file, under a name with the extension that Keras expects."""
        endings = _ENDINGS[self.request["format"]]
        if file.endswith(endings):
            return file
        link = os.path.join(os.environ["TMPDIR"], f"model{endings[0]}")
        os.symlink(file, link)
        return link


class SavedModelAdapter(RuntimeAdapter):
    """Inference uses the serving signature, or the only one."""

    def __init__(self, request: Mapping[str, Any]) -> None:
        super().__init__(request)
        self._tensorflow = _tensorflow(request["threads"])
        self._loaded: Any = None
        self._signature: Any = None

    def load(self, file: str) -> None:
        self._loaded = self._tensorflow.saved_model.load(file)
        signatures = dict(self._loaded.signatures)
        names = ["serving_default"] if "serving_default" in signatures else list(signatures)
        if len(names) == 1:
            self._signature = signatures[names[0]]
            inputs = self._signature.structured_input_signature[1]
            self.inputs = tuple(_tensor(inputs[name]) for name in sorted(inputs))
            outputs = self._signature.structured_outputs
            self.outputs = tuple(_tensor(outputs[name], name) for name in sorted(outputs))

    def run(self, arrays: Sequence[Any]) -> list[Any]:
        tensors = map(self._tensorflow.constant, arrays)
        names = [tensor.name for tensor in self.inputs]
        outputs = self._signature(**dict(zip(names, tensors, strict=True)))
        return [self.numpy.asarray(outputs[tensor.name]) for tensor in self.outputs]


def _tensorflow(threads: int) -> Any:
    tensorflow = importlib.import_module("tensorflow")
    tensorflow.config.threading.set_intra_op_parallelism_threads(threads)
    tensorflow.config.threading.set_inter_op_parallelism_threads(threads)
    return tensorflow


def _tensor(tensor: Any, name: str | None = None) -> RuntimeTensor:
    dtype = getattr(tensor.dtype, "name", tensor.dtype)
    try:
        shape = shape_of(list(tensor.shape))
    except (TypeError, ValueError):  # of unknown rank
        return RuntimeTensor(name or tensor.name, str(dtype), None)
    return RuntimeTensor(name or tensor.name, str(dtype), shape)

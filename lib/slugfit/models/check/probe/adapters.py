"""One interface for all runtimes: import, load, run."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from typing import Any

from .tensors import RuntimeTensor


class RuntimeAdapter:
    """Creating one imports the runtime. `numpy` is None when the app has none.

    After `load`, `inputs` and `outputs` describe the arrays of `run`, in order. Some runtimes know
    `outputs` only after the first `run`.
    """

    def __init__(self, request: Mapping[str, Any]) -> None:
        self.request = request
        self.inputs: tuple[RuntimeTensor, ...] = ()
        self.outputs: tuple[RuntimeTensor, ...] = ()
        self.numpy: Any = _numpy()

    def load(self, file: str) -> None:
        raise NotImplementedError

    def run(self, arrays: Sequence[Any]) -> list[Any]:
        raise NotImplementedError

    def dequantized(self, index: int, output: Any) -> Any:
        """The real numbers that a quantized output stands for; `index` is the output's."""
        return output


def open_runtime(request: Mapping[str, Any]) -> RuntimeAdapter:
    """The adapter for the format in `request`. Raises what the runtime's import raises."""
    from .boosters import LightgbmAdapter, PickleAdapter, XgboostAdapter  # noqa: PLC0415 (each imports the base class)
    from .keras_models import KerasAdapter, SavedModelAdapter  # noqa: PLC0415
    from .onnx_models import OnnxAdapter  # noqa: PLC0415
    from .tflite_models import TfliteAdapter  # noqa: PLC0415
    from .torch_modules import TorchExportAdapter, TorchScriptAdapter  # noqa: PLC0415

    classes: dict[str, type[RuntimeAdapter]] = {
        "tflite": TfliteAdapter,
        "onnx": OnnxAdapter,
        "torchscript": TorchScriptAdapter,
        "torch-export": TorchExportAdapter,
        "keras": KerasAdapter,
        "hdf5": KerasAdapter,
        "saved-model": SavedModelAdapter,
        "xgboost": XgboostAdapter,
        "lightgbm": LightgbmAdapter,
        "pickle": PickleAdapter,
    }
    return classes[request["format"]](request)


def _numpy() -> Any:
    try:
        return importlib.import_module("numpy")
    except ModuleNotFoundError:
        return None


def by_name(outputs: Any) -> dict[str, Any]:
    """Outputs by name; unnamed ones are called output_0 and so on."""
    if isinstance(outputs, Mapping):
        return {str(name): output for name, output in outputs.items()}
    many = outputs if isinstance(outputs, list | tuple) else [outputs]
    return {f"output_{index}": output for index, output in enumerate(many)}

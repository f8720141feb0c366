"""The result of inspecting a model."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

FormatName = Literal[
    "tflite",
    "onnx",
    "torchscript",
    "torch-export",
    "torch-checkpoint",
    "saved-model",
    "keras",
    "hdf5",
    "safetensors",
    "gguf",
    "pickle",
    "xgboost",
    "lightgbm",
]

TITLES: dict[FormatName, str] = {
    "tflite": "TensorFlow Lite",
    "onnx": "ONNX",
    "torchscript": "TorchScript",
    "torch-export": "torch.export",
    "torch-checkpoint": "PyTorch checkpoint",
    "saved-model": "SavedModel",
    "keras": "Keras",
    "hdf5": "HDF5",
    "safetensors": "safetensors",
    "gguf": "GGUF",
    "pickle": "pickle",
    "xgboost": "XGBoost",
    "lightgbm": "LightGBM",
}


@dataclass(frozen=True)
class TensorSpec:
    """An input or output tensor. A dimension is a size, a name, or None for any size.

    `shape` is None when the rank is unknown.
    """

    name: str
    dtype: str
    shape: tuple[int | str | None, ...] | None

    def __str__(self) -> str:
        if self.shape is None:
            return f'"{self.name}" {self.dtype}'
        lengths = ("?" if length is None else str(length) for length in self.shape)
        return f'"{self.name}" {self.dtype} [{", ".join(lengths)}]'


@dataclass(frozen=True)
class Inspection:
    """One model, or a directory of models: `parts` has those by path.

    `format` is None for unknown content, or where the parts differ. `parameters` is the number of
    weights, where the headers have it, and `dtypes` are their types. `code` is what of it runs, or
    may run, when the model is opened: a phrase, "" for nothing. `facts` are labels and values to
    show.
    """

    format: FormatName | None
    title: str
    parameters: int | None = None
    dtypes: tuple[str, ...] = ()
    code: str = ""
    inputs: tuple[TensorSpec, ...] = ()
    outputs: tuple[TensorSpec, ...] = ()
    flex_ops: tuple[str, ...] = ()
    """TensorFlow ops in a TFLite model, which only a runtime with the flex delegate supports."""
    custom_ops: tuple[str, ...] = ()
    """Other custom ops in a TFLite model, which the app itself has to register."""
    opsets: dict[str, int] = field(default_factory=dict)
    """ONNX operator set versions by domain; "ai.onnx" is the default domain."""
    ir_version: int | None = None
    companions: tuple[str, ...] = ()
    """Files that the model needs beside it, such as ONNX external data."""
    facts: tuple[tuple[str, str], ...] = ()
    parts: tuple[tuple[str, Inspection], ...] = ()


UNKNOWN = Inspection(None, "unknown")

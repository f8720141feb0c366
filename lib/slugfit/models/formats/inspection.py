"""What an inspection finds out about a model."""

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
    """An input or output. A dimension is a size, a name where it has one, or None for any.

    `shape` is None where the model leaves open how many dimensions there are.
    """

    name: str
    dtype: str
    shape: tuple[int | str | None, ...] | None


@dataclass(frozen=True)
class Inspection:
    """One model, or the models of a directory: those are the `parts`, by path.

    `format` is None where the content is none that is known, or where parts differ.
    `parameters` is how many weights there are, where the headers tell, and `dtypes` are theirs.
    `unpickles`: to open it runs what is in it. `facts` are for people: label and value.
    """

    format: FormatName | None
    title: str
    parameters: int | None = None
    dtypes: tuple[str, ...] = ()
    unpickles: bool = False
    inputs: tuple[TensorSpec, ...] = ()
    outputs: tuple[TensorSpec, ...] = ()
    flex_ops: tuple[str, ...] = ()
    """TensorFlow's ops in a TFLite model: only a runtime with the flex delegate has them."""
    custom_ops: tuple[str, ...] = ()
    """Other ops in a TFLite model that the app itself has to bring."""
    opsets: dict[str, int] = field(default_factory=dict)
    """The version of each ONNX operator set, by domain; that of ONNX's own is "ai.onnx"."""
    ir_version: int | None = None
    companions: tuple[str, ...] = ()
    """Files beside it that it needs, such as ONNX's external data."""
    facts: tuple[tuple[str, str], ...] = ()
    parts: tuple[tuple[str, Inspection], ...] = ()


UNKNOWN = Inspection(None, "no model that Slugfit knows")

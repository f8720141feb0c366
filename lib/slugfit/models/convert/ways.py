"""What can be made of what, and with which tools."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from slugfit.models.formats import FormatName
from slugfit.settings.model import ConvertTo, Quantize

TITLES: dict[ConvertTo, str] = {"tflite": "TFLite", "onnx": "ONNX", "torchscript": "TorchScript"}
QUANTIZED: dict[Quantize, str] = {
    "none": "",
    "float16": ", float16",
    "dynamic": ", dynamic range",
    "int8": ", int8",
}


@dataclass(frozen=True)
class Way:
    """From a format to another: the script that knows it, and what it can do on the way.

    `app` are the distributions with which it works, all or none of them the app's own.
    """

    tool: str
    quantize: tuple[Quantize, ...]
    locks: tuple[str, ...]
    app: tuple[str, ...] = ()


@dataclass(frozen=True)
class Environment:
    """What a conversion runs in: locks to install, and whether the app's packages are beside them.

    `title` is how the log calls what is installed.
    """

    locks: tuple[str, ...]
    with_app: bool
    title: str


_ALL: tuple[Quantize, ...] = ("none", "float16", "dynamic", "int8")
_KERAS = Way("from_keras", _ALL, ("tensorflow",))
_SCRIPT = Way("from_torch", ("dynamic",), ("torch-cpu", "torch", "numpy"), ("torch",))
_EXPORT = Way("from_torch", ("none", "dynamic"), _SCRIPT.locks, _SCRIPT.app)
_TORCH_ONNX = Way("from_torch", _ALL, ("onnx", *_SCRIPT.locks), _SCRIPT.app)

WAYS: Mapping[tuple[FormatName, ConvertTo], Way] = {
    ("keras", "tflite"): _KERAS,
    ("hdf5", "tflite"): _KERAS,
    ("saved-model", "tflite"): _KERAS,
    ("onnx", "onnx"): Way("from_onnx", ("float16", "dynamic", "int8"), ("onnx", "numpy")),
    ("torchscript", "torchscript"): _SCRIPT,
    ("torchscript", "onnx"): _TORCH_ONNX,
    ("torch-export", "torchscript"): _EXPORT,
    ("torch-export", "onnx"): _TORCH_ONNX,
    ("pickle", "onnx"): Way(
        "from_sklearn", _ALL, ("onnx", "sklearn", "numpy"), ("scikit-learn", "numpy")
    ),
}
# The lock that a distribution of the app stands in for.
_FOR = {"torch": ("torch-cpu", "torch"), "scikit-learn": ("sklearn",), "numpy": ("numpy",)}
_TITLES = {"tensorflow": "TensorFlow", "torch-cpu": "PyTorch", "onnx": "ONNX Runtime"}


def possible(source: FormatName) -> dict[ConvertTo, tuple[Quantize, ...]]:
    """What a model of this format can become, and how quantized."""
    return {to: way.quantize for (own, to), way in WAYS.items() if own == source}


def environment(way: Way, app: Mapping[str, str]) -> Environment:
    """What `way` takes, in an app with these distributions, whose own it works with."""
    with_app = bool(way.app) and all(name in app for name in way.app)
    brought = {lock for name in _FOR if with_app and name in app for lock in _FOR[name]}
    locks = tuple(lock for lock in way.locks if lock not in brought)
    title = next((_TITLES[lock] for lock in _TITLES if lock in locks), "numpy")
    return Environment(locks, with_app, title)

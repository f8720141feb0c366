"""Which conversions there are, and which tools they need."""

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
class ConversionRoute:
    """How to convert one format to another: the script (`tool`) and its quantizations.

    `app` are the distributions to take from the app, when it has all of them.
    """

    tool: str
    quantize: tuple[Quantize, ...]
    locks: tuple[str, ...]
    app: tuple[str, ...] = ()


@dataclass(frozen=True)
class ToolEnvironment:
    """What a conversion runs in: locks to install, and whether with the app's packages.

    `title` names in the log what is installed.
    """

    locks: tuple[str, ...]
    with_app: bool
    title: str


_ALL: tuple[Quantize, ...] = ("none", "float16", "dynamic", "int8")
_KERAS = ConversionRoute("from_keras", _ALL, ("tensorflow",))
_SCRIPT = ConversionRoute("from_torch", ("dynamic",), ("torch-cpu", "torch", "numpy"), ("torch",))
_EXPORT = ConversionRoute("from_torch", ("none", "dynamic"), _SCRIPT.locks, _SCRIPT.app)
_TORCH_ONNX = ConversionRoute("from_torch", _ALL, ("onnx", *_SCRIPT.locks), _SCRIPT.app)

ROUTES: Mapping[tuple[FormatName, ConvertTo], ConversionRoute] = {
    ("keras", "tflite"): _KERAS,
    ("hdf5", "tflite"): _KERAS,
    ("saved-model", "tflite"): _KERAS,
    ("onnx", "onnx"): ConversionRoute(
        "from_onnx", ("float16", "dynamic", "int8"), ("onnx", "numpy")
    ),
    ("torchscript", "torchscript"): _SCRIPT,
    ("torchscript", "onnx"): _TORCH_ONNX,
    ("torch-export", "torchscript"): _EXPORT,
    ("torch-export", "onnx"): _TORCH_ONNX,
    ("pickle", "onnx"): ConversionRoute(
        "from_sklearn", _ALL, ("onnx", "sklearn", "numpy"), ("scikit-learn", "numpy")
    ),
}
# The locks that a distribution of the app replaces.
_PROVIDED_BY = {"torch": ("torch-cpu", "torch"), "scikit-learn": ("sklearn",), "numpy": ("numpy",)}
_TITLES = {"tensorflow": "TensorFlow", "torch-cpu": "PyTorch", "onnx": "ONNX Runtime"}


def supported_targets(source: FormatName) -> dict[ConvertTo, tuple[Quantize, ...]]:
    """The target formats for a format, with the quantizations of each."""
    return {to: route.quantize for (own, to), route in ROUTES.items() if own == source}


def environment_for(route: ConversionRoute, app: Mapping[str, str]) -> ToolEnvironment:
    """The tools that `route` needs, in an app with these distributions (versions by name)."""
    with_app = bool(route.app) and all(name in app for name in route.app)
    provided = {
        lock for name, locks in _PROVIDED_BY.items() if with_app and name in app for lock in locks
    }
    locks = tuple(lock for lock in route.locks if lock not in provided)
    title = next((_TITLES[lock] for lock in _TITLES if lock in locks), "numpy")
    return ToolEnvironment(locks, with_app, title)

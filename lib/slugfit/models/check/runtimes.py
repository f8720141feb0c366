"""Which runtime serves a model: one of the app's own, or one of ours for want of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from slugfit.dependencies import Group

_TENSORFLOW = ("tensorflow", "tensorflow-cpu", "tensorflow-cpu-aws", "intel-tensorflow")
_NIGHTLY = ("tf-nightly", "tf-nightly-cpu")
_ONNX = ("onnxruntime", "onnxruntime-gpu", "onnxruntime-openvino", "ort-nightly")
_XGBOOST = ("xgboost", "xgboost-cpu")

# By module, the distributions that bring it, in the order in which they are preferred.
_LITE = {
    "tflite_runtime": ("tflite-runtime",),
    "ai_edge_litert": ("ai-edge-litert", "ai-edge-litert-nightly"),
    "tensorflow": (*_TENSORFLOW, *_NIGHTLY),
}
_KERAS = {"tensorflow": (*_TENSORFLOW, *_NIGHTLY), "keras": ("keras",)}
_SERVING: dict[str, dict[str, tuple[str, ...]]] = {
    "tflite": _LITE,
    "onnx": {"onnxruntime": _ONNX},
    "torchscript": {"torch": ("torch",)},
    "torch-export": {"torch": ("torch",)},
    "keras": _KERAS,
    "hdf5": _KERAS,
    "saved-model": {"tensorflow": (*_TENSORFLOW, *_NIGHTLY)},
    "xgboost": {"xgboost": _XGBOOST},
    "lightgbm": {"lightgbm": ("lightgbm",)},
    "pickle": {"joblib": ("joblib",)},
}
_KERAS_BACKENDS = ("torch", "jax")
_NEVER_ALONE = {"keras": _KERAS_BACKENDS}
_FIRST_WITHOUT_TFLITE = (3, 12)

# A statement that does what the trial did, for people to try.
_TRIES = {
    "tflite_runtime": "from tflite_runtime.interpreter import Interpreter; "
    "Interpreter({file!r}).allocate_tensors()",
    "ai_edge_litert": "from ai_edge_litert.interpreter import Interpreter; "
    "Interpreter({file!r}).allocate_tensors()",
    "onnxruntime": "import onnxruntime; onnxruntime.InferenceSession({file!r})",
    "torchscript": "import torch; torch.jit.load({file!r})",
    "torch-export": "import torch; torch.export.load({file!r})",
    "saved-model": "import tensorflow; tensorflow.saved_model.load({file!r})",
    "tensorflow-tflite": "import tensorflow; "
    "tensorflow.lite.Interpreter({file!r}).allocate_tensors()",
    "tensorflow": "import tensorflow; tensorflow.keras.models.load_model({file!r})",
    "keras": "import keras; keras.models.load_model({file!r})",
    "xgboost": "import xgboost; xgboost.Booster().load_model({file!r})",
    "lightgbm": "import lightgbm; lightgbm.Booster(model_file={file!r})",
    "joblib": "import joblib; joblib.load({file!r})",
    "pickle": "import pickle; pickle.load(open({file!r}, 'rb'))",
}

# What to write into requirements.txt where an app has nothing, by format.
_REQUIREMENTS = {
    "onnx": "onnxruntime",
    "torchscript": "--extra-index-url https://download.pytorch.org/whl/cpu\ntorch",
    "torch-export": "--extra-index-url https://download.pytorch.org/whl/cpu\ntorch",
    "keras": "tensorflow-cpu",
    "hdf5": "tensorflow-cpu",
    "saved-model": "tensorflow-cpu",
    "xgboost": "xgboost",
    "lightgbm": "lightgbm",
}
TO_LITERT = (
    "In requirements.txt, in the place of tflite-runtime:\n"
    "ai-edge-litert\n"
    "In the app, in the place of the import from tflite_runtime.interpreter:\n"
    "from ai_edge_litert.interpreter import Interpreter"
)

Packages = Mapping[str, str]
"""Versions by normalized name."""


@dataclass(frozen=True)
class Runtime:
    """What loads a model: its `module`, and the distribution that brings it.

    `group` is set where the app has none: it is what we install for ourselves.
    """

    format: str
    module: str
    distribution: str
    version: str = ""
    group: Group | None = None
    backend: str = ""
    """What Keras computes with, where that is not tensorflow."""

    def __str__(self) -> str:
        return f"{self.distribution} {self.version}".rstrip()

    def statement(self, file: str) -> str:
        """What loads the model in the same way, as Python."""
        keys = (f"{self.module}-{self.format}", self.format, self.module)
        return next(_TRIES[key] for key in keys if key in _TRIES).format(file=file)


def runtime_for(format_name: str, packages: Packages) -> Runtime | None:
    """The app's own runtime for a format, if it has one."""
    for module, distributions in _SERVING.get(format_name, {}).items():
        if module in _NEVER_ALONE and not _first(_NEVER_ALONE[module], packages):
            continue
        if found := _first(distributions, packages):
            backend = _first(_KERAS_BACKENDS, packages) or ""
            return Runtime(format_name, module, found, packages[found], backend=backend)
    if format_name == "pickle":
        return Runtime(format_name, "pickle", "Python's pickle")
    return None


def own_runtime_for(format_name: str, python_version: str) -> Runtime | None:
    """What we install for a format that the app has no runtime for; None where that is too big."""
    if format_name == "onnx":
        return Runtime(format_name, "onnxruntime", "onnxruntime", group=Group.ONNXRUNTIME)
    if format_name != "tflite":
        return None
    if _series(python_version) < _FIRST_WITHOUT_TFLITE:
        return Runtime(format_name, "tflite_runtime", "tflite-runtime", group=Group.TFLITE)
    return Runtime(format_name, "ai_edge_litert", "ai-edge-litert", group=Group.TFLITE)


def has_trial(format_name: str) -> bool:
    """Whether there is a runtime that loads models of this format whole."""
    return format_name in _SERVING


def serving(format_name: str) -> tuple[str, ...]:
    """The distributions that an app may serve a format with, the usual ones."""
    return tuple(dict.fromkeys(names[0] for names in _SERVING[format_name].values()))


def requirements_for(format_name: str, python_version: str, version: str) -> str:
    """Lines for requirements.txt. `version` is that which the model was seen to load in, if any."""
    pin = f"=={version}" if version else ""
    if format_name != "tflite":
        return _REQUIREMENTS[format_name] + pin
    if _series(python_version) < _FIRST_WITHOUT_TFLITE:
        return f"tflite-runtime{pin}\nnumpy<2"
    return f"ai-edge-litert{pin}"


def _first(names: tuple[str, ...], packages: Packages) -> str | None:
    return next((name for name in names if name in packages), None)


def _series(python_version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in python_version.split(".")[:2])

"""Which runtime serves a model: the app's own, or else one that Slugfit installs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from slugfit.helper.dependencies import Group

_TENSORFLOW = ("tensorflow", "tensorflow-cpu", "tensorflow-cpu-aws", "intel-tensorflow")
_NIGHTLY = ("tf-nightly", "tf-nightly-cpu")
_ONNX = ("onnxruntime", "onnxruntime-gpu", "onnxruntime-openvino", "ort-nightly")
_XGBOOST = ("xgboost", "xgboost-cpu")

# By module, the distributions that provide it, in order of preference.
_LITE = {
    "tflite_runtime": ("tflite-runtime",),
    "ai_edge_litert": ("ai-edge-litert", "ai-edge-litert-nightly"),
    "tensorflow": (*_TENSORFLOW, *_NIGHTLY),
}
_KERAS = {"tensorflow": (*_TENSORFLOW, *_NIGHTLY), "keras": ("keras",)}
_RUNTIMES: dict[str, dict[str, tuple[str, ...]]] = {
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
_NEED_BACKEND = {"keras": _KERAS_BACKENDS}
_FIRST_WITHOUT_TFLITE = (3, 12)

# A statement that does what the check did, for users to run.
_LOAD_STATEMENTS = {
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

# What to add to requirements.txt of an app without a runtime, by format.
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
    "In requirements.txt, replace tflite-runtime with:\n"
    "ai-edge-litert\n"
    "In the app, replace the import from tflite_runtime.interpreter with:\n"
    "from ai_edge_litert.interpreter import Interpreter"
)

InstalledVersions = Mapping[str, str]
"""Versions by normalized name."""


@dataclass(frozen=True)
class ModelRuntime:
    """What loads a model: its `module`, and the distribution that provides it.

    `group` is set for a runtime that Slugfit installs, because the app has none.
    """

    format: str
    module: str
    distribution: str
    version: str = ""
    group: Group | None = None
    backend: str = ""
    """Keras' backend, unless it is tensorflow."""

    def __str__(self) -> str:
        return f"{self.distribution} {self.version}".rstrip()

    def statement(self, file: str) -> str:
        """Python code that loads the model in `file` in the same way."""
        keys = (f"{self.module}-{self.format}", self.format, self.module)
        return next(_LOAD_STATEMENTS[key] for key in keys if key in _LOAD_STATEMENTS).format(
            file=file
        )


def runtime_for(format_name: str, packages: InstalledVersions) -> ModelRuntime | None:
    """The app's own runtime for a format; None without one."""
    for module, distributions in _RUNTIMES.get(format_name, {}).items():
        if module in _NEED_BACKEND and not _first(_NEED_BACKEND[module], packages):
            continue
        if found := _first(distributions, packages):
            backend = _first(_KERAS_BACKENDS, packages) or ""
            return ModelRuntime(format_name, module, found, packages[found], backend=backend)
    if format_name == "pickle":
        return ModelRuntime(format_name, "pickle", "Python's pickle")
    return None


def isolated_runtime_for(format_name: str, python_version: str) -> ModelRuntime | None:
    """The runtime to install when the app has none; None when those are too large."""
    if format_name == "onnx":
        return ModelRuntime(format_name, "onnxruntime", "onnxruntime", group=Group.ONNXRUNTIME)
    if format_name != "tflite":
        return None
    if _series(python_version) < _FIRST_WITHOUT_TFLITE:
        return ModelRuntime(format_name, "tflite_runtime", "tflite-runtime", group=Group.TFLITE)
    return ModelRuntime(format_name, "ai_edge_litert", "ai-edge-litert", group=Group.TFLITE)


def is_loadable(format_name: str) -> bool:
    """Whether some runtime loads models of this format: it contains more than weights."""
    return format_name in _RUNTIMES


def usual_runtimes(format_name: str) -> tuple[str, ...]:
    """The usual distributions that serve a format."""
    return tuple(dict.fromkeys(names[0] for names in _RUNTIMES[format_name].values()))


def requirements_for(format_name: str, python_version: str, version: str) -> str:
    """Lines for requirements.txt. `version` is the one that has loaded the model, "" if none."""
    pin = f"=={version}" if version else ""
    if format_name != "tflite":
        return _REQUIREMENTS[format_name] + pin
    if _series(python_version) < _FIRST_WITHOUT_TFLITE:
        return f"tflite-runtime{pin}\nnumpy<2"
    return f"ai-edge-litert{pin}"


def _first(names: tuple[str, ...], packages: InstalledVersions) -> str | None:
    return next((name for name in names if name in packages), None)


def _series(python_version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in python_version.split(".")[:2])

"""The runtimes behind one face: import, load, run."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from typing import Any

from .tensors import Tensor


class Runtime:
    """Imported when it is made. `numpy` is None where the app has none, and the runtime bears it.

    After `load`, `inputs` and `outputs` say what `run` takes and gives, in that order. `outputs`
    can be empty until then: some runtimes only know once there is an answer.
    """

    def __init__(self, asked: Mapping[str, Any]) -> None:
        self.asked = asked
        self.inputs: tuple[Tensor, ...] = ()
        self.outputs: tuple[Tensor, ...] = ()
        self.numpy: Any = _numpy()

    def load(self, file: str) -> None:
        raise NotImplementedError

    def run(self, arrays: Sequence[Any]) -> list[Any]:
        raise NotImplementedError

    def real(self, index: int, answer: Any) -> Any:
        """The numbers that output `index` stands for."""
        return answer


def open_runtime(asked: Mapping[str, Any]) -> Runtime:
    """The runtime that `asked` names. Raises whatever its import does."""
    from .boosters import LightGbm, Pickled, XgBoost  # noqa: PLC0415 (each knows the base class)
    from .keras_models import Keras, SavedModel  # noqa: PLC0415
    from .lite import Lite  # noqa: PLC0415
    from .onnx_models import Onnx  # noqa: PLC0415
    from .torch_modules import Exported, Script  # noqa: PLC0415

    classes: dict[str, type[Runtime]] = {
        "tflite": Lite,
        "onnx": Onnx,
        "torchscript": Script,
        "torch-export": Exported,
        "keras": Keras,
        "hdf5": Keras,
        "saved-model": SavedModel,
        "xgboost": XgBoost,
        "lightgbm": LightGbm,
        "pickle": Pickled,
    }
    return classes[asked["format"]](asked)


def _numpy() -> Any:
    try:
        return importlib.import_module("numpy")
    except ModuleNotFoundError:
        return None


def named(answers: Any) -> dict[str, Any]:
    """Nested answers by name; what has none of its own is called output_0 and so on."""
    if isinstance(answers, Mapping):
        return {str(name): answer for name, answer in answers.items()}
    many = answers if isinstance(answers, list | tuple) else [answers]
    return {f"output_{index}": answer for index, answer in enumerate(many)}

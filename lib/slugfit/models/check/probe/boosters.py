"""Models over tables: gradient boosting, and pickled ones, of scikit-learn above all."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from typing import Any

from .runtimes import Runtime
from .tensors import Tensor


class _Table(Runtime):
    """Rows of numbers in, an answer for each out."""

    def __init__(self, asked: Mapping[str, Any]) -> None:
        super().__init__(asked)
        self.module = importlib.import_module(asked["module"])
        self.model: Any = None

    def takes(self, columns: int | None, dtype: str = "float32") -> None:
        if columns:
            self.inputs = (Tensor("input", dtype, (None, columns)),)
            self.outputs = (Tensor("output", "float32", None),)


class XgBoost(_Table):
    def load(self, file: str) -> None:
        self.model = self.module.Booster({"nthread": self.asked["threads"]})
        self.model.load_model(file)
        self.takes(self.model.num_features())

    def run(self, arrays: Sequence[Any]) -> list[Any]:
        rows = self.module.DMatrix(arrays[0])
        return [self.model.predict(rows, validate_features=False)]


class LightGbm(_Table):
    def load(self, file: str) -> None:
        self.model = self.module.Booster(model_file=file)
        self.takes(self.model.num_feature(), "float64")

    def run(self, arrays: Sequence[Any]) -> list[Any]:
        return [self.model.predict(arrays[0], num_threads=self.asked["threads"])]


class Pickled(_Table):
    """Whatever was pickled; it is tried if it is a model as scikit-learn has them."""

    def load(self, file: str) -> None:
        with open(file, "rb") as opened:
            self.model = self.module.load(opened)
        if hasattr(self.model, "predict"):
            self.takes(getattr(self.model, "n_features_in_", None), "float64")

    def run(self, arrays: Sequence[Any]) -> list[Any]:
        predict = getattr(self.model, "predict_proba", None) or self.model.predict
        return [self.numpy.asarray(predict(arrays[0]))]

"""Models for tabular data: gradient boosting, and pickled estimators."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from typing import Any

from .adapters import RuntimeAdapter
from .tensors import RuntimeTensor


class _TabularAdapter(RuntimeAdapter):
    """Rows of numbers as input, one prediction for each as output."""

    def __init__(self, request: Mapping[str, Any]) -> None:
        super().__init__(request)
        self.module = importlib.import_module(request["module"])
        self.model: Any = None

    def _set_columns(self, columns: int | None, dtype: str = "float32") -> None:
        if columns:
            self.inputs = (RuntimeTensor("input", dtype, (None, columns)),)
            self.outputs = (RuntimeTensor("output", "float32", None),)


class XgboostAdapter(_TabularAdapter):
    def load(self, file: str) -> None:
        self.model = self.module.Booster({"nthread": self.request["threads"]})
        self.model.load_model(file)
        self._set_columns(self.model.num_features())

    def run(self, arrays: Sequence[Any]) -> list[Any]:
        rows = self.module.DMatrix(arrays[0])
        return [self.model.predict(rows, validate_features=False)]


class LightgbmAdapter(_TabularAdapter):
    def load(self, file: str) -> None:
        self.model = self.module.Booster(model_file=file)
        self._set_columns(self.model.num_feature(), "float64")

    def run(self, arrays: Sequence[Any]) -> list[Any]:
        return [self.model.predict(arrays[0], num_threads=self.request["threads"])]


class PickleAdapter(_TabularAdapter):
    """Any pickled object; inference runs if it has scikit-learn's interface."""

    def load(self, file: str) -> None:
        with open(file, "rb") as opened:
            self.model = self.module.load(opened)
        if hasattr(self.model, "predict"):
            self._set_columns(getattr(self.model, "n_features_in_", None), "float64")

    def run(self, arrays: Sequence[Any]) -> list[Any]:
        predict = getattr(self.model, "predict_proba", None) or self.model.predict
        return [self.numpy.asarray(predict(arrays[0]))]

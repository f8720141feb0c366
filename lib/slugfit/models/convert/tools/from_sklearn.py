"""Models of scikit-learn, pickled, become ONNX models. Unpickling runs what is in them."""

from __future__ import annotations

import importlib
import os
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from . import arrays, from_onnx
from .arrays import Arrays, Refused, Tensor

# Old enough for every ONNX Runtime that runs on a Python of Heroku's.
_OPSETS = {"": 17, "ai.onnx.ml": 3}


def convert(asked: Mapping[str, Any]) -> dict[str, Any]:
    model, notes = _load(asked["source"])
    tensors = [_input(model)]
    onnx = _to_onnx(model, tensors[0])
    plain = asked["result"]
    if asked["quantize"] != "none":
        plain = os.path.join(asked["work"], "plain.onnx")
    Path(plain).write_bytes(onnx.SerializeToString())
    _, names = from_onnx.open_model(plain)

    def run(batch: Arrays) -> dict[str, Any]:
        found = _predict(model, batch["X"])
        return dict(zip(names, found, strict=True))

    facts = arrays.note_answers(asked, tensors, run)
    if plain != asked["result"]:
        from_onnx.quantize(plain, asked, tensors)
    return {**facts, "notes": notes}


def _load(file: str) -> tuple[Any, list[str]]:
    """The model, and what scikit-learn says about another version's."""
    joblib: Any = importlib.import_module("joblib")
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        model = joblib.load(file)
    if not hasattr(model, "n_features_in_"):
        raise Refused("unsupported", f"what is pickled is a {type(model).__name__}")
    said = [" ".join(str(w.message).split()) for w in heard]
    return model, sorted({text.partition(". ")[0] for text in said if "unpickle" in text})


def _input(model: Any) -> Tensor:
    return Tensor("X", "float32", (None, int(model.n_features_in_)))


def _to_onnx(model: Any, tensor: Tensor) -> Any:
    tools: Any = importlib.import_module("skl2onnx")
    types: Any = importlib.import_module("skl2onnx.common.data_types")
    initial = [(tensor.name, types.FloatTensorType(list(tensor.shape or ())))]
    # Probabilities as an array, which other runtimes have as well, not as a list of mappings.
    options = {id(model): {"zipmap": False}} if hasattr(model, "predict_proba") else None
    return tools.to_onnx(model, initial_types=initial, target_opset=_OPSETS, options=options)


def _predict(model: Any, rows: Any) -> list[Any]:
    """What the ONNX model gives, in its order: labels and probabilities, or values in a column."""
    np = importlib.import_module("numpy")
    if hasattr(model, "predict_proba"):
        labels = np.asarray(model.predict(rows))
        labels = labels.astype(str) if labels.dtype.kind == "O" else labels
        return [labels, np.asarray(model.predict_proba(rows), "float32")]
    if hasattr(model, "predict"):
        found = np.asarray(model.predict(rows))
        if found.dtype.kind == "f":
            return [found.astype("float32").reshape(len(rows), -1)]
        scores = model.decision_function(rows) if hasattr(model, "decision_function") else None
        return [found] if scores is None else [found, _columns(np, scores)]
    return [np.asarray(model.transform(rows), "float32")]


def _columns(np: Any, scores: Any) -> Any:
    """A column for each class, where there are two as well."""
    scores = np.asarray(scores, "float32")
    return np.column_stack([-scores, scores]) if scores.ndim == 1 else scores

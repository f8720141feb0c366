"""Converts pickled scikit-learn models to ONNX. Unpickling runs code in them."""

from __future__ import annotations

import importlib
import os
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from . import arrays, from_onnx
from .arrays import Arrays, ConversionRefused, InputTensor

# Supported by every ONNX Runtime for Heroku's Pythons.
_OPSETS = {"": 17, "ai.onnx.ml": 3}


def convert(request: Mapping[str, Any]) -> dict[str, Any]:
    model, notes = _load(request["source"])
    tensors = [_input(model)]
    onnx = _to_onnx(model, tensors[0])
    plain = request["result"]
    if request["quantize"] != "none":
        plain = os.path.join(request["work"], "plain.onnx")
    Path(plain).write_bytes(onnx.SerializeToString())
    _, names = from_onnx.open_model(plain)

    def run(batch: Arrays) -> dict[str, Any]:
        found = _predict(model, batch["X"])
        return dict(zip(names, found, strict=True))

    facts = arrays.record_outputs(request, tensors, run)
    if plain != request["result"]:
        from_onnx.quantize(plain, request, tensors)
    return {**facts, "notes": notes}


def _load(file: str) -> tuple[Any, list[str]]:
    """The model, and scikit-learn's warnings about version differences."""
    joblib: Any = importlib.import_module("joblib")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model = joblib.load(file)
    if not hasattr(model, "n_features_in_"):
        raise ConversionRefused("unsupported", f"the pickle contains a {type(model).__name__}")
    messages = [" ".join(str(w.message).split()) for w in caught]
    return model, sorted({text.partition(". ")[0] for text in messages if "unpickle" in text})


def _input(model: Any) -> InputTensor:
    return InputTensor("X", "float32", (None, int(model.n_features_in_)))


def _to_onnx(model: Any, tensor: InputTensor) -> Any:
    tools: Any = importlib.import_module("skl2onnx")
    types: Any = importlib.import_module("skl2onnx.common.data_types")
    initial = [(tensor.name, types.FloatTensorType(list(tensor.shape or ())))]
    # Probabilities as an array, not as a list of mappings (ZipMap).
    options = {id(model): {"zipmap": False}} if hasattr(model, "predict_proba") else None
    return tools.to_onnx(model, initial_types=initial, target_opset=_OPSETS, options=options)


def _predict(model: Any, rows: Any) -> list[Any]:
    """The ONNX model's outputs, in order: labels and probabilities, or values in a column."""
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
    """One column per class, also for two classes."""
    scores = np.asarray(scores, "float32")
    return np.column_stack([-scores, scores]) if scores.ndim == 1 else scores

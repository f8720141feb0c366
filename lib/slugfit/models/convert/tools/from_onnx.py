"""ONNX models become smaller ONNX models."""

from __future__ import annotations

import importlib
import logging
import os
from collections.abc import Mapping
from typing import Any

from . import arrays
from .arrays import Arrays, Tensor

_DTYPES = {"float": "float32", "double": "float64"}
_ERRORS_ONLY = 3
_PER_CHANNEL_SINCE = 13  # opset


def convert(asked: Mapping[str, Any]) -> dict[str, Any]:
    session = _open(asked["source"])
    tensors, names = _described(session)

    def run(batch: Arrays) -> dict[str, Any]:
        return dict(zip(names, session.run(names, batch), strict=True))

    facts = arrays.note_answers(asked, tensors, run)
    quantize(asked["source"], asked, tensors)
    return facts


def _open(file: str) -> Any:
    runtime: Any = importlib.import_module("onnxruntime")
    options = runtime.SessionOptions()
    options.log_severity_level = _ERRORS_ONLY
    return runtime.InferenceSession(file, options, providers=["CPUExecutionProvider"])


def quantize(source: str, asked: Mapping[str, Any], tensors: list[Tensor]) -> None:
    """Write the result of what `source` is, which has to be quantized somehow."""
    onnx: Any = importlib.import_module("onnx")
    logging.disable(logging.WARNING)  # advice that nobody here can follow
    model = onnx.load(source)
    # Shapes that exporters have noted can be of another time than the weights are.
    del model.graph.value_info[:]
    bare = os.path.join(asked["work"], "bare.onnx")
    onnx.save(model, bare)
    ways = {"float16": _to_float16, "dynamic": _to_dynamic, "int8": _to_int8}
    ways[asked["quantize"]](bare, asked, tensors)


def _to_float16(source: str, asked: Mapping[str, Any], tensors: list[Tensor]) -> None:
    onnx: Any = importlib.import_module("onnx")
    float16: Any = importlib.import_module("onnxruntime.transformers.float16")
    # Inputs and outputs stay as they are: so does the app.
    smaller = float16.convert_float_to_float16(onnx.load(source), keep_io_types=True)
    onnx.save(smaller, asked["result"])


def _to_dynamic(source: str, asked: Mapping[str, Any], tensors: list[Tensor]) -> None:
    tools: Any = importlib.import_module("onnxruntime.quantization")
    # Unsigned: signed weights overflow on processors without VNNI, and ONNX Runtime has no
    # convolution for them.
    tools.quantize_dynamic(source, asked["result"], weight_type=tools.QuantType.QUInt8)


def _to_int8(source: str, asked: Mapping[str, Any], tensors: list[Tensor]) -> None:
    onnx: Any = importlib.import_module("onnx")
    tools: Any = importlib.import_module("onnxruntime.quantization")
    samples = arrays.read(asked["representative"], "convert.representative", tensors)
    prepared = os.path.join(asked["work"], "prepared.onnx")
    steps: Any = importlib.import_module("onnxruntime.quantization.shape_inference")
    steps.quant_pre_process(source, prepared, skip_symbolic_shape=True)
    opsets = {entry.domain: entry.version for entry in onnx.load(prepared).opset_import}

    class Reader(tools.CalibrationDataReader):  # type: ignore[misc] # of a module that is Any
        def __init__(self) -> None:
            self.batches = arrays.batches(samples, tensors)

        def get_next(self) -> Arrays | None:
            return next(self.batches, None)

    tools.quantize_static(
        prepared,
        asked["result"],
        Reader(),
        per_channel=opsets.get("", 0) >= _PER_CHANNEL_SINCE,
        weight_type=tools.QuantType.QInt8,
        activation_type=tools.QuantType.QInt8,
        # It takes the scale for one number, which it is not for each channel.
        extra_options={"QDQDisableWeightAdjustForInt32Bias": True},
    )


def _tensor(node: Any) -> Tensor:
    dtype = node.type.removeprefix("tensor(").removesuffix(")")
    return Tensor(node.name, _DTYPES.get(dtype, dtype), arrays.shape_of(node.shape))


def _described(session: Any) -> tuple[list[Tensor], list[str]]:
    return list(map(_tensor, session.get_inputs())), [n.name for n in session.get_outputs()]


def open_model(file: str) -> tuple[list[Tensor], list[str]]:
    """The inputs and the names of the outputs of what another tool has written."""
    return _described(_open(file))

"""Quantizes ONNX models."""

from __future__ import annotations

import importlib
import logging
import os
from collections.abc import Mapping
from typing import Any

from . import arrays
from .arrays import Arrays, InputTensor

_DTYPES = {"float": "float32", "double": "float64"}
_ERRORS_ONLY = 3
_PER_CHANNEL_SINCE = 13  # opset


def convert(request: Mapping[str, Any]) -> dict[str, Any]:
    session = _open(request["source"])
    tensors, names = _described(session)

    def run(batch: Arrays) -> dict[str, Any]:
        return dict(zip(names, session.run(names, batch), strict=True))

    facts = arrays.record_outputs(request, tensors, run)
    quantize(request["source"], request, tensors)
    return facts


def _open(file: str) -> Any:
    runtime: Any = importlib.import_module("onnxruntime")
    options = runtime.SessionOptions()
    options.log_severity_level = _ERRORS_ONLY
    return runtime.InferenceSession(file, options, providers=["CPUExecutionProvider"])


def quantize(source: str, request: Mapping[str, Any], tensors: list[InputTensor]) -> None:
    """Quantize `source` and write the result."""
    onnx: Any = importlib.import_module("onnx")
    logging.disable(logging.WARNING)  # advice that does not apply here
    model = onnx.load(source)
    # Shapes noted by exporters can be outdated.
    del model.graph.value_info[:]
    bare = os.path.join(request["work"], "bare.onnx")
    onnx.save(model, bare)
    quantizers = {"float16": _to_float16, "dynamic": _to_dynamic, "int8": _to_int8}
    quantizers[request["quantize"]](bare, request, tensors)


def _to_float16(source: str, request: Mapping[str, Any], tensors: list[InputTensor]) -> None:
    onnx: Any = importlib.import_module("onnx")
    float16: Any = importlib.import_module("onnxruntime.transformers.float16")
    # Inputs and outputs keep their types, so that the app need not change.
    smaller = float16.convert_float_to_float16(onnx.load(source), keep_io_types=True)
    onnx.save(smaller, request["result"])


def _to_dynamic(source: str, request: Mapping[str, Any], tensors: list[InputTensor]) -> None:
    tools: Any = importlib.import_module("onnxruntime.quantization")
    # Unsigned: signed weights overflow on processors without VNNI, and ONNX Runtime has no
    # convolution kernel for them.
    tools.quantize_dynamic(source, request["result"], weight_type=tools.QuantType.QUInt8)


def _to_int8(source: str, request: Mapping[str, Any], tensors: list[InputTensor]) -> None:
    onnx: Any = importlib.import_module("onnx")
    tools: Any = importlib.import_module("onnxruntime.quantization")
    samples = arrays.read(request["representative"], "convert.representative", tensors)
    prepared = os.path.join(request["work"], "prepared.onnx")
    steps: Any = importlib.import_module("onnxruntime.quantization.shape_inference")
    steps.quant_pre_process(source, prepared, skip_symbolic_shape=True)
    opsets = {entry.domain: entry.version for entry in onnx.load(prepared).opset_import}

    class CalibrationReader(tools.CalibrationDataReader):  # type: ignore[misc] # of a module that is Any
        def __init__(self) -> None:
            self.batches = arrays.batches(samples, tensors)

        def get_next(self) -> Arrays | None:
            return next(self.batches, None)

    tools.quantize_static(
        prepared,
        request["result"],
        CalibrationReader(),
        per_channel=opsets.get("", 0) >= _PER_CHANNEL_SINCE,
        weight_type=tools.QuantType.QInt8,
        activation_type=tools.QuantType.QInt8,
        # Products of 8-bit weights overflow on processors without VNNI, and no one knows which
        # one a dyno will have: seven bits fit everywhere.
        reduce_range=True,
        # The adjustment assumes a scalar scale, and per_channel has one for each channel.
        extra_options={"QDQDisableWeightAdjustForInt32Bias": True},
    )


def _tensor(node: Any) -> InputTensor:
    dtype = node.type.removeprefix("tensor(").removesuffix(")")
    return InputTensor(node.name, _DTYPES.get(dtype, dtype), arrays.shape_of(node.shape))


def _described(session: Any) -> tuple[list[InputTensor], list[str]]:
    return list(map(_tensor, session.get_inputs())), [n.name for n in session.get_outputs()]


def open_model(file: str) -> tuple[list[InputTensor], list[str]]:
    """The inputs and the output names of an ONNX file."""
    return _described(_open(file))

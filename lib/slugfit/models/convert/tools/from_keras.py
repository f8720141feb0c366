"""Converts Keras models and SavedModels to TensorFlow Lite."""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from . import arrays
from .arrays import Arrays, ConversionRefused, InputTensor

_ENDINGS = {"keras": ".keras", "hdf5": ".h5"}
_MAX_REPRESENTATIVE = 500
_NEEDS_LENGTHS = "TensorList"


def convert(request: Mapping[str, Any]) -> dict[str, Any]:
    tf: Any = importlib.import_module("tensorflow")
    model = None if request["format"] == "saved-model" else _load(request)
    directory = request["source"]
    if model is not None:
        directory = os.path.join(request["work"], "saved-model")
        model.export(directory)
    key, signature = _signature(tf.saved_model.load(directory))
    specs = signature.structured_input_signature[1]
    tensors = [_tensor(name, specs[name]) for name in sorted(specs, key=arrays.natural)]

    def run(batch: Arrays) -> dict[str, Any]:
        found = signature(**{name: tf.constant(array) for name, array in batch.items()})
        return {name: found[name].numpy() for name in sorted(found, key=arrays.natural)}

    # First, because it detects samples that do not match.
    facts = arrays.record_outputs(request, tensors, run)
    try:
        lite = _convert(tf, request, tensors, (directory, key))
    except Exception as error:
        if model is None or _NEEDS_LENGTHS not in str(error):
            raise
        lite = _convert(tf, request, tensors, _export_for_single_samples(request, model))
    Path(request["result"]).write_bytes(lite)
    return facts


def _export_for_single_samples(request: Mapping[str, Any], model: Any) -> tuple[str, str]:
    """Export for single samples: recurrent layers can't be converted with a dynamic batch size."""
    keras: Any = importlib.import_module("keras")
    specs = [
        keras.InputSpec(shape=(1, *tensor.shape[1:]), dtype=tensor.dtype, name=tensor.name)
        for tensor in model.inputs
    ]
    directory = os.path.join(request["work"], "single")
    model.export(directory, input_signature=specs if len(specs) == 1 else [specs])
    return directory, "serving_default"


def _convert(
    tf: Any, request: Mapping[str, Any], tensors: list[InputTensor], saved: tuple[str, str]
) -> bytes:
    directory, key = saved
    converter = tf.lite.TFLiteConverter.from_saved_model(directory, signature_keys=[key])
    _quantize(tf, converter, request, tensors)
    lite: bytes = converter.convert()
    return lite


def _load(request: Mapping[str, Any]) -> Any:
    """The model, loaded by Keras 3 or else by Keras 2."""
    named = os.path.join(request["work"], f"model{_ENDINGS[request['format']]}")
    os.symlink(request["source"], named)  # Keras relies on the extension
    keras = importlib.import_module("keras")
    try:
        return keras.models.load_model(named, compile=False, safe_mode=not request["allow_code"])
    except Exception as error:
        if _needs_trust(str(error)):
            raise ConversionRefused(
                "pickle-not-allowed", "a Lambda layer, which contains code"
            ) from error
        try:
            models = importlib.import_module("tf_keras").models
            return models.load_model(named, compile=False, safe_mode=not request["allow_code"])
        except Exception:
            raise error from None


def _needs_trust(message: str) -> bool:
    return "safe_mode" in message or "unsafe deserialization" in message.lower()


def _signature(loaded: Any) -> tuple[str, Any]:
    """The serving signature, or the only one. Raises ConversionRefused."""
    signatures = dict(loaded.signatures)
    keys = ["serving_default"] if "serving_default" in signatures else sorted(signatures)
    if len(keys) != 1:
        raise ConversionRefused("unsupported", f"signatures: {', '.join(keys) or 'none'}")
    return keys[0], signatures[keys[0]]


def _tensor(name: str, spec: Any) -> InputTensor:
    rank = spec.shape.rank
    return InputTensor(name, spec.dtype.name, arrays.shape_of(list(spec.shape)) if rank else None)


def _quantize(
    tf: Any, converter: Any, request: Mapping[str, Any], tensors: list[InputTensor]
) -> None:
    quantize = request["quantize"]
    # Per-channel quantization needs a FULLY_CONNECTED version that tflite-runtime lacks.
    converter._experimental_disable_per_channel_quantization_for_dense_layers = True
    if quantize == "none":
        return
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if quantize == "float16":
        converter.target_spec.supported_types = [tf.float16]
    if quantize == "int8":
        samples = arrays.read(request["representative"], "convert.representative", tensors)

        def representative() -> Iterator[Arrays]:
            for number, batch in enumerate(arrays.batches(samples, tensors, 1)):
                if number < _MAX_REPRESENTATIVE:
                    yield batch

        converter.representative_dataset = representative
        builtins = tf.lite.OpsSet
        # Operations without an int8 kernel stay in float.
        converter.target_spec.supported_ops = [
            builtins.TFLITE_BUILTINS_INT8,
            builtins.TFLITE_BUILTINS,
        ]

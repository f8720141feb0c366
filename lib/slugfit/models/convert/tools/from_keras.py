"""Keras models and SavedModels become TensorFlow Lite."""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from . import arrays
from .arrays import Arrays, Refused, Tensor

_ENDINGS = {"keras": ".keras", "hdf5": ".h5"}
_MOST_REPRESENTATIVE = 500
_NEEDS_LENGTHS = "TensorList"


def convert(asked: Mapping[str, Any]) -> dict[str, Any]:
    tf: Any = importlib.import_module("tensorflow")
    model = None if asked["format"] == "saved-model" else _load(asked)
    directory = asked["source"]
    if model is not None:
        directory = os.path.join(asked["work"], "saved-model")
        model.export(directory)
    key, signature = _signature(tf.saved_model.load(directory))
    specs = signature.structured_input_signature[1]
    tensors = [_tensor(name, specs[name]) for name in sorted(specs, key=arrays.natural)]

    def run(batch: Arrays) -> dict[str, Any]:
        found = signature(**{name: tf.constant(array) for name, array in batch.items()})
        return {name: found[name].numpy() for name in sorted(found, key=arrays.natural)}

    # First what tells early that the data do not fit.
    facts = arrays.note_answers(asked, tensors, run)
    try:
        lite = _convert(tf, asked, tensors, (directory, key))
    except Exception as error:
        if model is None or _NEEDS_LENGTHS not in str(error):
            raise
        lite = _convert(tf, asked, tensors, _export_for_single_samples(asked, model))
    Path(asked["result"]).write_bytes(lite)
    return facts


def _export_for_single_samples(asked: Mapping[str, Any], model: Any) -> tuple[str, str]:
    """The same model, for one sample at once: for any number, recurrent layers have no way."""
    keras: Any = importlib.import_module("keras")
    specs = [
        keras.InputSpec(shape=(1, *tensor.shape[1:]), dtype=tensor.dtype, name=tensor.name)
        for tensor in model.inputs
    ]
    directory = os.path.join(asked["work"], "single")
    model.export(directory, input_signature=specs if len(specs) == 1 else [specs])
    return directory, "serving_default"


def _convert(
    tf: Any, asked: Mapping[str, Any], tensors: list[Tensor], saved: tuple[str, str]
) -> bytes:
    directory, key = saved
    converter = tf.lite.TFLiteConverter.from_saved_model(directory, signature_keys=[key])
    _quantize(tf, converter, asked, tensors)
    lite: bytes = converter.convert()
    return lite


def _load(asked: Mapping[str, Any]) -> Any:
    """The model, by Keras 3, or else by the Keras 2 that it may come from."""
    named = os.path.join(asked["work"], f"model{_ENDINGS[asked['format']]}")
    os.symlink(asked["source"], named)  # Keras goes by the ending
    keras = importlib.import_module("keras")
    try:
        return keras.models.load_model(named, compile=False, safe_mode=not asked["allow_pickle"])
    except Exception as error:
        if _needs_trust(str(error)):
            raise Refused("pickle-not-allowed", "a Lambda layer, which is code") from error
        try:
            return importlib.import_module("tf_keras").models.load_model(named, compile=False)
        except Exception:
            raise error from None


def _needs_trust(said: str) -> bool:
    return "safe_mode" in said or "unsafe deserialization" in said.lower()


def _signature(loaded: Any) -> tuple[str, Any]:
    """What serves, or the only one."""
    signatures = dict(loaded.signatures)
    keys = ["serving_default"] if "serving_default" in signatures else sorted(signatures)
    if len(keys) != 1:
        raise Refused("unsupported", f"signatures: {', '.join(keys) or 'none'}")
    return keys[0], signatures[keys[0]]


def _tensor(name: str, spec: Any) -> Tensor:
    rank = spec.shape.rank
    return Tensor(name, spec.dtype.name, arrays.shape_of(list(spec.shape)) if rank else None)


def _quantize(tf: Any, converter: Any, asked: Mapping[str, Any], tensors: list[Tensor]) -> None:
    quantize = asked["quantize"]
    # With it, fully connected layers get a version that tflite-runtime does not know.
    converter._experimental_disable_per_channel_quantization_for_dense_layers = True
    if quantize == "none":
        return
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if quantize == "float16":
        converter.target_spec.supported_types = [tf.float16]
    if quantize == "int8":
        samples = arrays.read(asked["representative"], "convert.representative", tensors)

        def representative() -> Iterator[Arrays]:
            for number, batch in enumerate(arrays.batches(samples, tensors, 1)):
                if number < _MOST_REPRESENTATIVE:
                    yield batch

        converter.representative_dataset = representative
        builtins = tf.lite.OpsSet
        # What has no kernel for int8 stays as it is.
        converter.target_spec.supported_ops = [
            builtins.TFLITE_BUILTINS_INT8,
            builtins.TFLITE_BUILTINS,
        ]

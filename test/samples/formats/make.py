"""Make a small real file of each format, for the tests of slugfit.models.formats.

To make them again, with CPython 3.11, from this folder. PyTorch and TensorFlow are large, and each
has an environment of its own:

    python3.11 -m venv /tmp/formats && /tmp/formats/bin/pip install torch==2.13.0 onnx==1.23.2 \\
        onnxscript==0.7.2 skl2onnx==1.20.0 scikit-learn==1.9.1 joblib==1.6.0 safetensors==0.8.0 \\
        gguf==0.19.0 lightgbm==4.7.0 xgboost-cpu==3.0.5
    /tmp/formats/bin/python make.py torch
    python3.11 -m venv /tmp/formats-tf && /tmp/formats-tf/bin/pip install tensorflow-cpu==2.21.0
    /tmp/formats-tf/bin/python make.py tensorflow

XGBoost 3.0 is the last one that writes its old binary format. The tests ask for shapes, names and
versions, not for particular weights: training again does not break them.
"""

from __future__ import annotations

import pickle
import sys
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
FEATURES, CLASSES = 8, 3
GENERATOR = np.random.default_rng(2026)


def make_torch() -> None:
    """TorchScript, checkpoints new and old, an exported program, and ONNX."""
    import torch  # noqa: PLC0415 (each environment has its own)

    model = torch.nn.Linear(FEATURES, CLASSES).eval()
    example = (torch.zeros(1, FEATURES),)
    torch.jit.script(model).save(HERE / "linear_scripted.pt")  # a trace has this file's path
    torch.save(model.state_dict(), HERE / "linear_state.pth")
    torch.save(model.state_dict(), HERE / "linear_legacy.bin", _use_new_zipfile_serialization=False)
    torch.export.save(torch.export.export(model, example), HERE / "linear_exported.pt2")
    names = {"input_names": ["pixels"], "output_names": ["scores"]}
    axes = {"pixels": {0: "batch"}, "scores": {0: "batch"}}
    torch.onnx.export(
        model, example, HERE / "linear.onnx", dynamo=False, dynamic_axes=axes, **names
    )


def make_onnx() -> None:
    """The same with its weights in another file."""
    import onnx  # noqa: PLC0415

    (HERE / "external.onnx.data").unlink(missing_ok=True)
    onnx.save(
        onnx.load(HERE / "linear.onnx"),
        HERE / "external.onnx",
        save_as_external_data=True,
        location="external.onnx.data",
        size_threshold=0,
    )


def make_small() -> None:
    """What is no more than tensors and a header."""
    import gguf  # noqa: PLC0415
    from safetensors.numpy import save_file  # noqa: PLC0415

    weights = GENERATOR.random((CLASSES, 32), dtype=np.float32)
    save_file(
        {"bias": weights[0], "weight": weights}, HERE / "linear.safetensors", {"format": "np"}
    )
    writer = gguf.GGUFWriter(HERE / "linear.gguf", "llama")
    writer.add_name("linear")
    writer.add_token_list(["zero", "one", "two"])
    writer.add_tensor("bias", weights[0])
    kind = gguf.GGMLQuantizationType.Q8_0
    writer.add_tensor("weight", gguf.quants.quantize(weights, kind), raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def make_learned() -> None:
    """scikit-learn's by pickle and joblib, and boosters in their own formats."""
    import joblib  # noqa: PLC0415
    import lightgbm  # noqa: PLC0415
    import xgboost  # noqa: PLC0415
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415

    samples = GENERATOR.random((60, FEATURES))
    labels = np.arange(60) % CLASSES
    logistic = LogisticRegression().fit(samples, labels)
    (HERE / "logistic.pkl").write_bytes(pickle.dumps(logistic))
    joblib.dump(logistic, HERE / "logistic.joblib")
    for method in ("zlib", "gzip", "bz2", "xz", "lzma"):
        joblib.dump(logistic, HERE / f"logistic_{method}.joblib", compress=(method, 3))
    booster = xgboost.train({"max_depth": 2}, xgboost.DMatrix(samples, labels), 2)
    for name in ("boosted.json", "boosted.ubj"):
        booster.save_model(HERE / name)
    (HERE / "boosted.model").write_bytes(booster.save_raw("deprecated"))
    parameters = {"num_leaves": 3, "min_data_in_leaf": 5, "verbose": -1}
    lightgbm.train(parameters, lightgbm.Dataset(samples, labels), 3).save_model(
        HERE / "boosted.txt"
    )


def make_tensorflow() -> None:
    """Keras in its zip and in HDF5, a SavedModel, and what TFLite makes of it."""
    import keras  # noqa: PLC0415
    import tensorflow as tf  # noqa: PLC0415

    layers = [keras.Input((FEATURES,), name="pixels"), keras.layers.Dense(CLASSES)]
    model = keras.Sequential(layers)
    model.save(HERE / "dense.keras")
    model.save(HERE / "dense.h5")
    model.save_weights(HERE / "dense.weights.h5")
    # Keras saves bytecode, and in it the name of the file that it comes from.
    double = eval(compile("lambda x: x * 2", "lambda", "eval"))  # noqa: S307 (a constant)
    with_lambda = keras.Sequential([*layers, keras.layers.Lambda(double)])
    with_lambda.save(HERE / "lambda.keras")
    with_lambda.save(HERE / "lambda.h5")
    model.export(HERE / "dense_saved", verbose=False)

    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = tf.int8
    batches = GENERATOR.random((9, 1, FEATURES), dtype=np.float32)
    converter.representative_dataset = lambda: ([batch] for batch in batches)
    (HERE / "dense_int8.tflite").write_bytes(converter.convert())
    make_flex(tf)


def make_flex(tf) -> None:  # type: ignore[no-untyped-def]
    """A TFLite model with an op that only TensorFlow has."""
    tangent = tf.function(tf.math.tan, input_signature=[tf.TensorSpec([None, 4], name="angles")])
    converter = tf.lite.TFLiteConverter.from_concrete_functions(
        [tangent.get_concrete_function()], tangent
    )
    flex = [tf.lite.OpsSet.TFLITE_BUILTINS, tf.lite.OpsSet.SELECT_TF_OPS]
    converter.target_spec.supported_ops = flex
    (HERE / "tangent_flex.tflite").write_bytes(converter.convert())


if __name__ == "__main__":
    if sys.argv[1:] == ["tensorflow"]:
        make_tensorflow()
    else:
        make_torch()
        make_onnx()
        make_small()
        make_learned()

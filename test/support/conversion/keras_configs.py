"""Run by tests with the conversion tools on sys.path: writes what Keras and h5py write.

python keras_configs.py DIRECTORY
"""

from __future__ import annotations

import inspect
import json
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

h5py: Any = import_module("h5py")
keras: Any = import_module("keras")
np: Any = import_module("numpy")

LATE = 9 << 20  # bytes of weights before the configuration


def config(layer: dict[str, Any]) -> str:
    first = {"class_name": "InputLayer", "config": {"batch_shape": [None, 4]}}
    return json.dumps({"class_name": "Sequential", "config": {"layers": [first, layer]}})


LAMBDA = config({"class_name": "Lambda", "config": {"function": ["4wAA", None, None]}})
DENSE = config({"class_name": "Dense", "config": {"units": 2}})


def hdf5(file: Path, text: Any, *, late: bool = False, others: int = 0, **options: Any) -> None:
    with h5py.File(file, "w", **options) as opened:
        if late:
            opened.create_dataset("weights", data=np.ones(LATE // 8))
        for number in range(others):
            opened.attrs[f"other{number}"] = "x" * number
        opened.attrs["model_config"] = text


def all_layers(directory: Path) -> None:
    """The configuration of each layer that Keras can make from these arguments."""
    given: dict[str, Any] = {
        "units": 2, "filters": 2, "kernel_size": 3, "num_heads": 2, "key_dim": 2, "rate": 0.1,
        "input_dim": 3, "output_dim": 2, "target_shape": (2, 2), "dims": (2, 1), "n": 2,
        "layer": keras.layers.LSTM(2), "cell": keras.layers.LSTMCell(2), "axis": -1,
        "height": 4, "width": 4, "num_bins": 3, "num_tokens": 3, "factor": 0.1, "scale": 2.0,
        "activation": "relu", "head_dim": 2, "num_query_heads": 2, "num_key_value_heads": 2,
        "equation": "ab,bc->ac", "output_shape": 2, "groups": 1, "stddev": 0.1,
    }  # fmt: skip
    found = {}
    for name in sorted(dir(keras.layers)):
        cls = getattr(keras.layers, name)
        try:
            wanted = inspect.signature(cls).parameters.values()
            needed = [p.name for p in wanted if p.default is p.empty and p.kind < p.VAR_POSITIONAL]
            layer = cls(**{each: given[each] for each in needed})
            found[name] = keras.saving.serialize_keras_object(layer)
        except Exception:  # noqa: S112 (others need more than these arguments)
            continue
    (directory / "layers.json").write_text(json.dumps(found))


def models(directory: Path) -> None:
    """Models as people build them: operations on tensors, normalization, custom parts."""
    inputs = keras.Input((8, 8, 3), name="image")
    hidden = keras.layers.Rescaling(1 / 255)(inputs)
    hidden = keras.layers.Conv2D(4, 3, activation="relu", kernel_regularizer="l2")(hidden)
    hidden = keras.ops.mean(hidden, axis=(1, 2)) + 1.0
    outputs = keras.layers.Dense(2, activation=keras.activations.softmax)(hidden)
    model = keras.Model(inputs, outputs)
    model.compile(optimizer="adam", loss=lambda a, b: keras.ops.mean(a - b), metrics=["accuracy"])
    model.save(directory / "functional.keras")

    own = type("Own", (keras.layers.Layer,), {"call": lambda self, x: x})
    keras.saving.register_keras_serializable(package="shop")(own)
    keras.Sequential([keras.Input((2,)), own()]).save(directory / "own.keras")
    words = keras.layers.StringLookup(vocabulary=["a", "b"])
    keras.Sequential([keras.Input((1,), dtype="string"), words]).save(directory / "words.keras")


def main(directory: Path) -> None:
    escaped = LAMBDA.replace("Lambda", "L\\u0061mbda")
    hdf5(directory / "dense.h5", DENSE)
    hdf5(directory / "dense_late.h5", DENSE, late=True)
    hdf5(directory / "lambda.h5", LAMBDA)
    hdf5(directory / "late.h5", LAMBDA, late=True)
    hdf5(directory / "escaped.h5", escaped)
    hdf5(directory / "bytes.h5", np.bytes_(LAMBDA.encode()))
    hdf5(directory / "latest.h5", LAMBDA, libver="latest")
    hdf5(directory / "userblock.h5", LAMBDA, userblock_size=1024)
    hdf5(directory / "crowded.h5", LAMBDA, others=30)
    hdf5(directory / "heap.h5", DENSE, others=30, libver="latest")
    hdf5(directory / "no_json.h5", DENSE[:-1])
    with h5py.File(directory / "two_names.h5", "w") as opened:
        opened.attrs["model_confi2"] = DENSE
        opened.attrs["model_config"] = LAMBDA
    all_layers(directory)
    models(directory)
    sys.stdout.write(json.dumps({"files": len(list(directory.iterdir()))}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))

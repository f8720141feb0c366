"""What of a Keras model is code: decided on what was parsed, wherever and however it is written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slugfit.models.formats import inspect
from slugfit.models.formats.keras_code import UNREADABLE, code_in
from support.conversions import SCRIPTS, CachedToolbox, run_child

LAYER = {"module": "keras.layers", "class_name": "Dense", "config": {"units": 2}}


def _operation(function: str) -> dict[str, Any]:
    return {"class_name": "TFOpLambda", "config": {"function": function}}


def _lookup(vocabulary: object) -> dict[str, Any]:
    return {"class_name": "StringLookup", "config": {"vocabulary": vocabulary}}


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files that the real Keras and h5py wrote."""
    directory = tmp_path_factory.mktemp("keras")
    tools = CachedToolbox().provide("tensorflow", 600)
    run_child(SCRIPTS / "keras_configs.py", [tools], str(directory))
    return directory


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("dense.h5", ""),
        ("dense_late.h5", ""),
        ("lambda.h5", "a Lambda layer"),
        ("late.h5", "a Lambda layer"),
        ("escaped.h5", "a Lambda layer"),
        ("bytes.h5", "a Lambda layer"),
        ("latest.h5", "a Lambda layer"),
        ("userblock.h5", "a Lambda layer"),
        ("crowded.h5", "a Lambda layer"),
        ("heap.h5", UNREADABLE),
        ("no_json.h5", UNREADABLE),
        ("functional.keras", ""),
        ("words.keras", ""),
        ("own.keras", "the class shop>Own"),
    ],
)
def test_code_is_found_wherever_it_is_written(written: Path, name: str, code: str) -> None:
    assert inspect(written / name, name).code == code


def test_keras_own_layers_are_no_code(written: Path) -> None:
    layers = json.loads((written / "layers.json").read_text())
    assert len(layers) > 90
    found = {name: code_in(json.dumps(layer).encode()) for name, layer in layers.items()}
    assert {name: code for name, code in found.items() if code} == {}


def test_a_second_configuration_is_not_overlooked(written: Path, tmp_path: Path) -> None:
    """Whichever of two a library takes, the file is not opened."""
    twice = tmp_path / "twice.h5"
    content = (written / "two_names.h5").read_bytes()
    twice.write_bytes(content.replace(b"model_confi2", b"model_config"))
    assert inspect(twice, "twice.h5").code == UNREADABLE


@pytest.mark.parametrize(
    ("entry", "code"),
    [
        (LAYER, ""),
        ({**LAYER, "module": "keras.src.models.functional"}, ""),
        ({**LAYER, "module": "tensorflow.python.keras.engine.sequential"}, ""),
        ({**LAYER, "registered_name": "Dense"}, ""),
        ({**LAYER, "module": None, "registered_name": None}, ""),
        ({"class_name": "__tuple__", "items": [1, 2]}, ""),
        ({**LAYER, "module": "os", "class_name": "system"}, "the class os.system"),
        ({**LAYER, "module": "keras.utils"}, "the class keras.utils.Dense"),
        ({**LAYER, "module": "keras", "class_name": "open"}, "the class keras.open"),
        ({**LAYER, "module": "keras.src.saving.a"}, "the class keras.src.saving.a.Dense"),
        ({**LAYER, "module": "kerasx.layers"}, "the class kerasx.layers.Dense"),
        ({**LAYER, "registered_name": "shop>Dense"}, "the class shop>Dense"),
        ({"class_name": "shop>Own", "config": {}}, "the class shop>Own"),
        ({"class_name": "function", "config": "exec", "module": "builtins"}, "the function exec"),
        ({"class_name": "__lambda__", "config": {"value": "4w=="}}, "a lambda"),
        ({"class_name": "TorchModuleWrapper", "config": {}}, "a pickled PyTorch module"),
        ({"class_name": "TFSMLayer", "config": {}}, "a SavedModel from elsewhere"),
        (_operation("math.add"), ""),
        (_operation("tf.__operators__.getitem"), ""),
        (_operation("io.write_file"), "the function tf.io.write_file"),
        (_operation("py_function"), "the function tf.py_function"),
        (_operation("raw_ops.WriteFile"), "the function tf.raw_ops.WriteFile"),
        ({"class_name": "TFOpLambda", "config": {}}, UNREADABLE),
        ({"class_name": ["Lambda"], "config": {}}, UNREADABLE),
        (_lookup("/etc/passwd"), "the file /etc/passwd to read"),
        (_lookup(["a"]), ""),
    ],
)  # fmt: skip
def test_an_object_is_known_or_counts_as_code(entry: dict[str, Any], code: str) -> None:
    assert code_in(json.dumps(entry).encode()) == code
    deep: Any = entry
    for level in range(40):
        deep = {"config": {"layers": [1, deep]}} if level % 2 else [{"a": deep}]
    assert code_in(json.dumps({"config": deep}).encode()) == code


def test_what_only_training_needs_is_not_looked_at() -> None:
    loss = {"class_name": "function", "config": "my_loss", "module": "builtins"}
    assert code_in(json.dumps({**LAYER, "compile_config": {"loss": loss}}).encode()) == ""
    inner = {"config": {**LAYER, "compile_config": {"loss": loss}}}
    assert code_in(json.dumps(inner).encode()) == "the function my_loss"


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"{", b"\xff", b"[" * 100_000, b'{"a":' * 100_000, b"null"]
)
def test_what_can_not_be_read_completely_counts_as_code(content: bytes) -> None:
    assert code_in(content) == UNREADABLE


@given(st.binary(max_size=200))
def test_any_bytes_are_judged(content: bytes) -> None:
    assert isinstance(code_in(content), str)

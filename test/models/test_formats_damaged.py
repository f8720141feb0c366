"""Incomplete and inconsistent models: the message says what is wrong with each."""

from __future__ import annotations

import json
import shutil
import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from slugfit.models.formats import ModelDamaged, inspect
from support.build_log import error_text
from support.paths import DIGITS, SAMPLES

FORMATS = SAMPLES / "formats"


def damage(path: Path, shown: str = "") -> ModelDamaged:
    with pytest.raises(ModelDamaged) as failure:
        inspect(path, shown or path.name)
    return failure.value


def problem(sample: str, change: Callable[[bytes], bytes], folder: Path) -> str:
    """What is said of a sample after a change, with its format."""
    path = folder / sample
    path.write_bytes(change((FORMATS / sample).read_bytes()))
    failure = damage(path)
    return f"{failure.title}: {failure.broken}"


def cut(share: float) -> Callable[[bytes], bytes]:
    return lambda content: content[: int(len(content) * share)]


def replaced(old: bytes, new: bytes) -> Callable[[bytes], bytes]:
    def change(content: bytes) -> bytes:
        assert old in content
        return content.replace(old, new)

    return change


def put(at: int, new: bytes) -> Callable[[bytes], bytes]:
    return lambda content: content[:at] + new + content[at + len(new) :]


END_OF_ZIP = "the zip is truncated: its directory is missing"
NO_END = "the compressed data is truncated"


@pytest.mark.parametrize(
    ("sample", "said"),
    [
        ("linear.onnx", "ONNX: the model should extend to byte 329"),
        ("dense_int8.tflite", "TensorFlow Lite: a part of the file should extend to byte 622"),
        ("linear_scripted.pt", f"PyTorch: {END_OF_ZIP}"),
        ("linear_state.pth", f"PyTorch: {END_OF_ZIP}"),
        ("linear_exported.pt2", f"PyTorch: {END_OF_ZIP}"),
        ("linear_legacy.bin", "PyTorch checkpoint: a part of the file should extend to byte 315"),
        ("dense.keras", f"Keras: {END_OF_ZIP}"),
        ("dense.h5", "HDF5: the file should extend to byte 13,432"),
        ("linear.safetensors", 'safetensors: tensor "weight" should extend to byte 680'),
        ("linear.gguf", 'GGUF: tensor "bias" should extend to byte 416'),
        ("logistic.pkl", "pickle: it is truncated"),
        ("logistic.joblib", "pickle: it is truncated"),
        ("logistic_zlib.joblib", f"pickle: {NO_END}"),
        ("logistic_gzip.joblib", f"pickle: {NO_END}"),
        ("logistic_bz2.joblib", f"pickle: {NO_END}"),
        ("logistic_xz.joblib", f"pickle: {NO_END}"),
        ("logistic_lzma.joblib", f"pickle: {NO_END}"),
        ("boosted.json", "XGBoost: its JSON is truncated"),
        ("boosted.ubj", "XGBoost: a string should extend to byte 1,253"),
    ],
)
def test_half_of_a_model_is_recognised_as_truncated(sample: str, said: str, tmp_path: Path) -> None:
    assert problem(sample, cut(0.5), tmp_path) == said


@pytest.mark.parametrize(
    ("sample", "change", "said"),
    [
        (
            "dense_int8.tflite",
            put(0, b"\xff\xff\0\0"),
            "TensorFlow Lite: a part of the file should extend to byte 65,539",
        ),
        (
            "linear.onnx",
            lambda content: content[:-4],
            "ONNX: it names no operator set: it is truncated",
        ),
        (
            "linear.onnx",
            replaced(b"J`", b"JZ"),
            "ONNX: a tensor has a field of an unknown wire type at byte 236",
        ),
        (
            "dense.keras",
            replaced(b'"module"', b'"modulE"'),
            "Keras: config.json does not match its checksum in the zip",
        ),
        (
            "linear_legacy.bin",
            lambda content: content[:-70],
            "PyTorch checkpoint: the data of its 2 tensors is incomplete",
        ),
        ("dense.h5", put(13, b"\3"), "HDF5: the file has offsets of 3 bytes"),
        (
            "linear.safetensors",
            lambda content: content + b"\0",
            "safetensors: its tensors end at byte 680",
        ),
        (
            "linear.safetensors",
            replaced(b'"shape":[3,32]', b'"shape":[4,32]'),
            'safetensors: tensor "weight" has 384 bytes for a shape of [4, 32]',
        ),
        (
            "linear.safetensors",
            replaced(b"[0,128]", b"[4,128]"),
            'safetensors: tensor "bias" begins +4 bytes off',
        ),
        (
            "linear.safetensors",
            replaced(b'"shape":[32]', b'"shape":[xx]'),
            "safetensors: the header is not valid JSON",
        ),
        (
            "linear.safetensors",
            replaced(b'"dtype":"F32","shape":[32]', b'"dtypE":"F32","shape":[32]'),
            'safetensors: the header entry of tensor "bias" is invalid',
        ),
        (
            "linear.gguf",
            put(8, struct.pack("<Q", 1 << 60)),
            "GGUF: the header claims 1,152,921,504,606,846,976 tensors",
        ),
        (
            "logistic_zlib.joblib",
            put(400, bytes(8)),
            "pickle: the compressed data is damaged before byte 65,536",
        ),
        ("boosted.json", replaced(b'"version"', b'"version'), "XGBoost: its JSON is invalid"),
        (
            "boosted.txt",
            replaced(b"end of trees", b"end of  tree"),
            "LightGBM: the end marker after its trees is missing",
        ),
        ("boosted.txt", cut(0.2), "LightGBM: the last of its 3 trees should extend to byte 1,839"),
    ],
)
def test_an_inconsistency_is_described(
    sample: str, change: Callable[[bytes], bytes], said: str, tmp_path: Path
) -> None:
    assert problem(sample, change, tmp_path) == said


@pytest.mark.parametrize("name", ["model.tflite", "model.pt", "model.joblib", "model.pt2"])
def test_an_empty_file_is_no_model(name: str, tmp_path: Path) -> None:
    (tmp_path / name).touch()
    assert str(damage(tmp_path / name).broken) == "it is empty"


def test_room_for_an_upload_is_no_model(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(bytes(1_000_000))
    assert str(damage(tmp_path / "model.onnx").broken) == "its first 4,096 bytes are zeros"


def test_a_truncated_model_is_explained(tmp_path: Path) -> None:
    (tmp_path / "digits.tflite").write_bytes((DIGITS / "digits.tflite").read_bytes()[:60_000])
    assert (
        error_text(damage(tmp_path / "digits.tflite", "s3://bucket/models/digits.tflite"))
        == """\
Error: A model is incomplete or damaged.

s3://bucket/models/digits.tflite
format:  TensorFlow Lite
size:    60,000 bytes (60.0 KB)
problem: a part of the file should extend to byte 86,212

No runtime could load it on the dyno.

To fix this:
1. Compare it with what you exported:
   ls -l digits.tflite
   sha256sum digits.tflite
2. If they differ, upload it again. If they match, export it again.
3. To detect such a change early, pin the checksum:
   bin/slugfit lock

For more information, see:
https://github.com/slugfit/slugfit/blob/main/docs/errors.md#checkdamaged
"""
    )


def test_missing_external_data_is_explained(tmp_path: Path) -> None:
    shutil.copy(FORMATS / "external.onnx", tmp_path)
    assert (
        error_text(damage(tmp_path / "external.onnx", "models/external.onnx"))
        == """\
Error: A model is incomplete or damaged.

models/external.onnx
format:  ONNX
size:    344 bytes
problem: its external data file "external.onnx.data" is missing

No runtime could load it on the dyno.

To fix this:
1. Upload it together with the files that the export wrote beside it, and configure them as
   one model:
   source = "s3://bucket/model/"
   path = "models/model/"

For more information, see:
https://github.com/slugfit/slugfit/blob/main/docs/errors.md#checkdamaged
"""
    )


def test_external_data_may_be_too_short(tmp_path: Path) -> None:
    shutil.copy(FORMATS / "external.onnx", tmp_path)
    (tmp_path / "external.onnx.data").write_bytes(bytes(100))
    assert str(damage(tmp_path / "external.onnx").broken) == (
        '"external.onnx.data", of 100 bytes, should extend to byte 108'
    )


def test_external_data_is_not_looked_for_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    content = (FORMATS / "external.onnx").read_bytes()
    outside = content.replace(b"external.onnx.data", b"../../../etc/hosts")
    (tmp_path / "model" / "external.onnx").write_bytes(outside)
    assert str(damage(tmp_path / "model" / "external.onnx").broken) == (
        'its external data is in "../../../etc/hosts", which is outside its directory'
    )


@pytest.mark.parametrize(
    ("file", "change", "said"),
    [
        (
            "saved_model.pb",
            cut(0.5),
            "saved_model.pb, of 10,845 bytes, should extend to byte 21,690",
        ),
        ("saved_model.pb", lambda _: b"", "saved_model.pb has no graph"),
        (
            "saved_model.pb",
            lambda _: b"\x3a\0",
            "saved_model.pb is not a SavedModel: unknown field 7",
        ),
        ("variables/variables.index", cut(0.9), "variables.index is truncated"),
        (
            "variables/variables.data-00000-of-00001",
            cut(0.5),
            "variables/variables.data-00000-of-00001, of 429 bytes, should extend to byte 858",
        ),
    ],
)
def test_a_saved_model_needs_all_of_its_files(
    file: str, change: Callable[[bytes], bytes], said: str, tmp_path: Path
) -> None:
    shutil.copytree(FORMATS / "dense_saved", tmp_path / "m")
    path = tmp_path / "m" / file
    path.write_bytes(change(path.read_bytes()))
    assert str(damage(tmp_path / "m").broken) == said


def test_a_saved_model_without_its_variables_is_explained(tmp_path: Path) -> None:
    shutil.copy(FORMATS / "dense_saved" / "saved_model.pb", tmp_path)
    assert (
        error_text(damage(tmp_path, "s3://bucket/dense/"))
        == """\
Error: A model is incomplete or damaged.

s3://bucket/dense/
format:  SavedModel
problem: it has variables, but no variables/variables.index

No runtime could load it on the dyno.

To fix this:
1. Upload the whole directory again, and end its source with a slash:
   source = "s3://bucket/model/"
   The globs in include and exclude must not leave out variables/.

For more information, see:
https://github.com/slugfit/slugfit/blob/main/docs/errors.md#checkdamaged
"""
    )


def test_a_missing_shard_of_variables_is_named(tmp_path: Path) -> None:
    shutil.copytree(FORMATS / "dense_saved", tmp_path / "m")
    (tmp_path / "m" / "variables" / "variables.data-00000-of-00001").unlink()
    said = "variables/variables.data-00000-of-00001 is missing"
    assert str(damage(tmp_path / "m").broken) == said


def test_a_missing_part_of_a_model_is_named(tmp_path: Path) -> None:
    names = [f"model-{number}-of-3.safetensors" for number in (1, 2, 3)]
    index = json.dumps({"weight_map": {f"layer.{name}": name for name in names}})
    (tmp_path / "model.safetensors.index.json").write_text(index)
    shutil.copy(FORMATS / "linear.safetensors", tmp_path / names[0])
    assert str(damage(tmp_path).broken) == (
        "model-2-of-3.safetensors is missing, one of 3 parts in model.safetensors.index.json"
    )


def test_a_damaged_file_of_a_directory_is_named(tmp_path: Path) -> None:
    (tmp_path / "onnx").mkdir()
    (tmp_path / "onnx" / "model.onnx").write_bytes((FORMATS / "linear.onnx").read_bytes()[:99])
    assert damage(tmp_path, "hf://org/name/").display_name == "hf://org/name/onnx/model.onnx"

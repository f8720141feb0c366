"""What a model is, by its content: small files of each format, made by the real libraries."""

from __future__ import annotations

import pickle
import shutil
import struct
from pathlib import Path

import pytest

from slugfit.models.formats import FormatName, Inspection, TensorSpec, WrongFormat, inspect
from support.build_log import error_text
from support.paths import DIGITS, SAMPLES

FORMATS = SAMPLES / "formats"
PIXELS = TensorSpec("pixels", "float32", ("batch", 8))
SCORES = TensorSpec("scores", "float32", ("batch", 3))
LINEAR = Inspection(
    "onnx",
    "ONNX",
    parameters=27,
    dtypes=("float32",),
    inputs=(PIXELS,),
    outputs=(SCORES,),
    opsets={"ai.onnx": 20},
    ir_version=9,
    facts=(("made by", "pytorch 2.13.0"), ("opset", "ai.onnx 20")),
)
CONVERTED = (("schema version", "3"), ("made by", "MLIR Converted."))
TENSORS = (("tensors", "2"),)
KERAS = (("made by", "Keras 3.15.1"),)
SHAPE = (None, 8)

INSPECTIONS = {
    "linear.onnx": LINEAR,
    "dense_int8.tflite": Inspection(
        "tflite",
        "TensorFlow Lite",
        parameters=24,
        dtypes=("int8",),
        inputs=(TensorSpec("serving_default_pixels:0", "int8", (None, 8)),),
        outputs=(TensorSpec("StatefulPartitionedCall_1:0", "int8", (None, 3)),),
        facts=CONVERTED,
    ),
    "tangent_flex.tflite": Inspection(
        "tflite",
        "TensorFlow Lite",
        inputs=(TensorSpec("angles", "float32", (None, 4)),),
        outputs=(TensorSpec("Identity", "float32", (None, 4)),),
        flex_ops=("Tan",),
        facts=CONVERTED,
    ),
    "linear_scripted.pt": Inspection("torchscript", "TorchScript", facts=TENSORS),
    "linear_exported.pt2": Inspection(
        "torch-export", "torch.export", code="a pickle in it", facts=TENSORS
    ),
    "linear_state.pth": Inspection(
        "torch-checkpoint", "PyTorch checkpoint", code="a pickle", facts=TENSORS
    ),
    "linear_legacy.bin": Inspection(
        "torch-checkpoint", "PyTorch checkpoint (legacy)", code="a pickle"
    ),
    "dense.keras": Inspection("keras", "Keras", facts=KERAS),
    "lambda.keras": Inspection("keras", "Keras", code="a Lambda layer", facts=KERAS),
    "dense.h5": Inspection("hdf5", "Keras model in HDF5", facts=(("contains", "a Keras model"),)),
    "lambda.h5": Inspection(
        "hdf5", "Keras model in HDF5", code="a Lambda layer", facts=(("contains", "a Keras model"),)
    ),
    "dense.weights.h5": Inspection("hdf5", "HDF5"),
    "dense_saved": Inspection("saved-model", "SavedModel"),
    "linear.safetensors": Inspection(
        "safetensors",
        "safetensors",
        parameters=128,
        dtypes=("F32",),
        facts=(("tensors", "2"), ("made for", "np")),
    ),
    "linear.gguf": Inspection(
        "gguf",
        "GGUF",
        parameters=128,
        dtypes=("F32", "Q8_0"),
        facts=(("architecture", "llama"), ("name", "linear")),
    ),
    "logistic.pkl": Inspection("pickle", "pickle", code="a pickle"),
    "logistic.joblib": Inspection("pickle", "pickle", code="a pickle"),
    "logistic_zlib.joblib": Inspection("pickle", "pickle, compressed (zlib)", code="a pickle"),
    "logistic_gzip.joblib": Inspection("pickle", "pickle, compressed (gzip)", code="a pickle"),
    "logistic_bz2.joblib": Inspection("pickle", "pickle, compressed (bzip2)", code="a pickle"),
    "logistic_xz.joblib": Inspection("pickle", "pickle, compressed (xz)", code="a pickle"),
    "logistic_lzma.joblib": Inspection("pickle", "pickle, compressed (lzma)", code="a pickle"),
    "boosted.json": Inspection("xgboost", "XGBoost (JSON)"),
    "boosted.ubj": Inspection("xgboost", "XGBoost (UBJSON)"),
    "boosted.model": Inspection("xgboost", "XGBoost (binary, of versions before 3.1)"),
    "boosted.txt": Inspection("lightgbm", "LightGBM", facts=(("trees", "3"),)),
}
UNKNOWN = Inspection(None, "unknown")


@pytest.mark.parametrize("name", INSPECTIONS)
def test_each_format_is_recognised_and_looked_into(name: str) -> None:
    assert inspect(FORMATS / name, name) == INSPECTIONS[name]


@pytest.mark.parametrize("name", [n for n in INSPECTIONS if n != "dense_saved"])
def test_a_name_is_not_needed(name: str, tmp_path: Path) -> None:
    copy = tmp_path / "content"
    shutil.copy(FORMATS / name, copy)
    assert inspect(copy, "models/content") == INSPECTIONS[name]


def test_the_digits_have_their_shapes() -> None:
    assert inspect(DIGITS / "digits.tflite", "digits.tflite") == Inspection(
        "tflite",
        "TensorFlow Lite",
        parameters=85068,
        dtypes=("int32", "int8"),
        inputs=(TensorSpec("serving_default_input_1:0", "float32", (None, 8, 8, 1)),),
        outputs=(TensorSpec("StatefulPartitionedCall:0", "float32", (None, 10)),),
        facts=CONVERTED,
    )


def test_onnx_names_the_file_that_has_its_weights() -> None:
    found = inspect(FORMATS / "external.onnx", "external.onnx")
    assert (found.companions, found.parameters) == (("external.onnx.data",), 27)


@pytest.mark.parametrize("protocol", range(6))
def test_pickles_of_all_protocols_are_recognised(protocol: int, tmp_path: Path) -> None:
    path = tmp_path / "model.pkl"
    content = {"weights": [0.5] * 300, "name": "ö" * 70_000, "raw": bytes(100_000)}
    path.write_bytes(pickle.dumps(content, protocol))
    assert inspect(path, "model.pkl") == INSPECTIONS["logistic.pkl"]


def test_a_pickle_may_be_followed_by_anything(tmp_path: Path) -> None:
    path = tmp_path / "model.pkl"
    path.write_bytes(pickle.dumps({"shape": (2, 3)}) + b"\x93NUMPY and the like")
    assert inspect(path, "model.pkl").format == "pickle"


@pytest.mark.parametrize(
    "content",
    [
        b"zero\none\ntwo\n",
        b'{"model_type": "bert"}',
        b"\x0a\x0c\x0a\x05<unk>\x15\x00\x00\x00\x00",
        b"PK\5\6" + bytes(18),
        b"\x08",
        b"",
    ],
    ids=["labels", "configuration", "sentencepiece", "empty zip", "a byte", "nothing"],
)
@pytest.mark.parametrize("name", ["labels.txt", "tokenizer.model", "pytorch_model.bin", "weights"])
def test_what_comes_with_a_model_is_no_failure(name: str, content: bytes, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    assert inspect(tmp_path / name, name) == UNKNOWN


def test_a_directory_is_the_models_in_it(tmp_path: Path) -> None:
    (tmp_path / "onnx").mkdir()
    (tmp_path / "config.json").write_text('{"model_type": "bert"}')
    shutil.copy(FORMATS / "linear.onnx", tmp_path / "onnx")
    assert inspect(tmp_path, "models/bert") == Inspection(
        **{**vars(LINEAR), "parts": (("onnx/linear.onnx", LINEAR),)}
    )


def test_a_directory_of_parts_counts_them_together(tmp_path: Path) -> None:
    for number in (1, 2):
        shutil.copy(FORMATS / "linear.safetensors", tmp_path / f"model-{number}-of-2.safetensors")
    part = INSPECTIONS["linear.safetensors"]
    assert inspect(tmp_path, "hf://org/name") == Inspection(
        "safetensors",
        "2 files (safetensors)",
        parameters=256,
        dtypes=("F32",),
        parts=(("model-1-of-2.safetensors", part), ("model-2-of-2.safetensors", part)),
    )


def test_a_directory_of_several_formats_has_none_of_its_own(tmp_path: Path) -> None:
    shutil.copytree(FORMATS / "dense_saved", tmp_path / "1")
    shutil.copy(FORMATS / "linear_state.pth", tmp_path)
    found = inspect(tmp_path, "models/")
    assert (found.format, found.title) == (None, "2 files (PyTorch checkpoint, SavedModel)")
    assert found.code == "a pickle"
    assert [name for name, _ in found.parts] == ["1", "linear_state.pth"]


def test_a_directory_without_a_model_is_no_failure(tmp_path: Path) -> None:
    (tmp_path / "labels.txt").write_text("zero\n")
    assert inspect(tmp_path, "models/") == UNKNOWN


def test_an_index_of_files_that_were_left_out_is_no_failure(tmp_path: Path) -> None:
    index = '{"weight_map": {"a": "pytorch_model-1-of-2.bin", "b": "pytorch_model-2-of-2.bin"}}'
    (tmp_path / "pytorch_model.bin.index.json").write_text(index)
    shutil.copy(FORMATS / "linear.safetensors", tmp_path / "model.safetensors")
    assert inspect(tmp_path, "models/").format == "safetensors"


@pytest.mark.parametrize(
    ("name", "sample", "claimed", "found"),
    [
        ("model.tflite", "linear.onnx", "TensorFlow Lite", "ONNX"),
        ("model.onnx", "dense.keras", "ONNX", "Keras"),
        ("model.keras", "linear_state.pth", "Keras", "PyTorch checkpoint"),
        ("model.h5", "dense.keras", "HDF5", "Keras"),
        (
            "model.safetensors",
            "linear_legacy.bin",
            "safetensors",
            "PyTorch checkpoint (legacy)",
        ),
        ("MODEL.GGUF", "linear.safetensors", "GGUF", "safetensors"),
    ],
)
def test_a_name_that_says_another_format_is_a_failure(
    name: str, sample: str, claimed: str, found: str
) -> None:
    with pytest.raises(WrongFormat) as failure:
        inspect(FORMATS / sample, f"models/{name}")
    assert (failure.value.claimed, failure.value.found) == (claimed, found)


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"<Error><Code>Denied</Code>", 'text beginning with "<Error><Code>Denied</Code>"'),
        (b"PK\3\4" + bytes(40), "a zip archive"),
        (b"\x1f\x8b\x08" + bytes(40), "gzip-compressed data"),
        (b"\x89PNG\r\n\x1a\n", "a PNG image"),
        (b"\x93NUMPY\1\0", "a NumPy array (.npy)"),
        (bytes(257) + b"ustar\0", "a tar archive"),
        (b"\0\1\2\3\4\5\6\7\x08", "unknown, beginning with the bytes 00 01 02 03 04 05 06 07"),
    ],
)
def test_content_that_is_not_a_model_is_described(
    content: bytes, found: str, tmp_path: Path
) -> None:
    (tmp_path / "content").write_bytes(content)
    with pytest.raises(WrongFormat) as failure:
        inspect(tmp_path / "content", "model.tflite")
    assert failure.value.found == found


def test_a_wrong_format_is_explained() -> None:
    with pytest.raises(WrongFormat) as failure:
        inspect(FORMATS / "dense.h5", "models/digits.tflite")
    assert (
        error_text(failure.value)
        == """\
Error: A model's content does not match its name.

models/digits.tflite
by its name:    TensorFlow Lite
by its content: Keras model in HDF5

A runtime that relies on the name would fail to load it on the dyno.

To fix this:
1. Check what was exported, and upload the right file:
   file digits.tflite
2. If the content is right, give the model a path with a matching extension, or
   with a neutral one such as .bin.

For more information, see:
https://github.com/slugfit/slugfit/blob/main/docs/errors.md#checkwrong-format
"""
    )


@pytest.mark.parametrize("name", ["model.pt", "model.pth", "model.bin", "model.json", "model.pkl"])
def test_endings_that_many_formats_share_say_nothing(name: str) -> None:
    formats: set[FormatName | None] = {
        inspect(FORMATS / sample, name).format for sample in ("linear.onnx", "linear_state.pth")
    }
    assert formats == {"onnx", "torch-checkpoint"}


def test_a_zip_with_a_large_directory_is_read(tmp_path: Path) -> None:
    """As PyTorch writes it from 4 GiB on: the numbers are 64 bits wide, in an extra field."""
    names = [b"m/data.pkl", b"m/data/0"]
    body, entries = b"", b""
    for name in names:
        wide = struct.pack("<2H3Q", 1, 24, 0, 0, len(body))
        entries += struct.pack(
            "<4s6H3L5H2L", b"PK\1\2", *[0] * 6, 0, *[0xFFFFFFFF] * 2,
            len(name), len(wide), 0, 0, 0, 0, 0xFFFFFFFF,
        ) + name + wide  # fmt: skip
        body += struct.pack("<4s5H3L2H", b"PK\3\4", *[0] * 8, len(name), 0) + name
    end = struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, 0, 0, 0, 0, 2, 2, len(entries), len(body))
    locator = struct.pack("<4sLQL", b"PK\6\7", 0, len(body + entries), 1)
    short = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 2, 2, len(entries), 0xFFFFFFFF, 0)
    (tmp_path / "m.pt").write_bytes(body + entries + end + locator + short)
    assert inspect(tmp_path / "m.pt", "m.pt").format == "torch-checkpoint"

"""Whatever is cut off or changed in a model, an inspection ends, and in one of the known ways."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from slugfit.base.errors import render
from slugfit.models.formats import ModelDamaged, WrongFormat, inspect
from support.paths import SAMPLES

SAVED = SAMPLES / "formats" / "dense_saved"
FILES = sorted(
    path for path in [*(SAMPLES / "formats").glob("*.*"), SAMPLES / "digits" / "digits.tflite"]
)
IN_DIRECTORY = sorted(path for path in SAVED.rglob("*.*") if path.is_file())
# Nothing that Slugfit looks at takes a second, on a machine that has nothing else to do.
LIMIT = settings(deadline=timedelta(seconds=5), max_examples=40)
# Headers decide the most: half of the changes are near the beginning.
PLACES = st.one_of(st.integers(0, 300), st.integers(0, 100_000))
VALUES = st.one_of(st.sampled_from([0, 1, 0x7F, 0x80, 0xFF]), st.integers(0, 255))
CHANGES = st.lists(st.tuples(PLACES, VALUES), min_size=1, max_size=6)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("changed")


def look(path: Path, shown: str) -> None:
    try:
        inspect(path, shown)
    except (ModelDamaged, WrongFormat) as failure:
        assert all(line.isprintable() for line in render(failure))


def changed(content: bytes, changes: list[tuple[int, int]]) -> bytes:
    result = bytearray(content)
    for place, value in changes:
        result[place % len(result)] = value
    return bytes(result)


@pytest.mark.parametrize("sample", FILES, ids=lambda path: path.name)
@LIMIT
@given(share=st.floats(0, 1), named=st.booleans())
@example(share=0.0, named=True)
def test_a_truncated_file(sample: Path, share: float, named: bool, folder: Path) -> None:
    content = sample.read_bytes()
    path = folder / sample.name
    path.write_bytes(content[: int(len(content) * share)])
    look(path, sample.name if named else "content")


@pytest.mark.parametrize("sample", FILES, ids=lambda path: path.name)
@LIMIT
@given(changes=CHANGES)
def test_a_changed_file(sample: Path, changes: list[tuple[int, int]], folder: Path) -> None:
    path = folder / sample.name
    path.write_bytes(changed(sample.read_bytes(), changes))
    look(path, sample.name)


@pytest.mark.parametrize("sample", IN_DIRECTORY, ids=lambda path: path.name)
@LIMIT
@given(changes=CHANGES, share=st.floats(0, 1))
def test_a_changed_file_of_a_saved_model(
    sample: Path, changes: list[tuple[int, int]], share: float, folder: Path
) -> None:
    for path in IN_DIRECTORY:
        copy = folder / "saved" / path.relative_to(SAVED)
        copy.parent.mkdir(parents=True, exist_ok=True)
        content = path.read_bytes()
        if path == sample:
            content = changed(content, changes)[: int(len(content) * (1 - share * share))]
        copy.write_bytes(content)
    look(folder / "saved", "models/saved/")


MAGICS = st.sampled_from(
    [
        b"\x14\0\0\0TFL3",
        b"GGUF\3\0\0\0",
        b"PK\3\4",
        b"\x89HDF\r\n\x1a\n",
        b"\x80\4\x95",
        b"\x80\2",
        b"\x08\7\x12\2pt\x3a",
        b"{L\0\0\0\0\0\0\0\7learner{",
        b'{"learner":{"attributes":',
        b"tree\nversion=v4\n",
        b"\x1f\x8b",
        b"BZh9",
        b"\x5d\0\0",
    ]
)
NAMES = st.sampled_from(
    ["m.tflite", "m.onnx", "m.keras", "m.h5", "m.safetensors", "m.gguf", "m.pt", "m.pkl", "m.bin"]
)


@settings(deadline=timedelta(seconds=5), max_examples=300)
@given(magic=MAGICS, rest=st.binary(max_size=400), name=NAMES)
def test_any_bytes_behind_the_first_ones(
    magic: bytes, rest: bytes, name: str, folder: Path
) -> None:
    (folder / name).write_bytes(magic + rest)
    look(folder / name, name)


@settings(deadline=timedelta(seconds=5), max_examples=100)
@given(head=st.text(max_size=200), length=st.integers(0, 300))
def test_any_header_of_safetensors(head: str, length: int, folder: Path) -> None:
    path = folder / "m.safetensors"
    path.write_bytes(length.to_bytes(8, "little") + b'{"a":{"dtype":"F32",' + head.encode())
    look(path, path.name)


JSON = st.recursive(
    st.one_of(st.none(), st.integers(), st.text(max_size=5), st.sampled_from(["F32", "F4"])),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=8,
)


@settings(deadline=timedelta(seconds=5), max_examples=150)
@given(dtype=JSON, shape=JSON, place=JSON)
def test_any_tensor_of_safetensors(
    dtype: object, shape: object, place: object, folder: Path
) -> None:

    tensor = {"dtype": dtype, "shape": shape, "data_offsets": place}
    header = json.dumps({"a": tensor}).encode()
    path = folder / "m.safetensors"
    path.write_bytes(len(header).to_bytes(8, "little") + header + bytes(64))
    look(path, path.name)

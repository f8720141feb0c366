"""From a path to an inspection: which format it is, and then that format's own look at it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from slugfit.models.formats import (
    directory,
    gguf,
    hdf5,
    keras,
    lightgbm,
    onnx,
    pickles,
    safetensors,
    saved_model,
    tflite,
    torch,
    torch_legacy,
    xgboost,
)
from slugfit.models.formats.claims import claims, describe, hint
from slugfit.models.formats.failures import ModelDamaged, WrongFormat
from slugfit.models.formats.inspection import TITLES, UNKNOWN, Inspection
from slugfit.models.formats.reader import BrokenError, Reader, reading

# A title for where an inspection fails, whether it is this format, and what it says of itself.
_Format = tuple[str, Callable[[Reader], bool], Callable[[Reader], Inspection]]

# Those without a signature of their own come last.
_FORMATS: tuple[_Format, ...] = (
    ("PyTorch", torch.recognises, torch.inspect),
    (TITLES["keras"], keras.recognises, keras.inspect),
    (TITLES["tflite"], tflite.recognises, tflite.inspect),
    (TITLES["gguf"], gguf.recognises, gguf.inspect),
    (TITLES["torch-checkpoint"], torch_legacy.recognises, torch_legacy.inspect),
    (TITLES["pickle"], pickles.recognises, pickles.inspect),
    (TITLES["hdf5"], hdf5.recognises, hdf5.inspect),
    (TITLES["lightgbm"], lightgbm.recognises, lightgbm.inspect),
    (TITLES["safetensors"], safetensors.recognises, safetensors.inspect),
    (TITLES["xgboost"], xgboost.recognises, xgboost.inspect),
    (TITLES["pickle"], pickles.recognises_compressed, pickles.inspect_compressed),
    (TITLES["onnx"], onnx.recognises, onnx.inspect),
)
_NAMED_PICKLE = (TITLES["pickle"], pickles.recognises_named, pickles.inspect_named)


def inspect(path: Path, shown: str) -> Inspection:
    """What the model at `path` is: a file, or a directory. `shown` is its name for people.

    Files that a format has beside it are looked for beside `path`. Content of no known format is
    no failure, unless the name in `shown` says that it is a model.
    Raises ModelDamaged and WrongFormat.
    """
    if not path.is_dir():
        return _inspect_file(path, shown)
    is_saved_model = saved_model.recognises(path)
    try:
        return saved_model.inspect(path) if is_saved_model else _inspect_files(path, shown)
    except BrokenError as broken:
        title = TITLES["saved-model"] if is_saved_model else "a directory"
        raise ModelDamaged(shown, title, None, broken) from None


def _inspect_files(path: Path, shown: str) -> Inspection:
    directory.check_indices(path)
    models = directory.models(path)
    return directory.together(
        [(name, inspect(path / name, f"{shown.rstrip('/')}/{name}")) for name in models]
    )


def _inspect_file(path: Path, shown: str) -> Inspection:
    with reading(path) as reader:
        found = _recognised(reader, shown)
        content = found.title if found else describe(reader)
    expected = claims(shown)
    if expected and (found is None or found.format not in expected):
        raise WrongFormat(shown, TITLES[expected[0]], content)
    return found or UNKNOWN


def _recognised(reader: Reader, shown: str) -> Inspection | None:
    """What the content says. None where it says nothing."""
    likely = hint(shown)
    for title, recognises, look in (*_FORMATS, *([_NAMED_PICKLE] if likely == "pickle" else [])):
        if recognises(reader):
            try:
                return look(reader)
            except BrokenError as broken:
                raise ModelDamaged(shown, title, reader.size, broken) from None
    if likely and not reader.head.strip(b"\0"):
        # An upload that did not finish may leave the room for it.
        problem = (
            f"its first {len(reader.head):,} bytes are zeros" if reader.size else "it is empty"
        )
        raise ModelDamaged(shown, TITLES[likely], reader.size, BrokenError(problem))
    return None

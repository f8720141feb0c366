"""Identifies a model's format, then has that format inspect it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from slugfit.base.watchdog import TookTooLongError, within
from slugfit.models.formats import (
    gguf,
    hdf5,
    keras,
    lightgbm,
    model_directory,
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
from slugfit.models.formats.reader import BoundedReader, BrokenError, reading

# A title for failures, a test for the format, and its inspection.
_Format = tuple[str, Callable[[BoundedReader], bool], Callable[[BoundedReader], Inspection]]

# Formats without a signature come last.
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
SECONDS = 10.0  # that an inspection may take; of 5 GiB, it takes less than one
_NAMED_PICKLE = (TITLES["pickle"], pickles.recognises_named, pickles.inspect_named)


def inspect(path: Path, display_name: str) -> Inspection:
    """Inspect the file or directory at `path`. `display_name` is its name in messages.

    Companion files are expected beside `path`. Unknown content is a failure only when the
    extension in `display_name` claims a model format. Raises ModelDamaged, WrongFormat.
    """
    try:
        with within(SECONDS):
            return _inspect(path, display_name)
    except TookTooLongError:
        problem = BrokenError(f"to read its structure took longer than {SECONDS:g} seconds")
        size = None if path.is_dir() else path.stat().st_size
        raise ModelDamaged(display_name, "unknown", size, problem) from None


def _inspect(path: Path, display_name: str) -> Inspection:
    if not path.is_dir():
        return _inspect_file(path, display_name)
    is_saved_model = saved_model.recognises(path)
    try:
        return saved_model.inspect(path) if is_saved_model else _inspect_files(path, display_name)
    except BrokenError as broken:
        title = TITLES["saved-model"] if is_saved_model else "a directory"
        raise ModelDamaged(display_name, title, None, broken) from None


def _inspect_files(path: Path, display_name: str) -> Inspection:
    model_directory.check_indices(path)
    models = model_directory.models(path)
    return model_directory.combined(
        [(name, _inspect(path / name, f"{display_name.rstrip('/')}/{name}")) for name in models]
    )


def _inspect_file(path: Path, display_name: str) -> Inspection:
    with reading(path) as reader:
        found = _identify(reader, display_name)
        content = found.title if found else describe(reader)
    expected = claims(display_name)
    if expected and (found is None or found.format not in expected):
        raise WrongFormat(display_name, TITLES[expected[0]], content)
    return found or UNKNOWN


def _identify(reader: BoundedReader, display_name: str) -> Inspection | None:
    """The inspection by the format that the content has; None for unknown content."""
    likely = hint(display_name)
    for title, recognises, examine in (*_FORMATS, *([_NAMED_PICKLE] if likely == "pickle" else [])):
        if recognises(reader):
            try:
                return examine(reader)
            except BrokenError as broken:
                raise ModelDamaged(display_name, title, reader.size, broken) from None
    if likely and not reader.head.strip(b"\0"):
        # An interrupted upload can leave preallocated zeros.
        problem = (
            f"its first {len(reader.head):,} bytes are zeros" if reader.size else "it is empty"
        )
        raise ModelDamaged(display_name, TITLES[likely], reader.size, BrokenError(problem))
    return None

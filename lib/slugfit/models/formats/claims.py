"""The format that a file's name claims, and descriptions of content that is not a model.

Only unambiguous extensions are claims. A .bin, .pt, .json or .model file can hold anything, so its
name alone never fails a build.
"""

from __future__ import annotations

from pathlib import PurePosixPath

from slugfit.models.formats import compressed, zip_directory
from slugfit.models.formats.inspection import FormatName
from slugfit.models.formats.reader import BoundedReader

# Formats that an extension may stand for. Keras 2 also wrote HDF5 to .keras.
_CLAIMS: dict[str, tuple[FormatName, ...]] = {
    ".tflite": ("tflite",),
    ".onnx": ("onnx",),
    ".keras": ("keras", "hdf5"),
    ".h5": ("hdf5",),
    ".hdf5": ("hdf5",),
    ".safetensors": ("safetensors",),
    ".gguf": ("gguf",),
}
# Likely formats: an empty file of these is damaged, and a pickle may have no signature.
_HINTS: dict[str, FormatName] = {
    ".pt": "torch-checkpoint",
    ".pth": "torch-checkpoint",
    ".pt2": "torch-export",
    ".pkl": "pickle",
    ".pickle": "pickle",
    ".joblib": "pickle",
}
_OTHER_CONTENT = (
    (0, b"\x7fELF", "a Linux program or library"),
    (0, b"%PDF", "a PDF document"),
    (0, b"\x89PNG", "a PNG image"),
    (0, b"\xff\xd8\xff", "a JPEG image"),
    (0, b"\x93NUMPY", "a NumPy array (.npy)"),
    (257, b"ustar", "a tar archive"),
    (0, b"\x28\xb5\x2f\xfd", "zstd-compressed data"),
    (4, b"ORTM", "an ONNX Runtime model (.ort)"),
)
_TEXT = frozenset(range(32, 127)) | frozenset(b"\t\n\r\f") | frozenset(range(128, 256))
_HEAD = 512


def claims(display_name: str) -> tuple[FormatName, ...]:
    """The formats that the file name stands for; empty for an ambiguous extension."""
    return _CLAIMS.get(_ending(display_name), ())


def hint(display_name: str) -> FormatName | None:
    """The likely format by the file name."""
    return next(iter(claims(display_name)), _HINTS.get(_ending(display_name)))


def describe(reader: BoundedReader) -> str:
    """A description of content that is not a model, judged by its first bytes."""
    head = reader.head[:_HEAD]
    if head.startswith(zip_directory.MAGIC):
        return "a zip archive"
    if method := compressed.method(reader):
        return f"{method}-compressed data"
    if set(head) <= _TEXT:
        return f'text beginning with "{_quoted(head)}"'
    known = (title for place, magic, title in _OTHER_CONTENT if head.startswith(magic, place))
    return next(known, f"unknown, beginning with the bytes {head[:8].hex(' ')}")


def _quoted(head: bytes) -> str:
    line = next(iter(head.decode(errors="replace").split("\n")), "")
    return "".join(c if c.isprintable() else " " for c in line[:40]).strip()


def _ending(display_name: str) -> str:
    return PurePosixPath(display_name).suffix.lower()

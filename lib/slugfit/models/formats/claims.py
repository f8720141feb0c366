"""What a file's name says that it is, and a word for contents that are no model.

Only endings that no other kind of file has are claims. What is called .bin, .pt, .json or .model
holds whatever somebody's code makes of it, and no build has to fail over that.
"""

from __future__ import annotations

from pathlib import PurePosixPath

from slugfit.models.formats import compressed, zips
from slugfit.models.formats.inspection import FormatName
from slugfit.models.formats.reader import Reader

# Formats that a name may stand for. Keras 2 also wrote HDF5 to .keras.
_CLAIMS: dict[str, tuple[FormatName, ...]] = {
    ".tflite": ("tflite",),
    ".onnx": ("onnx",),
    ".keras": ("keras", "hdf5"),
    ".h5": ("hdf5",),
    ".hdf5": ("hdf5",),
    ".safetensors": ("safetensors",),
    ".gguf": ("gguf",),
}
# What others are likely to be: an empty one is damaged, and a pickle may have no signature.
_HINTS: dict[str, FormatName] = {
    ".pt": "torch-checkpoint",
    ".pth": "torch-checkpoint",
    ".pt2": "torch-export",
    ".pkl": "pickle",
    ".pickle": "pickle",
    ".joblib": "pickle",
}
_OTHERS = (
    (0, b"\x7fELF", "a Linux program or library"),
    (0, b"%PDF", "a PDF document"),
    (0, b"\x89PNG", "a PNG picture"),
    (0, b"\xff\xd8\xff", "a JPEG picture"),
    (0, b"\x93NUMPY", "an array of NumPy (.npy)"),
    (257, b"ustar", "a tar archive"),
    (0, b"\x28\xb5\x2f\xfd", "data compressed by zstd"),
    (4, b"ORTM", "ONNX Runtime's own format (.ort)"),
)
_TEXT = frozenset(range(32, 127)) | frozenset(b"\t\n\r\f") | frozenset(range(128, 256))
_HEAD = 512


def claims(shown: str) -> tuple[FormatName, ...]:
    """The formats that the file's name stands for."""
    return _CLAIMS.get(_ending(shown), ())


def hint(shown: str) -> FormatName | None:
    """The format that is likely by the file's name."""
    return next(iter(claims(shown)), _HINTS.get(_ending(shown)))


def describe(reader: Reader) -> str:
    """What a content is that is no model, as well as its first bytes tell."""
    head = reader.head[:_HEAD]
    if head.startswith(zips.MAGIC):
        return "a zip archive"
    if method := compressed.method(reader):
        return f"data compressed by {method}"
    if set(head) <= _TEXT:
        return f'a text that begins with "{_quoted(head)}"'
    known = (title for place, magic, title in _OTHERS if head.startswith(magic, place))
    return next(known, f"unknown: it begins with the bytes {head[:8].hex(' ')}")


def _quoted(head: bytes) -> str:
    line = next(iter(head.decode(errors="replace").split("\n")), "")
    return "".join(c if c.isprintable() else " " for c in line[:40]).strip()


def _ending(shown: str) -> str:
    return PurePosixPath(shown).suffix.lower()

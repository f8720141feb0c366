"""The weights of an ONNX model, in its file or in external data files."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from slugfit.base.files import inside, is_path_below
from slugfit.models.formats.protobuf import ProtobufField, fields, text, varints
from slugfit.models.formats.reader import BoundedReader, BrokenError, elements, truncated

_DIMS, _DATA_TYPE, _NAME, _RAW, _EXTERNAL, _LOCATION = 1, 2, 8, 9, 13, 14
# By number. The names contain the number of bits.
_TYPES = (
    "undefined",
    "float32",
    "uint8",
    "int8",
    "uint16",
    "int16",
    "int32",
    "int64",
    "string",
    "bool",
    "float16",
    "float64",
    "uint32",
    "uint64",
    "complex64",
    "complex128",
    "bfloat16",
    "float8e4m3fn",
    "float8e4m3fnuz",
    "float8e5m2",
    "float8e5m2fnuz",
    "uint4",
    "int4",
    "float4e2m1",
    "float8e8m0",
    "uint2",
    "int2",
)
_IS_EXTERNAL = 1
_MAX_OFFSET = 1 << 63
_BITS = re.compile(r"[a-z]+(\d+)")
_FIX = """\
Upload it together with the files that the export wrote beside it, and configure them as
one model:
source = "s3://bucket/model/"
path = "models/model/\""""


@dataclass(frozen=True)
class Weights:
    """A tensor. `file` is its external data file, if any; its data ends there at byte `end`."""

    name: str
    count: int
    dtype: str
    file: str | None = None
    end: int = 0


def dtype(number: int) -> str:
    """The name of a TensorProto.DataType."""
    return _TYPES[number] if number < len(_TYPES) else f"type {number}"


def read(reader: BoundedReader, item: ProtobufField) -> Weights:
    """Raises BrokenError when the data size does not match the shape."""
    dims: list[int] = []
    name, kind, raw, is_external = "", 0, None, False
    place: dict[str, str] = {}
    for part in fields(reader, item.at, item.end, "a tensor"):
        if part.number == _DIMS:
            dims += varints(reader, part, "a tensor's shape")
        elif part.number == _DATA_TYPE:
            kind = part.value
        elif part.number == _NAME:
            name = text(reader, part)
        elif part.number == _RAW:
            raw = part.end - part.at
        elif part.number == _EXTERNAL:
            place |= _entry(reader, part)
        elif part.number == _LOCATION:
            is_external = part.value == _IS_EXTERNAL
    count = elements(dims, f'tensor "{name}"')
    if is_external:
        return Weights(name, count, dtype(kind), *_external(place, _bytes(count, kind)))
    if raw is not None and raw != (_bytes(count, kind) or raw):
        raise BrokenError(f'tensor "{name}" has {raw:,} bytes for a shape of {dims}')
    return Weights(name, count, dtype(kind))


def check_companions(weights: Iterable[Weights], directory: Path) -> tuple[str, ...]:
    """The external data files, sorted. Raises BrokenError when one is missing or truncated."""
    ends: dict[str, int] = {}
    for tensor in weights:
        if tensor.file is not None:
            ends[tensor.file] = max(tensor.end, ends.get(tensor.file, 0))
    for name, end in sorted(ends.items()):
        _check_companion(directory, name, end)
    return tuple(sorted(ends))


def _check_companion(directory: Path, name: str, end: int) -> None:
    path = inside(directory, name) if is_path_below(name) else None
    if path is None:
        raise BrokenError(f'its external data is in "{name}", which is outside its directory', _FIX)
    if not path.is_file():
        raise BrokenError(f'its external data file "{name}" is missing', _FIX)
    size = path.stat().st_size
    if size < end:
        raise truncated(f'"{name}", of {size:,} bytes,', end)


def _entry(reader: BoundedReader, item: ProtobufField) -> dict[str, str]:
    parts = {p.number: text(reader, p) for p in fields(reader, item.at, item.end, "an entry")}
    return {parts.get(1, ""): parts.get(2, "")}


def _external(place: dict[str, str], size: int) -> tuple[str, int]:
    """The external data file, and the byte where the data ends in it."""
    try:
        end = int(place.get("offset", 0)) + int(place.get("length", size))
    except ValueError:
        end = -1
    if not 0 <= end < _MAX_OFFSET:
        raise BrokenError("the offset or length of its external data is invalid")
    return place.get("location", ""), end


def _bytes(count: int, kind: int) -> int:
    """The bytes of `count` elements of a data type; 0 when unknown."""
    name = dtype(kind)
    bits = _BITS.match(name)
    return count if name == "bool" else (count * int(bits[1] if bits else 0) + 7) // 8

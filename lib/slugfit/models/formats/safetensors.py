"""safetensors. Source: "Format" in the README of the safetensors project."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

from slugfit.models.formats.inspection import TITLES, Inspection
from slugfit.models.formats.reader import BoundedReader, BrokenError, elements, readable, truncated

_MAX_HEADER_BYTES = 100_000_000  # the limit of the reference implementation
_MAX_PARSED_BYTES = 4 << 20  # parsed JSON takes ten times that in memory
_END = 1 << 63
_START = re.compile(
    rb'\{\s*(?:\}|"(?:__metadata__"|[^"]{0,1024}"\s*:\s*\{\s*"(?:dtype|shape|data_off)))'
)
_TYPES = {
    4: "F4",
    6: "F6_E2M3 F6_E3M2",
    8: "BOOL U8 I8 F8_E5M2 F8_E4M3 F8_E8M0",
    16: "I16 U16 F16 BF16",
    32: "I32 U32 F32",
    64: "I64 U64 F64 C64",
}
_BITS = {name: bits for bits, names in _TYPES.items() for name in names.split()}


@dataclass(frozen=True)
class _Tensor:
    name: str
    dtype: str
    shape: list[int]
    count: int
    begin: int
    end: int


def recognises(reader: BoundedReader) -> bool:
    head = reader.head
    if len(head) < 10 or reader.u64(0) > _MAX_HEADER_BYTES:
        return False
    return _START.match(head, 8) is not None


def inspect(reader: BoundedReader) -> Inspection:
    """Inspect the model. Raises BrokenError."""
    length = reader.u64(0)
    start = reader.need(8, length, "the header")
    if length > _MAX_PARSED_BYTES:
        return Inspection("safetensors", TITLES["safetensors"])
    header = _parse(reader.read(8, length))
    metadata = header.pop("__metadata__", None)
    tensors = [_tensor(name, entry) for name, entry in header.items()]
    _check(tensors, start, reader.size)
    return Inspection(
        "safetensors",
        TITLES["safetensors"],
        parameters=sum(t.count for t in tensors),
        dtypes=tuple(sorted({t.dtype for t in tensors})),
        facts=(("tensors", f"{len(tensors):,}"), *_origin(metadata)),
    )


def _parse(header: bytes) -> dict[str, object]:
    try:
        parsed = json.loads(header)
    except (ValueError, RecursionError):
        raise BrokenError("the header is not valid JSON") from None
    if not isinstance(parsed, dict):
        raise BrokenError("the header is not a JSON object")
    return parsed


def _tensor(name: str, entry: object) -> _Tensor:
    try:
        dtype, shape, (begin, end) = (entry[key] for key in ("dtype", "shape", "data_offsets"))  # type: ignore[index]  # other types raise TypeError
        if all(type(n) is int and 0 <= n < _END for n in (*shape, begin, end)):
            count = elements(shape, f'tensor "{name}"')
            return _Tensor(name, readable(str(dtype)), shape, count, begin, end)
    except (KeyError, TypeError, ValueError):
        pass
    raise BrokenError(f'the header entry of tensor "{name}" is invalid')


def _check(tensors: list[_Tensor], start: int, size: int) -> None:
    """Raise BrokenError unless the tensors fill the file and match their shapes."""
    at = 0
    for tensor in sorted(tensors, key=lambda t: (t.begin, t.end)):
        if start + tensor.end > size:
            raise truncated(f'tensor "{tensor.name}"', start + tensor.end)
        if tensor.begin != at:
            raise BrokenError(f'tensor "{tensor.name}" begins {tensor.begin - at:+,} bytes off')
        bits = _BITS.get(tensor.dtype)
        if bits and (tensor.end - at) * 8 != tensor.count * bits:
            taken = f"{tensor.end - at:,} bytes"
            raise BrokenError(f'tensor "{tensor.name}" has {taken} for a shape of {tensor.shape}')
        at = tensor.end
    if start + at != size:
        raise BrokenError(f"its tensors end at byte {start + at:,}")


def _origin(metadata: object) -> Iterator[tuple[str, str]]:
    if isinstance(metadata, dict) and metadata.get("format"):
        yield "made for", readable(str(metadata["format"]))

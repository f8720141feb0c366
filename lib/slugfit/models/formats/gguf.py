"""GGUF. Source: docs/gguf.md of the ggml project."""

from __future__ import annotations

import struct
from collections import Counter
from math import prod

from slugfit.models.formats.inspection import TITLES, Inspection
from slugfit.models.formats.reader import BoundedReader, BrokenError, readable, truncated

_VERSIONS = (2, 3)
_STRING, _ARRAY = 8, 9
_WIDTHS = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
# By type: name, weights per block, bytes per block.
_TYPES = {
    0: ("F32", 1, 4),
    1: ("F16", 1, 2),
    2: ("Q4_0", 32, 18),
    3: ("Q4_1", 32, 20),
    6: ("Q5_0", 32, 22),
    7: ("Q5_1", 32, 24),
    8: ("Q8_0", 32, 34),
    9: ("Q8_1", 32, 40),
    10: ("Q2_K", 256, 84),
    11: ("Q3_K", 256, 110),
    12: ("Q4_K", 256, 144),
    13: ("Q5_K", 256, 176),
    14: ("Q6_K", 256, 210),
    15: ("Q8_K", 256, 292),
    16: ("IQ2_XXS", 256, 66),
    17: ("IQ2_XS", 256, 74),
    18: ("IQ3_XXS", 256, 98),
    19: ("IQ1_S", 256, 50),
    20: ("IQ4_NL", 32, 18),
    21: ("IQ3_S", 256, 110),
    22: ("IQ2_S", 256, 82),
    23: ("IQ4_XS", 256, 136),
    24: ("I8", 1, 1),
    25: ("I16", 1, 2),
    26: ("I32", 1, 4),
    27: ("I64", 1, 8),
    28: ("F64", 1, 8),
    29: ("IQ1_M", 256, 56),
    30: ("BF16", 1, 2),
    34: ("TQ1_0", 256, 54),
    35: ("TQ2_0", 256, 66),
    39: ("MXFP4", 32, 17),
}
_MAX_DIMENSIONS = 8
_MAX_TENSORS = _MAX_KEYS = 100_000
_MAX_WORDS = 10_000_000  # thirty times the largest vocabulary
_MAX_NAME_BYTES = 1 << 16
_WINDOW = 1 << 20
_FACT_LABELS = {"general.architecture": "architecture", "general.name": "name"}
_KEPT = {"general.alignment", *_FACT_LABELS}


def recognises(reader: BoundedReader) -> bool:
    return reader.head.startswith(b"GGUF")


def inspect(reader: BoundedReader) -> Inspection:
    """Inspect the model. Raises BrokenError."""
    version = reader.u32(4)
    if version not in _VERSIONS:  # or big-endian, which reads as a large number
        return Inspection("gguf", TITLES["gguf"])
    cursor = _Cursor(reader, 24)
    tensors, values = reader.u64(8), reader.u64(16)
    metadata = cursor.metadata(values)
    sizes = [cursor.tensor() for _ in _checked_range(tensors, _MAX_TENSORS, "tensors")]
    alignment = metadata.get("general.alignment", 32)
    if not isinstance(alignment, int) or alignment < 1:
        raise BrokenError(f"general.alignment is {alignment!r}")
    start = -(-cursor.at // alignment) * alignment
    for name, offset, size, _, _ in sizes:
        if start + offset + size > reader.size:
            raise truncated(f'tensor "{name}"', start + offset + size)
    types = Counter(dtype for *_, dtype in sizes)
    return Inspection(
        "gguf",
        TITLES["gguf"],
        parameters=sum(count for *_, count, _ in sizes),
        dtypes=tuple(sorted(types)),
        facts=tuple(
            (_FACT_LABELS[key], str(metadata[key])) for key in _FACT_LABELS if key in metadata
        ),
    )


def _checked_range(count: int, most: int, what: str) -> range:
    """range(count). Raises BrokenError when no model has so many."""
    if count > most:
        raise BrokenError(f"the header claims {count:,} {what}")
    return range(count)


class _Cursor:
    """Reads consecutive values, from `at` on."""

    def __init__(self, reader: BoundedReader, at: int) -> None:
        self.reader = reader
        self.at = at

    def metadata(self, count: int) -> dict[str, object]:
        """The scalar values of the keys that are of use."""
        found: dict[str, object] = {}
        for _ in _checked_range(count, _MAX_KEYS, "keys"):
            key, kind = self._string(), self._u32()
            value = self._value(kind, key)
            if key in _KEPT:
                found[key] = value
        return found

    def tensor(self) -> tuple[str, int, int, int, str]:
        """A tensor's name, offset, bytes, number of weights and type."""
        name, dimensions = self._string(), self._u32()
        if dimensions > _MAX_DIMENSIONS:
            raise BrokenError(f'tensor "{name}" has {dimensions:,} dimensions')
        weights = prod(self._u64() for _ in range(dimensions))
        kind, offset = self._u32(), self._u64()
        title, block, size = _TYPES.get(kind, (f"type {kind}", 1, 0))
        return name, offset, -(-weights // block) * size, weights, title

    def _value(self, kind: int, key: str) -> object:
        if kind == _STRING:
            return self._string()
        if kind == _ARRAY:
            self._skip_array(key)
            return None
        return int.from_bytes(self._take(self._width(kind, key)), "little")

    def _skip_array(self, key: str) -> None:
        kind, count = self._u32(), self._u64()
        if kind == _STRING:
            self._skip_strings(count)
        else:
            width = self._width(kind, key)
            self.at = self.reader.need(self.at, count * width, f"the list {key}")

    def _skip_strings(self, count: int) -> None:
        """Move past a vocabulary; large ones have 300,000 words."""
        window, begin = b"", self.at
        unpack = struct.Struct("<Q").unpack_from
        at = self.at
        for _ in _checked_range(count, _MAX_WORDS, "words"):
            if at + 8 > begin + len(window):
                window, begin = self.reader.peek(at, _WINDOW), at
                self.reader.need(at, 8, "a list of strings")
            at += 8 + unpack(window, at - begin)[0]
        self.at = self.reader.need(at, 0, "a list of strings")

    def _width(self, kind: int, key: str) -> int:
        if kind not in _WIDTHS:
            raise BrokenError(f"{key or 'a value'} is of unknown type {kind}")
        return _WIDTHS[kind]

    def _string(self) -> str:
        length = self._u64()
        content = self.reader.peek(self.at, min(length, _MAX_NAME_BYTES))
        self.at = self.reader.need(self.at, length, "a string in the header")
        return readable(content)

    def _u32(self) -> int:
        return int.from_bytes(self._take(4), "little")

    def _u64(self) -> int:
        return int.from_bytes(self._take(8), "little")

    def _take(self, count: int) -> bytes:
        content = self.reader.read(self.at, count, "the header")
        self.at += count
        return content

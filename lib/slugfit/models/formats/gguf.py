"""GGUF. Source: docs/gguf.md of the ggml project."""

from __future__ import annotations

import struct
from collections import Counter
from math import prod

from slugfit.models.formats.inspection import TITLES, Inspection
from slugfit.models.formats.reader import BrokenError, Reader, cut, readable

_VERSIONS = (2, 3)
_STRING, _ARRAY = 8, 9
_WIDTHS = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
# The bytes that so many weights take together, by type: name, weights, bytes.
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
_MOST_DIMENSIONS = 8
_MOST_TENSORS = _MOST_KEYS = 100_000
_MOST_WORDS = 10_000_000  # thirty times the largest vocabulary
_LONGEST_NAME = 1 << 16
_WINDOW = 1 << 20
_TOLD = {"general.architecture": "architecture", "general.name": "name"}


def recognises(reader: Reader) -> bool:
    return reader.head.startswith(b"GGUF")


def inspect(reader: Reader) -> Inspection:
    """Raises BrokenError."""
    version = reader.u32(4)
    if version not in _VERSIONS:  # or big-endian, which makes it a large number
        return Inspection("gguf", TITLES["gguf"])
    cursor = _Cursor(reader, 24)
    tensors, values = reader.u64(8), reader.u64(16)
    metadata = cursor.metadata(values)
    sizes = [cursor.tensor() for _ in _bounded(tensors, _MOST_TENSORS, "tensors")]
    alignment = metadata.get("general.alignment", 32)
    if not isinstance(alignment, int) or alignment < 1:
        raise BrokenError(f"it is aligned to {alignment!r}")
    start = -(-cursor.at // alignment) * alignment
    for name, offset, size, _, _ in sizes:
        if start + offset + size > reader.size:
            raise cut(f'tensor "{name}"', start + offset + size)
    types = Counter(dtype for *_, dtype in sizes)
    return Inspection(
        "gguf",
        TITLES["gguf"],
        parameters=sum(count for *_, count, _ in sizes),
        dtypes=tuple(sorted(types)),
        facts=tuple((_TOLD[key], str(metadata[key])) for key in _TOLD if key in metadata),
    )


def _bounded(count: int, most: int, what: str) -> range:
    """As many turns as there are of something, which no model has more of than `most`."""
    if count > most:
        raise BrokenError(f"it is said to have {count:,} {what}")
    return range(count)


class _Cursor:
    """Reads one thing after another, from `at` on."""

    def __init__(self, reader: Reader, at: int) -> None:
        self.reader = reader
        self.at = at

    def metadata(self, count: int) -> dict[str, object]:
        """The values that are no arrays, by key."""
        found: dict[str, object] = {}
        for _ in _bounded(count, _MOST_KEYS, "keys"):
            key, kind = self._string(), self._u32()
            found[key] = self._value(kind, key)
        return found

    def tensor(self) -> tuple[str, int, int, int, str]:
        """Name, offset, bytes, weights and type of a tensor."""
        name, dimensions = self._string(), self._u32()
        if dimensions > _MOST_DIMENSIONS:
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
        """Past a vocabulary, of which some have 300,000 words."""
        window, begin = b"", self.at
        unpack = struct.Struct("<Q").unpack_from
        at = self.at
        for _ in _bounded(count, _MOST_WORDS, "words"):
            if at + 8 > begin + len(window):
                window, begin = self.reader.peek(at, _WINDOW), at
                self.reader.need(at, 8, "a list of words")
            at += 8 + unpack(window, at - begin)[0]
        self.at = self.reader.need(at, 0, "a list of words")

    def _width(self, kind: int, key: str) -> int:
        if kind not in _WIDTHS:
            raise BrokenError(f"{key or 'a value'} is of type {kind}, which there is not")
        return _WIDTHS[kind]

    def _string(self) -> str:
        length = self._u64()
        content = self.reader.peek(self.at, min(length, _LONGEST_NAME))
        self.at = self.reader.need(self.at, length, "a text in the header")
        return readable(content)

    def _u32(self) -> int:
        return int.from_bytes(self._take(4), "little")

    def _u64(self) -> int:
        return int.from_bytes(self._take(8), "little")

    def _take(self, count: int) -> bytes:
        content = self.reader.read(self.at, count, "the header")
        self.at += count
        return content

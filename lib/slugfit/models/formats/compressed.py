"""Files that are compressed as a whole, as joblib does it: by their first bytes, and to the end."""

from __future__ import annotations

import bz2
import lzma
import zlib
from collections.abc import Callable
from typing import Protocol

from slugfit.models.formats.reader import BrokenError, Reader

_MEMORY = 128 << 20
_INPUT, _OUTPUT = 1 << 16, 1 << 20
_HEAD = 64
_FIRST_BLOCK = 1 << 20  # of bzip2, before which nothing comes out
# What is unpacked to find the end. The end of more is left to who loads it.
_MOST_PACKED, _MOST_UNPACKED = 8 << 20, 64 << 20


class _Decompressor(Protocol):
    @property
    def eof(self) -> bool: ...
    def decompress(self, data: bytes, max_length: int = ..., /) -> bytes: ...


class _Zlib:
    """zlib's, which hands back what it had no room for, in the manner of the others."""

    def __init__(self, window: int) -> None:
        self._inner = zlib.decompressobj(window)

    @property
    def eof(self) -> bool:
        return self._inner.eof

    def decompress(self, data: bytes, max_length: int = 0, /) -> bytes:
        return self._inner.decompress(self._inner.unconsumed_tail + data, max_length)


_METHODS: dict[str, tuple[tuple[bytes, ...], Callable[[], _Decompressor] | None]] = {
    "gzip": ((b"\x1f\x8b",), lambda: _Zlib(31)),
    "zlib": ((b"\x78\x01", b"\x78\x5e", b"\x78\x9c", b"\x78\xda"), lambda: _Zlib(15)),
    "bzip2": ((b"BZh",), bz2.BZ2Decompressor),
    "xz": ((b"\xfd7zXZ\0",), lambda: lzma.LZMADecompressor(memlimit=_MEMORY)),
    "lzma": ((b"\x5d\0\0",), lambda: lzma.LZMADecompressor(memlimit=_MEMORY)),
    "lz4": ((b"\x04\x22\x4d\x18",), None),
}
_ERRORS = (zlib.error, lzma.LZMAError, OSError, EOFError)


def method(reader: Reader) -> str | None:
    """How the file is compressed, as far as its first bytes tell."""
    start = reader.peek(0, 6)
    return next((m for m, (magics, _) in _METHODS.items() if start.startswith(magics)), None)


def head(reader: Reader) -> bytes:
    """The first bytes of what was compressed; none where it is not, or by lz4."""
    decompressor = _decompressor(reader)
    try:
        return decompressor.decompress(reader.peek(0, _FIRST_BLOCK), _HEAD) if decompressor else b""
    except _ERRORS:
        return b""


def check(reader: Reader) -> None:
    """Raise BrokenError when a small file's content is damaged or has no end."""
    decompressor = _decompressor(reader)
    if decompressor is None or reader.size > _MOST_PACKED:
        return
    at = unpacked = 0
    while not decompressor.eof and unpacked < _MOST_UNPACKED:
        try:
            piece = decompressor.decompress(reader.peek(at, _INPUT), _OUTPUT)
        except _ERRORS:
            raise BrokenError(
                f"what is compressed is damaged before byte {at + _INPUT:,}"
            ) from None
        if at >= reader.size and not piece:
            raise BrokenError("what is compressed has no end")
        at += _INPUT
        unpacked += len(piece)


def _decompressor(reader: Reader) -> _Decompressor | None:
    make = _METHODS.get(method(reader) or "", ((), None))[1]
    return make() if make else None

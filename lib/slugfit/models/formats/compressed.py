"""Files compressed as a whole, as joblib writes them: detection and an integrity check."""

from __future__ import annotations

import bz2
import lzma
import zlib
from collections.abc import Callable
from typing import Protocol

from slugfit.models.formats.reader import BoundedReader, BrokenError

_MEMORY = 128 << 20
_INPUT, _OUTPUT = 1 << 16, 1 << 20
_HEAD = 64
_FIRST_BLOCK = 1 << 20  # bytes; bzip2 outputs nothing before its first block is complete
# Limits of the integrity check. Larger files are checked only when they are loaded.
_MAX_COMPRESSED_BYTES, _MAX_DECOMPRESSED_BYTES = 8 << 20, 64 << 20


class _Decompressor(Protocol):
    @property
    def eof(self) -> bool: ...
    def decompress(self, data: bytes, max_length: int = ..., /) -> bytes: ...


class _Zlib:
    """zlib's decompressor with the interface of bz2's and lzma's: it keeps unconsumed input."""

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


def method(reader: BoundedReader) -> str | None:
    """The compression method, judged by the first bytes; None for uncompressed files."""
    start = reader.peek(0, 6)
    return next((m for m, (magics, _) in _METHODS.items() if start.startswith(magics)), None)


def head(reader: BoundedReader) -> bytes:
    """The first decompressed bytes; empty for uncompressed files and for lz4."""
    decompressor = _decompressor(reader)
    try:
        return decompressor.decompress(reader.peek(0, _FIRST_BLOCK), _HEAD) if decompressor else b""
    except _ERRORS:
        return b""


def check(reader: BoundedReader) -> None:
    """Raise BrokenError when the compressed data of a small file is damaged or truncated."""
    decompressor = _decompressor(reader)
    if decompressor is None or reader.size > _MAX_COMPRESSED_BYTES:
        return
    at = decompressed = 0
    while not decompressor.eof and decompressed < _MAX_DECOMPRESSED_BYTES:
        try:
            piece = decompressor.decompress(reader.peek(at, _INPUT), _OUTPUT)
        except _ERRORS:
            raise BrokenError(
                f"the compressed data is damaged before byte {at + _INPUT:,}"
            ) from None
        if at >= reader.size and not piece:
            raise BrokenError("the compressed data is truncated")
        at += _INPUT
        decompressed += len(piece)


def _decompressor(reader: BoundedReader) -> _Decompressor | None:
    make = _METHODS.get(method(reader) or "", ((), None))[1]
    return make() if make else None

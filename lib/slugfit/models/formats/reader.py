"""Bounded reads of an untrusted file of any size."""

from __future__ import annotations

import os
import struct
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from math import prod
from pathlib import Path

_PAGE_BITS = 14
_PAGE = 1 << _PAGE_BITS
_PAGES = 256  # 4 MiB of the file in memory
_PIECE = 1 << 20
_HEAD = 4096
_NEAR = 256
_MAX_DIMENSIONS = 64  # as in NumPy
_MAX_READ_BYTES = 32 << 20  # at once; longer than any real header

_U16, _U32, _I32, _U64 = (struct.Struct(f"<{code}") for code in "HIiQ")


class BrokenError(ValueError):
    """Content that violates its format. Its message and `fix` are shown to the user."""

    def __init__(self, problem: str, fix: str = "") -> None:
        super().__init__(problem)
        self.fix = fix


def truncated(what: str, end: int) -> BrokenError:
    """The file ends before `what` does, at byte `end`."""
    return BrokenError(f"{what} should extend to byte {end:,}")


class BoundedReader:
    """A file read by pages, with an LRU cache of 4 MiB. Numbers are little-endian."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self.size = os.fstat(descriptor).st_size
        self._descriptor = descriptor
        self._pages: OrderedDict[int, bytes] = OrderedDict()
        self.head = self.peek(0, _HEAD)

    def peek(self, offset: int, count: int) -> bytes:
        """Up to `count` bytes at `offset`; fewer at the end of the file."""
        count = min(count, self.size - offset)
        if count <= 0 or offset < 0:
            return b""
        start = offset & (_PAGE - 1)
        if start + count <= _PAGE:
            return self._page(offset >> _PAGE_BITS)[start : start + count]
        return os.pread(self._descriptor, count, offset)

    def read(self, offset: int, count: int, what: str = "a part of the file") -> bytes:
        """Exactly `count` bytes at `offset`. Raises BrokenError when the file ends first."""
        self.need(offset, count, what)
        if count > _MAX_READ_BYTES:
            raise BrokenError(f"{what} claims {count:,} bytes")
        return self.peek(offset, count)

    def need(self, offset: int, count: int, what: str) -> int:
        """The end of `count` bytes at `offset`. Raises BrokenError when the file ends first."""
        if offset < 0 or count < 0 or offset + count > self.size:
            raise truncated(what, offset + count)
        return offset + count

    def unpack(self, form: struct.Struct, offset: int) -> tuple[int, ...]:
        return form.unpack(self.read(offset, form.size))

    def u8(self, offset: int) -> int:
        return self.read(offset, 1)[0]

    def u16(self, offset: int) -> int:
        return int(_U16.unpack(self.read(offset, 2))[0])

    def u32(self, offset: int) -> int:
        return int(_U32.unpack(self.read(offset, 4))[0])

    def i32(self, offset: int) -> int:
        return int(_I32.unpack(self.read(offset, 4))[0])

    def u64(self, offset: int) -> int:
        return int(_U64.unpack(self.read(offset, 8))[0])

    def pieces(self, limit: int) -> Iterator[bytes]:
        """The first `limit` bytes, a piece at a time."""
        for offset in range(0, min(limit, self.size), _PIECE):
            yield self.peek(offset, min(_PIECE, limit - offset))

    def find(self, byte: bytes, start: int) -> int:
        """The offset of the first `byte` from `start` on. Raises BrokenError after 32 MiB."""
        length, last = _NEAR, start + _MAX_READ_BYTES
        while start < last and (piece := self.peek(start, length)):
            if (found := piece.find(byte)) >= 0:
                return start + found
            start, length = start + len(piece), _PIECE
        raise BrokenError("a line is unterminated")

    def contains(self, word: bytes, limit: int) -> bool:
        """Whether the first `limit` bytes contain `word`."""
        before = b""
        for piece in self.pieces(limit):
            if word in before + piece:
                return True
            before = piece[-len(word) :]
        return False

    def _page(self, index: int) -> bytes:
        page = self._pages.get(index)
        if page is None:
            page = self._pages[index] = os.pread(self._descriptor, _PAGE, index << _PAGE_BITS)
            if len(self._pages) > _PAGES:
                self._pages.popitem(last=False)
        return page


def readable(text: bytes | str) -> str:
    """Untrusted text without control characters, which a terminal would obey."""
    decoded = text.decode(errors="replace") if isinstance(text, bytes) else text
    return "".join(c if c.isprintable() else "\ufffd" for c in decoded)


def elements(shape: Sequence[int], what: str) -> int:
    """The number of elements of a tensor. Raises BrokenError for an impossible rank."""
    if len(shape) > _MAX_DIMENSIONS:
        raise BrokenError(f"{what} has {len(shape):,} dimensions")
    return prod(max(size, 0) for size in shape)


@contextmanager
def reading(path: Path) -> Iterator[BoundedReader]:
    with path.open("rb") as file:
        yield BoundedReader(path, file.fileno())

"""Bounded reads of a file, however large, in which no length is to be trusted."""

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
_MOST_DIMENSIONS = 64  # as in NumPy
_LONGEST = 32 << 20  # what is read at once; nobody's header is longer

_U16, _U32, _I32, _U64 = (struct.Struct(f"<{code}") for code in "HIiQ")


class BrokenError(ValueError):
    """A content that is not as its format has it. Its text is for people, as is the `fix`."""

    def __init__(self, problem: str, fix: str = "") -> None:
        super().__init__(problem)
        self.fix = fix


def cut(what: str, end: int) -> BrokenError:
    """The file ends before `what` does."""
    return BrokenError(f"{what} should reach to byte {end:,}")


class Reader:
    """A file by pages, of which the last ones used stay in memory. Numbers are little-endian."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self.size = os.fstat(descriptor).st_size
        self._descriptor = descriptor
        self._pages: OrderedDict[int, bytes] = OrderedDict()
        self.head = self.peek(0, _HEAD)

    def peek(self, offset: int, count: int) -> bytes:
        """As many of `count` bytes as the file has at `offset`."""
        count = min(count, self.size - offset)
        if count <= 0 or offset < 0:
            return b""
        start = offset & (_PAGE - 1)
        if start + count <= _PAGE:
            return self._page(offset >> _PAGE_BITS)[start : start + count]
        return os.pread(self._descriptor, count, offset)

    def read(self, offset: int, count: int, what: str = "a part of it") -> bytes:
        """`count` bytes from `offset` on. Raises BrokenError when the file ends before."""
        self.need(offset, count, what)
        if count > _LONGEST:
            raise BrokenError(f"{what} is said to have {count:,} bytes")
        return self.peek(offset, count)

    def need(self, offset: int, count: int, what: str) -> int:
        """Where `count` bytes from `offset` on end. Raises BrokenError when the file ends first."""
        if offset < 0 or count < 0 or offset + count > self.size:
            raise cut(what, offset + count)
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
        """Where the first such byte from `start` on is. Raises BrokenError when none is near."""
        length, last = _NEAR, start + _LONGEST
        while start < last and (piece := self.peek(start, length)):
            if (found := piece.find(byte)) >= 0:
                return start + found
            start, length = start + len(piece), _PIECE
        raise BrokenError("a line has no end")

    def contains(self, word: bytes, limit: int) -> bool:
        """Whether `word` is among the first `limit` bytes."""
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
    """A text from a file, which may have anything in it that a terminal would obey."""
    decoded = text.decode(errors="replace") if isinstance(text, bytes) else text
    return "".join(c if c.isprintable() else "\ufffd" for c in decoded)


def elements(shape: Sequence[int], what: str) -> int:
    """How many elements a tensor has. Raises BrokenError when no tensor has such a shape."""
    if len(shape) > _MOST_DIMENSIONS:
        raise BrokenError(f"{what} has {len(shape):,} dimensions")
    return prod(max(size, 0) for size in shape)


@contextmanager
def reading(path: Path) -> Iterator[Reader]:
    with path.open("rb") as file:
        yield Reader(path, file.fileno())

"""Checks that a UBJSON document is complete.

Source: "Type Reference" of the UBJSON specification.
"""

from __future__ import annotations

from slugfit.models.formats.reader import BoundedReader, BrokenError

_WIDTHS = {
    **dict.fromkeys(b"ZTFN", 0),
    **dict.fromkeys(b"iUCB", 1),
    **dict.fromkeys(b"Iuh", 2),
    **dict.fromkeys(b"ldm", 4),
    **dict.fromkeys(b"LDM", 8),
}
_SIGNED = frozenset(b"iIlL")
_TEXTS = frozenset(b"SH")
_OPEN = {ord("{"): ord("}"), ord("["): ord("]")}
_MAX_VALUES = 300_000  # about half a second; longer documents are not checked to their end
_MAX_DEPTH = 100


def check(reader: BoundedReader) -> None:
    """Raise BrokenError when the document is truncated or has an invalid value."""
    walk = _Walk(reader)
    walk.value(reader.u8(0), 1)


class _Walk:
    """Traverses values. `stack` has the closing markers of open containers."""

    def __init__(self, reader: BoundedReader) -> None:
        self._reader = reader
        self._left = _MAX_VALUES
        self._depth = 0

    def value(self, mark: int, at: int) -> int:
        """The end of the value whose marker is before `at`."""
        stack: list[int] = []
        at = self._enter(mark, at, stack)
        while stack and self._left > 0:
            self._left -= 1
            mark = self._reader.u8(at)
            if mark == stack[-1]:
                stack.pop()
                at += 1
                continue
            if stack[-1] == ord("}"):
                at = self._text(at)
                mark = self._reader.u8(at)
            at = self._enter(mark, at + 1, stack)
        return at

    def _enter(self, mark: int, at: int, stack: list[int]) -> int:
        """Move past a scalar or counted container, or into one that ends with a marker."""
        if mark in _TEXTS:
            return self._text(at)
        if mark not in _OPEN:
            return self._reader.need(at, self._width(mark, at), "a value")
        kind = 0
        if self._reader.peek(at, 1) == b"$":
            kind = self._reader.u8(at + 1)
            at += 2
        if self._reader.peek(at, 1) == b"#":
            return self._counted(mark, kind, at + 1)
        if len(stack) >= _MAX_DEPTH:
            raise BrokenError("its values are nested too deeply")
        stack.append(_OPEN[mark])
        return at

    def _counted(self, mark: int, kind: int, at: int) -> int:
        """Move past a container that states its number of values."""
        count, at = self._integer(at)
        if mark == ord("[") and kind in _WIDTHS:
            return self._reader.need(at, count * _WIDTHS[kind], "a list of numbers")
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise BrokenError("its values are nested too deeply")
        for _ in range(count):
            self._left -= 1
            if self._left <= 0:
                return at
            if mark == ord("{"):
                at = self._text(at)
            each = kind or self._reader.u8(at)
            at = self.value(each, at if kind else at + 1)
        self._depth -= 1
        return at

    def _text(self, at: int) -> int:
        length, at = self._integer(at)
        return self._reader.need(at, length, "a string")

    def _integer(self, at: int) -> tuple[int, int]:
        """A length, and the offset after it."""
        mark = self._reader.u8(at)
        width = self._width(mark, at)
        number = int.from_bytes(self._reader.read(at + 1, width), "big", signed=mark in _SIGNED)
        if number < 0:
            raise BrokenError(f"it has a length of {number:,} at byte {at:,}")
        return number, at + 1 + width

    def _width(self, mark: int, at: int) -> int:
        if mark not in _WIDTHS:
            raise BrokenError(f"it has an invalid value at byte {at:,}")
        return _WIDTHS[mark]

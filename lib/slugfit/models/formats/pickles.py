"""Pickles, of which the opcodes are followed and none is ever executed.

joblib writes arrays between the opcodes, as they are in memory: what comes after the first one
is not looked at, but its end is, which is a pickle's.
"""

from __future__ import annotations

import pickletools
from dataclasses import replace
from typing import Literal

from slugfit.models.formats import compressed
from slugfit.models.formats.inspection import TITLES, Inspection
from slugfit.models.formats.reader import BrokenError, Reader

_STOP, _FRAME = ord("."), 0x95
_MOST_OPCODES = 100_000
# How many bytes an opcode's argument has; less than zero where the argument itself says so.
_ARGUMENTS = {ord(op.code): op.arg.n if op.arg else 0 for op in pickletools.opcodes}
_TEXTS = frozenset(b"VXUT\x8c\x8d")
_TWO_LINES = {ord("c"), ord("i")}
_LENGTHS = {
    pickletools.TAKEN_FROM_ARGUMENT1: 1,
    pickletools.TAKEN_FROM_ARGUMENT4: 4,
    pickletools.TAKEN_FROM_ARGUMENT4U: 4,
    pickletools.TAKEN_FROM_ARGUMENT8U: 8,
}

INSPECTION = Inspection("pickle", TITLES["pickle"], unpickles=True)

_End = Literal["stop", "cut", "far"]


def recognises(reader: Reader) -> bool:
    """Whether it begins as pickles have since Python 2.3: with their protocol's number."""
    return _begins(reader.head)


def inspect(reader: Reader) -> Inspection:
    """Raises BrokenError."""
    if _follow(reader) == "cut" and not _ends(reader):
        raise BrokenError("its end is missing")
    return INSPECTION


def recognises_compressed(reader: Reader) -> bool:
    return _begins(compressed.head(reader))


def inspect_compressed(reader: Reader) -> Inspection:
    """Raises BrokenError."""
    compressed.check(reader)
    title = f"{TITLES['pickle']}, compressed ({compressed.method(reader)})"
    return replace(INSPECTION, title=title)


def recognises_named(reader: Reader) -> bool:
    """Whether a file that is called one is one, also if compressed by lz4 or of protocol 0 or 1."""
    if compressed.method(reader):
        return True
    end = _follow(reader)
    return end == "stop" or (end == "far" and _ends(reader))


def inspect_named(reader: Reader) -> Inspection:
    """Raises BrokenError."""
    return inspect_compressed(reader) if compressed.method(reader) else INSPECTION


def skip(reader: Reader, at: int) -> tuple[int | None, int]:
    """Where the pickle at `at` ends, and how many texts are in it; None if it is a long one.

    Raises BrokenError when it does not end.
    """
    texts = 0
    for _ in range(_MOST_OPCODES):
        code = reader.u8(at)
        if code == _STOP:
            return at + 1, texts
        texts += code in _TEXTS
        after = at + 9 if code == _FRAME else _after(reader, at, code)
        if after is None:
            raise BrokenError(f"its pickle breaks off at byte {at:,}")
        at = after
    return None, texts


def _begins(head: bytes) -> bool:
    return len(head) > 2 and head[0] == 0x80 and 2 <= head[1] <= 5 and head[2] in _ARGUMENTS


def _ends(reader: Reader) -> bool:
    return reader.u8(reader.size - 1) == _STOP


def _follow(reader: Reader) -> _End:
    """How the opcodes end: with a STOP, cut off by what is none or by the file's end, or far off.

    Frames are skipped. After one that ends with a STOP, there may be anything.
    """
    at, stopped = 0, False
    for _ in range(_MOST_OPCODES):
        code = reader.u8(at) if at < reader.size else None
        if code == _STOP:
            return "stop"
        after = None if code is None else _after(reader, at, code)
        if after is None or after > reader.size:
            return "stop" if stopped else "cut"
        stopped = stopped or (code == _FRAME and reader.u8(after - 1) == _STOP)
        at = after
    return "far"


def _after(reader: Reader, at: int, code: int) -> int | None:
    """Where the next opcode is; that of a frame comes after all that the frame has."""
    size = _ARGUMENTS.get(code)
    try:
        if size is None:
            return None
        if size == pickletools.UP_TO_NEWLINE:
            end = reader.find(b"\n", at + 1)
            return 1 + (reader.find(b"\n", end + 1) if code in _TWO_LINES else end)
        if size >= 0:
            return at + 1 + size + (reader.u64(at + 1) if code == _FRAME else 0)
        width = _LENGTHS[size]
        return at + 1 + width + int.from_bytes(reader.read(at + 1, width), "little")
    except BrokenError:
        return None

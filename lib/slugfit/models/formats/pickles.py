"""Pickles. Opcodes are followed, and never executed.

joblib writes raw arrays between the opcodes: what follows the first array is not inspected, except
for the end of the file, which has to be that of a pickle.
"""

from __future__ import annotations

import pickletools
from dataclasses import replace
from typing import Literal

from slugfit.models.formats import compressed
from slugfit.models.formats.inspection import TITLES, Inspection
from slugfit.models.formats.reader import BoundedReader, BrokenError

_STOP, _FRAME = ord("."), 0x95
_MAX_OPCODES = 100_000
# Bytes of each opcode's argument; negative where the argument has its own length.
_ARGUMENTS = {ord(op.code): op.arg.n if op.arg else 0 for op in pickletools.opcodes}
_TEXTS = frozenset(b"VXUT\x8c\x8d")
_TWO_LINES = {ord("c"), ord("i")}
_LENGTHS = {
    pickletools.TAKEN_FROM_ARGUMENT1: 1,
    pickletools.TAKEN_FROM_ARGUMENT4: 4,
    pickletools.TAKEN_FROM_ARGUMENT4U: 4,
    pickletools.TAKEN_FROM_ARGUMENT8U: 8,
}

INSPECTION = Inspection("pickle", TITLES["pickle"], code="a pickle")

_End = Literal["stop", "cut", "far"]


def recognises(reader: BoundedReader) -> bool:
    """Whether it begins with a protocol number, as pickles do since protocol 2 (Python 2.3)."""
    return _begins(reader.head)


def inspect(reader: BoundedReader) -> Inspection:
    """Inspect the model. Raises BrokenError."""
    if _follow(reader) == "cut" and not _ends(reader):
        raise BrokenError("it is truncated")
    return INSPECTION


def recognises_compressed(reader: BoundedReader) -> bool:
    return _begins(compressed.head(reader))


def inspect_compressed(reader: BoundedReader) -> Inspection:
    """Inspect the model. Raises BrokenError."""
    compressed.check(reader)
    title = f"{TITLES['pickle']}, compressed ({compressed.method(reader)})"
    return replace(INSPECTION, title=title)


def recognises_named(reader: BoundedReader) -> bool:
    """Whether a file with a pickle's name is one: also of protocol 0 or 1, or lz4-compressed."""
    if compressed.method(reader):
        return True
    end = _follow(reader)
    return end == "stop" or (end == "far" and _ends(reader))


def inspect_named(reader: BoundedReader) -> Inspection:
    """Inspect the model. Raises BrokenError."""
    return inspect_compressed(reader) if compressed.method(reader) else INSPECTION


def skip(reader: BoundedReader, at: int) -> tuple[int | None, int]:
    """Where the pickle at `at` ends (None for a very long one), and how many strings it has.

    Raises BrokenError when it is truncated or damaged.
    """
    texts = 0
    for _ in range(_MAX_OPCODES):
        code = reader.u8(at)
        if code == _STOP:
            return at + 1, texts
        texts += code in _TEXTS
        after = at + 9 if code == _FRAME else _after(reader, at, code)
        if after is None:
            raise BrokenError(f"its pickle is damaged at byte {at:,}")
        at = after
    return None, texts


def _begins(head: bytes) -> bool:
    return len(head) > 2 and head[0] == 0x80 and 2 <= head[1] <= 5 and head[2] in _ARGUMENTS


def _ends(reader: BoundedReader) -> bool:
    return reader.u8(reader.size - 1) == _STOP


def _follow(reader: BoundedReader) -> _End:
    """How the opcodes end: with STOP, cut off, or beyond the number of opcodes to follow.

    Cut off means by an invalid opcode or by the end of the file. Frames are skipped; anything may
    follow a frame that ends with STOP.
    """
    at, stopped = 0, False
    for _ in range(_MAX_OPCODES):
        code = reader.u8(at) if at < reader.size else None
        if code == _STOP:
            return "stop"
        after = None if code is None else _after(reader, at, code)
        if after is None or after > reader.size:
            return "stop" if stopped else "cut"
        stopped = stopped or (code == _FRAME and reader.u8(after - 1) == _STOP)
        at = after
    return "far"


def _after(reader: BoundedReader, at: int, code: int) -> int | None:
    """The next opcode's offset, after a FRAME that of the frame's end; None if invalid."""
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

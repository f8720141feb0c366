"""Text attributes of an HDF5 file's root group, read without any library.

Only what h5py writes for a text is followed. Everything else that could hold one (shared messages,
attributes in a heap of their own, arrays) raises UnreadableAttributeError: who decides by an
attribute must not overlook one. Source: "HDF5 File Format Specification".
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from slugfit.models.formats.reader import BoundedReader, BrokenError

_MAX_BYTES = 16 << 20
_MAX_BLOCKS, _MAX_MESSAGES, _MAX_HEAP_OBJECTS = 64, 4096, 65_536
_ATTRIBUTE, _CONTINUATION, _ATTRIBUTE_INFO = 0x0C, 0x10, 0x15
_SHARED = 0x02  # flag of a message: its content is elsewhere
_STRING, _VARIABLE = 3, 9  # classes of data types
_ALIGNED = 8


class UnreadableAttributeError(BrokenError):
    """It is not known what the attributes say."""


@dataclass(frozen=True)
class Hdf5Layout:
    """Where an HDF5 file begins, and how wide its offsets and lengths are, in bytes."""

    reader: BoundedReader
    start: int
    offset_width: int
    length_width: int
    root: int

    @classmethod
    def of(cls, reader: BoundedReader, start: int) -> Hdf5Layout:
        """The layout of the file whose superblock is at `start`."""
        version = reader.u8(start + 8)
        old = version < 2
        if version > 3:
            raise UnreadableAttributeError(f"it has a superblock of version {version}")
        offset_width, length_width = reader.read(start + (13 if old else 9), 2)
        if offset_width not in (4, 8) or length_width not in (4, 8):
            raise UnreadableAttributeError("it has offsets of an unusual width")
        first = start + (24 + 4 * version if old else 12)
        base = int.from_bytes(reader.read(first, offset_width), "little")
        # After four addresses come the root group's name and its header, or the header itself.
        at = first + offset_width * (5 if old else 3)
        root = int.from_bytes(reader.read(at, offset_width), "little")
        if base != start:
            raise UnreadableAttributeError("its addresses do not count from its beginning")
        return cls(reader, start, offset_width, length_width, start + root)

    def offset(self, at: int) -> int:
        """The position in the file that the address at `at` names."""
        value = int.from_bytes(self.reader.read(at, self.offset_width), "little")
        return self.start + value

    def length(self, at: int) -> int:
        return int.from_bytes(self.reader.read(at, self.length_width), "little")


@dataclass(frozen=True)
class _Message:
    kind: int
    flags: int
    at: int
    size: int


def text_attributes(reader: BoundedReader, start: int, name: str) -> tuple[bytes, ...]:
    """The values of the root group's attributes of this `name`: none, one, or more.

    Raises UnreadableAttributeError, or another BrokenError.
    """
    layout = Hdf5Layout.of(reader, start)
    found: list[bytes] = []
    for message in _messages(layout):
        if message.kind == _ATTRIBUTE_INFO and _has_heap(layout, message):
            raise UnreadableAttributeError("its attributes are in a heap")
        if message.kind == _ATTRIBUTE:
            if message.flags & _SHARED:
                raise UnreadableAttributeError("an attribute is shared")
            found += _value(layout, message, name.encode())
    return tuple(found)


def _has_heap(layout: Hdf5Layout, message: _Message) -> bool:
    flags = layout.reader.u8(message.at + 1)
    at = message.at + 2 + (2 if flags & 1 else 0)
    return layout.reader.read(at, layout.offset_width) != b"\xff" * layout.offset_width


def _messages(layout: Hdf5Layout) -> Iterator[_Message]:
    """The messages of the root group's header, in all of its blocks."""
    reader, root = layout.reader, layout.root
    is_new = reader.peek(root, 4) == b"OHDR"
    if not is_new and reader.u8(root) != 1:
        raise UnreadableAttributeError("its root group has an unknown header")
    flags = reader.u8(root + 5) if is_new else 0
    blocks = [_new_block(reader, root, flags) if is_new else (root + 16, reader.u32(root + 8))]
    count = 0
    for number in range(_MAX_BLOCKS):
        if number == len(blocks):
            return
        for message in _block(layout, *blocks[number], flags if is_new else None):
            count += 1
            if count > _MAX_MESSAGES:
                break
            if message.kind == _CONTINUATION:
                blocks.append(_continued(layout, message, is_new=is_new))
            yield message
    raise UnreadableAttributeError("its root group has too many parts")


def _new_block(reader: BoundedReader, root: int, flags: int) -> tuple[int, int]:
    """Where the messages of a header of version 2 begin, and their bytes."""
    at = root + 6 + (16 if flags & 0x20 else 0) + (4 if flags & 0x10 else 0)
    width = 1 << (flags & 3)
    return at + width, int.from_bytes(reader.read(at, width), "little")


def _continued(layout: Hdf5Layout, message: _Message, *, is_new: bool) -> tuple[int, int]:
    at = layout.offset(message.at)
    size = layout.length(message.at + layout.offset_width)
    if not is_new:
        return at, size
    if layout.reader.peek(at, 4) != b"OCHK":
        raise UnreadableAttributeError("its root group has an unknown part")
    return at + 4, size - 8  # a checksum follows


def _block(layout: Hdf5Layout, at: int, size: int, flags: int | None) -> Iterator[_Message]:
    """The messages in these bytes; `flags` are those of a header of version 2."""
    reader = layout.reader
    end = reader.need(at, size, "its root group")
    head = 8 if flags is None else 6 if flags & 4 else 4
    while at + head <= end:
        if flags is None:
            message = _Message(reader.u16(at), reader.u8(at + 4), at + head, reader.u16(at + 2))
        else:
            message = _Message(reader.u8(at), reader.u8(at + 3), at + head, reader.u16(at + 1))
        at = message.at + message.size
        if at > end:
            raise UnreadableAttributeError("its root group has a message that exceeds it")
        yield message


def _value(layout: Hdf5Layout, message: _Message, name: bytes) -> Iterator[bytes]:
    """The value of an attribute, if it has this name."""
    reader, at = layout.reader, message.at
    version, flags = reader.u8(at), reader.u8(at + 1)
    sizes = [reader.u16(at + 2), reader.u16(at + 4), reader.u16(at + 6)]
    if version not in (1, 2, 3) or (version > 1 and flags & 3):
        raise UnreadableAttributeError("an attribute is of an unknown form")
    at += 9 if version == 3 else 8
    padded = [-(-size // _ALIGNED) * _ALIGNED if version == 1 else size for size in sizes]
    if reader.read(at, sizes[0]).split(b"\0")[0] != name:
        return
    kind = at + padded[0]
    space = kind + padded[1]
    data = space + padded[2]
    if reader.u8(space + 1) != 0:
        raise UnreadableAttributeError(f"{name.decode()} is an array")
    yield _text(layout, kind, data, message.at + message.size)


def _text(layout: Hdf5Layout, kind: int, data: int, end: int) -> bytes:
    """The text at `data`, of the data type at `kind`."""
    reader, of_class = layout.reader, layout.reader.u8(kind) & 0x0F
    if of_class == _STRING:
        size = reader.u32(kind + 4)
        if data + size > end:
            raise UnreadableAttributeError("an attribute exceeds its message")
        return reader.read(data, size).split(b"\0")[0]
    if of_class == _VARIABLE and reader.u8(kind + 1) & 0x0F == 1:
        size = reader.u32(data)
        heap = layout.offset(data + 4)
        return _from_heap(layout, heap, reader.u32(data + 4 + layout.offset_width), size)
    raise UnreadableAttributeError("an attribute is no text")


def _from_heap(layout: Hdf5Layout, heap: int, index: int, size: int) -> bytes:
    """The first `size` bytes of an object of a global heap."""
    reader = layout.reader
    if reader.peek(heap, 4) != b"GCOL" or size > _MAX_BYTES:
        raise UnreadableAttributeError("an attribute's text is not where it should be")
    end = heap + layout.length(heap + 8)
    at = heap + 8 + layout.length_width
    head = 8 + layout.length_width
    for _ in range(_MAX_HEAP_OBJECTS):
        number, length = reader.u16(at), layout.length(at + 8)
        if at + head > end or not number:
            break
        if number == index:
            if length < size:
                break
            return reader.read(at + head, size)
        at += head + -(-length // _ALIGNED) * _ALIGNED
    raise UnreadableAttributeError("an attribute's text is not where it should be")

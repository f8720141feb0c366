"""HDF5, in which Keras stores weights, or a whole model.

Source: "HDF5 File Format Specification", Superblock.
"""

from __future__ import annotations

from slugfit.models.formats.hdf5_attributes import text_attributes
from slugfit.models.formats.inspection import Inspection
from slugfit.models.formats.keras_code import UNREADABLE, code_in
from slugfit.models.formats.reader import BoundedReader, BrokenError, truncated

MAGIC = b"\x89HDF\r\n\x1a\n"
_TAR = b"ustar"
_LAST_OFFSET = 1 << 26  # the superblock is at 0, 512, or a larger power of two
_SEARCHED_BYTES = 8 << 20  # Keras writes its version before the weights


def recognises(reader: BoundedReader) -> bool:
    is_tar = reader.head.startswith(_TAR, 257)  # whose first member can be HDF5
    return not is_tar and _superblock(reader, 0, reader.size) is not None


def inspect(reader: BoundedReader) -> Inspection:
    """Inspect the model. Raises BrokenError."""
    check(reader, 0, reader.size, "the file")
    code = _code(reader)
    if code is None:
        keras = reader.contains(b"layer_names", _SEARCHED_BYTES) or reader.contains(
            b"keras_version", _SEARCHED_BYTES
        )
        return Inspection("hdf5", "Keras weights in HDF5" if keras else "HDF5")
    facts = (("contains", "a Keras model"),)
    return Inspection("hdf5", "Keras model in HDF5", code=code, facts=facts)


def _code(reader: BoundedReader) -> str | None:
    """What is code in a Keras model's configuration; None when there is none."""
    try:
        found = text_attributes(reader, _superblock(reader, 0, reader.size) or 0, "model_config")
    except BrokenError:
        return UNREADABLE
    if len(found) > 1:
        return UNREADABLE
    return code_in(found[0]) if found else None


def check(reader: BoundedReader, start: int, size: int, what: str) -> None:
    """Raise BrokenError when the HDF5 file in these bytes is shorter than its header says."""
    place = _superblock(reader, start, size)
    if place is None:
        raise BrokenError(f"{what} has no HDF5 header")
    version = reader.u8(start + place + 8)
    if version > 3:
        return
    # Versions 0 and 1 store the sizes of offsets and lengths four bytes later.
    width = reader.u8(start + place + (13 if version < 2 else 9))
    if width not in (2, 4, 8):
        raise BrokenError(f"{what} has offsets of {width} bytes")
    first = start + place + {0: 24, 1: 28, 2: 12, 3: 12}[version]
    base, _, end = (
        int.from_bytes(reader.read(first + index * width, width, what), "little")
        for index in range(3)
    )
    # The end is counted from when the file was written; a prefix can have been added since.
    if end != (1 << 8 * width) - 1 and size < end - base + place:
        raise truncated(what, end - base + place)


def _superblock(reader: BoundedReader, start: int, size: int) -> int | None:
    """The superblock's offset from `start`; None without one."""
    place = 0
    while place <= min(size, _LAST_OFFSET):
        if reader.peek(start + place, len(MAGIC)) == MAGIC:
            return place
        place = place * 2 or 512
    return None

"""HDF5, in which Keras keeps weights, or weights and a model.

Source: "HDF5 File Format Specification", Superblock.
"""

from __future__ import annotations

from slugfit.models.formats.inspection import Inspection
from slugfit.models.formats.reader import BrokenError, Reader, cut

MAGIC = b"\x89HDF\r\n\x1a\n"
_TAR = b"ustar"
_LAST_PLACE = 1 << 26  # the superblock is at 0, 512, or at a power of two after that
_NEAR = 8 << 20  # Keras writes what describes a model before its weights
# How Keras names a function that it saves as bytecode: since version 3, and before.
LAMBDAS = (b'"__lambda__"', b'"function_type": "lambda"')


def recognises(reader: Reader) -> bool:
    is_tar = reader.head.startswith(_TAR, 257)  # of which the first file may be one
    return not is_tar and _superblock(reader, 0, reader.size) is not None


def inspect(reader: Reader) -> Inspection:
    """Raises BrokenError."""
    check(reader, 0, reader.size, "its content")
    if not reader.contains(b"model_config", _NEAR):
        keras = reader.contains(b"layer_names", _NEAR) or reader.contains(b"keras_version", _NEAR)
        return Inspection("hdf5", "Keras weights in HDF5" if keras else "HDF5")
    unpickles = any(reader.contains(word, _NEAR) for word in LAMBDAS)
    facts = (("contains", "a Keras model"),)
    return Inspection("hdf5", "Keras model in HDF5", unpickles=unpickles, facts=facts)


def check(reader: Reader, start: int, size: int, what: str) -> None:
    """Raise BrokenError when the HDF5 file in these bytes is shorter than it says."""
    place = _superblock(reader, start, size)
    if place is None:
        raise BrokenError(f"{what} has no HDF5 header")
    version = reader.u8(start + place + 8)
    if version > 3:
        return
    # v0 and v1 have the sizes of addresses and lengths behind four other bytes.
    width = reader.u8(start + place + (13 if version < 2 else 9))
    if width not in (2, 4, 8):
        raise BrokenError(f"{what} has addresses of {width} bytes")
    first = start + place + {0: 24, 1: 28, 2: 12, 3: 12}[version]
    base, _, end = (
        int.from_bytes(reader.read(first + index * width, width, what), "little")
        for index in range(3)
    )
    # The address is that from when the file was made, perhaps without what is before it now.
    if end != (1 << 8 * width) - 1 and size < end - base + place:
        raise cut(what, end - base + place)


def _superblock(reader: Reader, start: int, size: int) -> int | None:
    """Where the superblock is, from `start` on."""
    place = 0
    while place <= min(size, _LAST_PLACE):
        if reader.peek(start + place, len(MAGIC)) == MAGIC:
            return place
        place = place * 2 or 512
    return None

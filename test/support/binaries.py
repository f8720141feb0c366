"""The first bytes of binaries, as far as anybody looks who wants to know what they are."""

from __future__ import annotations

import struct

OBJECT, EXECUTABLE, SHARED = 1, 2, 3
X86_64, AARCH64 = 62, 183
WINDOWS = b"MZ\x90\x00"
MACOS = b"\xcf\xfa\xed\xfe"
ARCHIVE = b"!<arch>\nmember"


def elf(kind: int = SHARED, machine: int = X86_64, *, asks_for_loader: bool = False) -> bytes:
    """An ELF file with one segment: PT_INTERP, if it asks for a loader, else PT_LOAD."""
    header = struct.pack(
        "<16sHHIQQQIHHHHHH",
        b"\x7fELF\x02\x01\x01",
        *(kind, machine, 1, 0, 64, 0, 0, 64, 56, 1, 64, 0, 0),
    )
    return header + struct.pack("<IIQQQQQQ", 3 if asks_for_loader else 1, 4, 0, 0, 0, 0, 0, 0)


LIBRARY = elf()
PROGRAM = elf(asks_for_loader=True)

"""What a file is by its content: where a name can't tell, or is not to be trusted.

Sources: the System V ABI, chapter "Object Files"; the Mach-O and PE formats' magic numbers;
ar(5); PEP 3149 for the tags of extension modules.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO

_ELF = b"\x7fELF"
_ARCHIVES = (b"!<arch>\n", b"!<thin>\n")
_WINDOWS = b"MZ"
_MACOS = (
    b"\xca\xfe\xba\xbe", b"\xca\xfe\xba\xbf", b"\xcf\xfa\xed\xfe", b"\xce\xfa\xed\xfe",
    b"\xfe\xed\xfa\xcf", b"\xfe\xed\xfa\xce",
)  # fmt: skip
_OBJECT, _EXECUTABLE, _SHARED = 1, 2, 3  # e_type
_INTERPRETER = 3  # p_type of the segment that names the loader: libraries have none
_MACHINES = {"x86_64": 62, "aarch64": 183, "i386": 3, "arm": 40, "powerpc64le": 21, "s390x": 22}
_TAG = re.compile(r"\.((?:cpython|pypy|graalpy|pyston)[\w-]+)\.so$")
_TEST = re.compile(rb"^\s*(?:async )?def test|\b(?:TestCase|pytest|unittest)\b", re.MULTILINE)
_LIBTOOL = b"a libtool library file"
_HEAD_BYTES = 4096
_LONGEST_SOURCE = 1024 * 1024

Kinds = Mapping[str, Callable[[Path], bool]]


def kinds(soabi: str) -> Kinds:
    """What a rule's `content` can be, each with its test, for a Python of this SOABI."""
    return {
        "ELF file": is_elf,
        "archive": lambda file: _head(file).startswith(_ARCHIVES),
        "foreign binary": lambda file: is_foreign(file, soabi),
        "foreign module": lambda file: has_other_tag(file.name, soabi),
        "libtool library": lambda file: _LIBTOOL in _head(file),
        "object file": lambda file: _elf_type(_head(file)) == _OBJECT,
        "program": is_program,
        "test module": holds_tests,
    }


def is_elf(file: Path) -> bool:
    return _head(file, len(_ELF)) == _ELF


def is_program(file: Path) -> bool:
    """Whether `file` is an ELF file to be executed; one that can lie anywhere asks for a loader."""
    head = _head(file)
    kind = _elf_type(head)
    return kind == _EXECUTABLE or (kind == _SHARED and _INTERPRETER in _segment_types(head))


def is_foreign(file: Path, soabi: str) -> bool:
    """Whether `file` is a binary of Windows, of macOS, or of another machine than SOABI's."""
    head = _head(file, 20)
    if head.startswith((_WINDOWS, *_MACOS)):
        return True
    own = next((code for name, code in _MACHINES.items() if f"-{name}-" in soabi), None)
    machine = next(iter(_half_words(head, 18)), None) if head.startswith(_ELF) else None
    return None not in (own, machine) and own != machine


def has_other_tag(name: str, soabi: str) -> bool:
    """Whether `name` is that of an extension module of another Python than SOABI's."""
    tag = _TAG.search(name)
    return bool(soabi and tag and tag[1] != soabi)


def holds_tests(file: Path) -> bool:
    """Whether a source defines test functions or uses a framework for tests."""
    return bool(_TEST.search(_head(file, _LONGEST_SOURCE)))


def _elf_type(head: bytes) -> int | None:
    return next(iter(_half_words(head, 16)), None) if head.startswith(_ELF) else None


def _segment_types(head: bytes) -> set[int]:
    """The p_type of each segment whose header is in the file's `head`."""
    order = _order(head)
    wide = head[4:5] == b"\x02"
    try:
        (start,) = struct.unpack_from(f"{order}{'Q' if wide else 'I'}", head, 32 if wide else 28)
        size, count = struct.unpack_from(f"{order}HH", head, 54 if wide else 42)
        offsets = range(start, start + size * count, size)
        return {struct.unpack_from(f"{order}I", head, offset)[0] for offset in offsets}
    except (struct.error, ValueError):
        return set()


def _half_words(head: bytes, offset: int) -> tuple[int, ...]:
    """The 16 bits at `offset`; none where an ELF file is cut short."""
    try:
        return struct.unpack_from(f"{_order(head)}H", head, offset)
    except struct.error:
        return ()


def _order(head: bytes) -> str:
    return ">" if head[5:6] == b"\x02" else "<"


def _head(file: Path, size: int = _HEAD_BYTES) -> bytes:
    """The first bytes of `file`; none when it can't be read, or is a link: that is no binary."""
    try:
        return b"" if file.is_symlink() else _read(file.open("rb", buffering=0), size)
    except OSError:
        return b""


def _read(file: IO[bytes], size: int) -> bytes:
    with file:
        return file.read(size)

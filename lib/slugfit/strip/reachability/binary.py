"""The texts in an extension module, where a compiler puts the names that it imports or opens."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from slugfit.strip.native.elf.layout import NotElfError, Range, Section, read_layout, read_range

_TEXT = re.compile(rb"[A-Za-z_][\w./+-]{5,}", re.ASCII)
_DATA = (b".rodata", b".data")


def texts_in(file: Path) -> bytes:
    """What could be names and paths in the data of `file`, one a line; b"" if it is no ELF file.

    Code is left out: it is most of the file, and its bytes look like names by chance.
    """
    with file.open("rb") as opened:
        try:
            layout = read_layout(opened, file.stat().st_size)
        except NotElfError:
            return b""
        data = [read_range(opened, place) for place in _data_of(layout.sections)]
    return b"\n".join(text for piece in data for text in _TEXT.findall(piece))


def _data_of(sections: Iterable[Section]) -> list[Range]:
    return [s.range for s in sections if s.in_file and s.name.startswith(_DATA)]

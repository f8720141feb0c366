"""The files of a directory, as text in sha256sum's format. Its checksum identifies the directory.

This prints it, run in the model's directory; appended `| sha256sum` prints its checksum:
find . -type f -printf '%P\\0' | LC_ALL=C sort -z | xargs -0 sha256sum --
"""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass
from functools import cached_property

_LINE = re.compile(rb"(\\?)([0-9a-f]{64})  ([^\n]+)")
# In a line that begins with a backslash.
_ESCAPES = {b"\\": b"\\\\", b"\n": b"\\n", b"\r": b"\\r"}
_ORIGINALS = {escape: original for original, escape in _ESCAPES.items()}


@dataclass(frozen=True)
class ManifestFile:
    """One file: its path relative to the model's directory, and its content."""

    path: str
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """The files, sorted by the bytes of their paths."""

    files: tuple[ManifestFile, ...]

    @classmethod
    def of(cls, files: tuple[ManifestFile, ...]) -> Manifest:
        return cls(tuple(sorted(files, key=lambda file: os.fsencode(file.path))))

    @classmethod
    def parse(cls, text: bytes) -> Manifest:
        """The manifest in `text`. Raises ValueError."""
        *lines, rest = text.split(b"\n")
        if rest:
            raise ValueError("not a manifest")
        return cls.of(tuple(_file(line) for line in lines))

    @cached_property
    def text(self) -> bytes:
        return b"".join(_line(file) for file in self.files)

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.text).hexdigest()


def _line(file: ManifestFile) -> bytes:
    path = os.fsencode(file.path)
    escaped = re.sub(rb"[\\\n\r]", lambda match: _ESCAPES[match[0]], path)
    mark = b"" if escaped == path else b"\\"
    return b"%s%s  %s\n" % (mark, file.sha256.encode(), escaped)


def _file(line: bytes) -> ManifestFile:
    match = _LINE.fullmatch(line)
    if not match:
        raise ValueError("not a manifest")
    mark, sha256, path = match.groups()
    if mark:
        path = re.sub(rb"\\[\\nr]", lambda match: _ORIGINALS[match[0]], path)
    return ManifestFile(os.fsdecode(path), sha256.decode())

"""A partial file, and a record of its contents: enough to resume after any interruption.

The record lies beside the bytes: the version that they are from, a checksum of the contiguous
beginning, and one of each later range. A resumed download trusts no byte without a checksum: the
process may have been killed, the machine switched off, or the cache tampered with.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any

from slugfit.base.files import naming_full_disk
from slugfit.fetch.transfer.part_files import record_of
from slugfit.stores import Version

_SCHEMA_VERSION = 1
_PIECE_BYTES = 256 * 1024
_HASHED_BYTES = 1024 * 1024

Range = tuple[int, int]


@dataclass
class Partial:
    """An open file `descriptor`, which has the ranges `there` of `version`.

    `digest` is over the first `hashed` bytes.
    """

    path: Path
    descriptor: int
    version: Version | None = None
    there: list[Range] = field(default_factory=list)
    hashed: int = 0
    digest: Any = field(default_factory=hashlib.sha256)
    is_resumed: bool = False
    _checksums: dict[int, tuple[int, int]] = field(default_factory=dict)
    # Large: the hashing thread has to wait for the GIL after each piece.
    _buffer: bytearray = field(default_factory=lambda: bytearray(_HASHED_BYTES), repr=False)

    @property
    def received(self) -> int:
        """The number of bytes received."""
        return sum(end - start for start, end in self.there)

    @property
    def first_missing(self) -> int:
        """The number of bytes received without a gap."""
        end = 0
        for start, stop in self.there:
            if start > end:
                break
            end = stop
        return end

    @property
    def is_pinned(self) -> bool:
        """Whether the rest can be requested from the same version."""
        return bool(self.version and self.version.pin)

    def restart(self) -> None:
        """Discard every byte."""
        # ext4 flushes a file to the disk on close once it has been truncated.
        if os.fstat(self.descriptor).st_size:
            os.ftruncate(self.descriptor, 0)
        self.version, self.there, self._checksums = None, [], {}
        self.hashed, self.digest, self.is_resumed = 0, hashlib.sha256(), False
        record_of(self.path).unlink(missing_ok=True)

    def write(self, data: bytes | memoryview, position: int) -> None:
        view = memoryview(data)
        while view:
            written = os.pwrite(self.descriptor, view, position)
            view, position = view[written:], position + written

    def read(self, start: int, end: int) -> Iterator[bytes]:
        """The bytes from `start` to `end`, or to the end of the file, a piece at a time."""
        while start < end:
            piece = os.pread(self.descriptor, min(_PIECE_BYTES, end - start), start)
            if not piece:
                return
            yield piece
            start += len(piece)

    def beginning(self, size: int) -> bytes:
        """The first bytes of what has been hashed."""
        return b"".join(self.read(0, min(size, self.hashed)))

    def hash(self, data: memoryview) -> None:
        """Extend `digest` by the next bytes, which are in the file, too."""
        self.digest.update(data)
        self.hashed += len(data)

    def hash_to(self, end: int) -> None:
        """Extend `digest` by the bytes up to `end`, read back from the file."""
        buffer = memoryview(self._buffer)
        while self.hashed < end:
            count = os.preadv(self.descriptor, [buffer[: end - self.hashed]], self.hashed)
            if not count:
                return
            self.digest.update(buffer[:count])
            self.hashed += count

    def save(self, beyond: list[Range]) -> None:
        """Record what has been received: the hashed beginning, and the ranges `beyond` it."""
        self._checksums = {start: self._checksum(start, end) for start, end in beyond}
        runs = [[start, end, crc] for start, (end, crc) in self._checksums.items()]
        record = {
            "schema_version": _SCHEMA_VERSION,
            "version": asdict(self.version) if self.version else None,
            "hashed": self.hashed,
            "sha256": self.digest.hexdigest(),
            "beyond": runs,
        }
        # Under a fixed name, so that a killed process leaves no other files.
        _new_record(self.path).write_bytes(json.dumps(record).encode())
        _new_record(self.path).replace(record_of(self.path))

    def _checksum(self, start: int, end: int) -> tuple[int, int]:
        """A range only grows at its end: its last checksum is continued."""
        done, crc = self._checksums.get(start, (start, 0))
        for piece in self.read(done, end):
            crc = zlib.crc32(piece, crc)
        return end, crc

    def restore(self) -> None:
        """Keep what the record says and the bytes confirm."""
        try:
            self._restore(json.loads(record_of(self.path).read_bytes()))
        except (OSError, ValueError, TypeError, KeyError, RecursionError):
            self.restart()

    def _restore(self, record: Any) -> None:
        """Raises ValueError, TypeError or KeyError for a record that Slugfit has not written."""
        length = os.fstat(self.descriptor).st_size
        self.version = _version_of(record["version"])
        _check(record["schema_version"] == _SCHEMA_VERSION)
        _check(0 <= record["hashed"] <= length <= (self.version.size or 0))
        self.hash_to(record["hashed"])
        _check(self.digest.hexdigest() == record["sha256"])
        self.there = [(0, self.hashed)] if self.hashed else []
        for start, end, crc in sorted(record["beyond"]):
            self._restore_range(start, end, crc, length)
        self.is_resumed = bool(self.there)

    def _restore_range(self, start: int, end: int, crc: int, length: int) -> None:
        before = max((stop for _, stop in self.there), default=0)
        if before <= start < end <= length and self._checksum(start, end) == (end, crc):
            self._checksums[start] = (end, crc)
            self.there.append((start, end))

    def remove(self) -> None:
        """Remove everything from the disk."""
        for path in (_new_record(self.path), record_of(self.path), self.path):
            path.unlink(missing_ok=True)


@contextmanager
def open_partial(path: Path) -> Iterator[Partial]:
    """The partial file at `path`, new or resumed, locked for this process."""
    with naming_full_disk(path.parent):
        descriptor = _open_locked(path)
    try:
        partial = Partial(path, descriptor)
        _new_record(path).unlink(missing_ok=True)
        partial.restore()
        yield partial
    finally:
        os.close(descriptor)


def _open_locked(path: Path) -> int:
    """Waits for another process that writes the same file."""
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            with suppress(FileNotFoundError):
                # The other process may have renamed or removed it in the meantime.
                status = os.fstat(descriptor)
                if os.path.samestat(status, path.stat()):
                    if status.st_nlink == 1:
                        return descriptor
                    path.unlink()  # hard-linked to another file: never written to
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)


def _new_record(path: Path) -> Path:
    return path.with_name(path.name + ".json.new")


def _version_of(fields: Any) -> Version:
    """Raises ValueError, TypeError or KeyError unless they are those of a pinned version."""
    version = Version(**fields)
    texts = [*version.pin.items()] if isinstance(version.pin, dict) else []
    _check(bool(texts) and type(version.size) is int)
    for text in (*chain(*texts), version.etag or "", version.sha256 or ""):
        _check(isinstance(text, str) and text.isascii() and text.isprintable())
    return version


def _check(holds: bool) -> None:
    if not holds:
        raise ValueError

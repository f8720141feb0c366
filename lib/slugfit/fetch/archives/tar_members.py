"""The members of a .tar, plain or compressed, from front to back in bounded memory."""

from __future__ import annotations

import bz2
import gzip
import importlib
import io
import lzma
import posixpath
import sys
import tarfile
from collections.abc import Callable, Iterator
from functools import partial
from types import ModuleType
from typing import IO, Protocol, cast

from slugfit.fetch.archives.failures import ArchiveUnreadable
from slugfit.fetch.archives.unpacked_tree import PIECE_BYTES, ArchiveMember, Kind, UnpackLimits
from slugfit.stores.urls import StoreUrl

# The end of a frame returns a copy of the rest of the input: tiny frames must stay cheap.
_INPUT_BYTES = 64 * 1024
# A decoder's memory: enough for `xz -9` and for `zstd` up to `--ultra -21`.
_XZ_BYTES = 128 * 1024 * 1024
_ZSTD_WINDOW_LOG = 26
_KINDS: dict[bytes, Kind] = {
    **dict.fromkeys(tarfile.REGULAR_TYPES, "file"),
    tarfile.DIRTYPE: "directory",
    tarfile.SYMTYPE: "link",
    tarfile.LNKTYPE: "link",
}
_END = bytes(tarfile.BLOCKSIZE)


def members(file: IO[bytes], form: str, limits: UnpackLimits) -> Iterator[ArchiveMember]:
    """Each member in turn, to be read before the next. Raises ArchiveExpands, ArchiveUnreadable
    when there is no zstd, and what tarfile and zlib raise.
    """
    stream = _TarStream(_decoded(file, form, limits.source), limits)
    archive = tarfile.TarFile(
        fileobj=cast(IO[bytes], stream), encoding="utf-8", errors="surrogateescape"
    )
    while (info := archive.next()) is not None:
        yield _member(archive, info)
        stream.forget()
        archive.members.clear()  # type: ignore[attr-defined]  # the only way before Python 3.13
        archive.pax_headers = {}
    if stream.last != _END:
        raise tarfile.ReadError("it ends early, or is damaged")
    stream.seek(sys.maxsize)  # past the checksum of the compressed data


def _member(archive: tarfile.TarFile, info: tarfile.TarInfo) -> ArchiveMember:
    target = info.linkname
    if info.issym():
        target = posixpath.join(posixpath.dirname(info.name), target)

    def content() -> IO[bytes]:
        return archive.extractfile(info) or io.BytesIO()

    kind = _KINDS.get(info.type, "other")
    return ArchiveMember(info.name, kind, info.size, info.mode, content, target)


class _TarStream:
    """A file object for tarfile: read from front to back, and no more than the limits allow."""

    def __init__(self, read: Callable[[int], bytes], limits: UnpackLimits) -> None:
        self.last = b""
        self._read = read
        self._limits = limits
        self._position = 0
        self._unforgotten = 0

    def tell(self) -> int:
        return self._position

    def seek(self, position: int, /) -> None:
        """Skip to `position`, or to the end. It never seeks back."""
        self.forget()
        while self._position < position and self.read(min(position - self._position, PIECE_BYTES)):
            self.forget()

    def read(self, size: int, /) -> bytes:
        """The next `size` bytes, or all that are left."""
        # tarfile seeks before it reads content: other reads are headers, kept in memory.
        if not 0 <= size <= PIECE_BYTES - self._unforgotten:
            raise tarfile.ReadError("a header is too large")
        pieces = []
        while size and (piece := self._read(size)):
            pieces.append(piece)
            size -= len(piece)
            self._position += len(piece)
            self._limits.check(self._position)
        self.last = b"".join(pieces)
        self._unforgotten += len(self.last)
        return self.last

    def forget(self) -> None:
        """Reset the allowance for headers."""
        self._unforgotten = 0


def _decoded(file: IO[bytes], form: str, source: StoreUrl) -> Callable[[int], bytes]:
    """A function that reads at most so many bytes of what `file` was before its compression."""
    if form == ".tar.gz":
        return gzip.GzipFile(fileobj=file).read
    if form == ".tar.bz2":
        return _Decoded(file, bz2.BZ2Decompressor, OSError).read
    if form == ".tar.xz":
        new = partial(lzma.LZMADecompressor, memlimit=_XZ_BYTES)
        return _Decoded(file, new, lzma.LZMAError).read
    if form == ".tar.zst":
        zstd = _zstd(source)
        options = {zstd.DecompressionParameter.window_log_max: _ZSTD_WINDOW_LOG}
        return _Decoded(file, partial(zstd.ZstdDecompressor, options=options), zstd.ZstdError).read
    return file.read


def _zstd(source: StoreUrl) -> ModuleType:
    """The standard library's zstd, or the package that is installed for names in .tar.zst."""
    name = "compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd"
    try:
        return importlib.import_module(name)
    except ImportError as error:
        detail = "read as: .tar.zst\nfound:   another ending of its name"
        raise ArchiveUnreadable(source, detail) from error


class _Decoder(Protocol):
    """What the modules bz2, lzma and zstd call a decompressor."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int) -> bytes: ...


class _Decoded:
    """The decompressed content of `file`. Unlike bz2.open, it bounds the memory."""

    def __init__(
        self, file: IO[bytes], new: Callable[[], _Decoder], broken: type[Exception]
    ) -> None:
        self._file = file
        self._new = new
        self._broken = broken
        self._decoder = new()
        self._rest = b""

    def read(self, size: int) -> bytes:
        """At most `size` bytes, none at the end."""
        while not self._decoder.eof or self._starts_again():
            try:
                piece = self._decoder.decompress(self._next_input(), size)
            except self._broken as error:
                raise tarfile.ReadError(str(error)) from error
            if piece:
                return piece
        return b""

    def _starts_again(self) -> bool:
        """Whether more compressed data follows: from several threads, or by `cat`."""
        self._rest = self._decoder.unused_data or self._file.read(_INPUT_BYTES)
        if self._rest:
            self._decoder = self._new()
        return bool(self._rest)

    def _next_input(self) -> bytes:
        if not self._decoder.needs_input:
            return b""
        found, self._rest = self._rest or self._file.read(_INPUT_BYTES), b""
        if not found:
            raise EOFError("it ends early")
        return found

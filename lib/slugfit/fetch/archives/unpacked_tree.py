"""Turns the members of an archive into files in a directory that none of them can leave."""

from __future__ import annotations

import errno
import os
import posixpath
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal

from slugfit.base.files import directories_above, is_path_below
from slugfit.base.sizes import count_of, format_size
from slugfit.fetch.archives.failures import MEMBERS, RATIO, ArchiveExpands, ArchiveUnsafe, shown
from slugfit.stores.urls import StoreUrl

PIECE_BYTES = 1024 * 1024

_FREE_BYTES = 10 * 1024 * 1024
# As many links in a row as Linux follows.
_LINKS_IN_A_ROW = 40
_ROOT = re.compile(r"/|[A-Za-z]:/")
_REFUSED_BY_THE_FILE_SYSTEM = {
    errno.EEXIST: "another member has the same name",
    errno.EMLINK: "too many members are links to the same file",
}

Kind = Literal["file", "directory", "link", "other"]


@dataclass(frozen=True)
class UnpackLimits:
    """How much may be unpacked from an archive of `packed` bytes."""

    source: StoreUrl
    packed: int

    def check(self, unpacked: int) -> None:
        """Raise ArchiveExpands when `unpacked` bytes are too many."""
        most = self.packed * RATIO + _FREE_BYTES
        if unpacked > most:
            sizes = f"compressed: {format_size(self.packed)}\nunpacked:   over {format_size(most)}"
            raise ArchiveExpands(self.source, sizes)

    def check_members(self, count: int) -> None:
        """Raise ArchiveExpands when `count` files and directories are too many."""
        if count > MEMBERS:
            raise ArchiveExpands(self.source, f"members: over {count_of(MEMBERS, 'file')}")


class _Unsafe(Exception):  # noqa: N818 (becomes ArchiveUnsafe once the member is known)
    """Why a member is refused."""


@dataclass(frozen=True)
class ArchiveMember:
    """One member of an archive. `target` is a link's target, relative to the archive's root."""

    name: str
    kind: Kind
    size: int
    mode: int
    open: Callable[[], IO[bytes]]
    target: str


class UnpackedTree:
    """The files below `root`, all created here. Any method may raise _Unsafe or OSError."""

    def __init__(self, root: Path, limits: UnpackLimits) -> None:
        self.files: set[str] = set()
        self.links: dict[str, str] = {}
        self._root = root
        self._limits = limits
        self._directories: set[str] = set()
        self._members = 0
        self._bytes = 0

    def add(self, member: ArchiveMember) -> None:
        """Create what `member` is, but defer links: their targets may follow."""
        path = _path(member.name)
        self._count()
        if path.split("/")[0] == "__MACOSX" or posixpath.basename(path) == ".DS_Store":
            return
        if member.kind == "directory":
            self._make_directory(path)
        elif not path:
            raise _Unsafe("its name is empty")
        elif member.kind == "file":
            self._add_file(path, member)
        elif member.kind == "link":
            self._add_link(path, _path(posixpath.normpath(member.target)))
        else:
            raise _Unsafe("it is a device, a pipe, or of another kind that no model needs")

    def link(self, path: str) -> None:
        """Make the link at `path` another name of its file."""
        target = self._follow(path)
        file = self._root / target
        if target not in self.files:
            raise _Unsafe(f"it links to {target or 'the root'}, which is not a file of the archive")
        # It takes no space on the disk, but counts again for everything that reads all files.
        self._grow(file.stat().st_size)
        self._make_directory(posixpath.dirname(path))
        os.link(file, self._root / path)
        self.files.add(path)

    def _add_link(self, path: str, target: str) -> None:
        if self.links.setdefault(path, target) != target:
            raise _Unsafe("another member has the same name")

    def _follow(self, path: str) -> str:
        for _ in range(_LINKS_IN_A_ROW):
            if path not in self.links:
                return path
            path = self.links[path]
        raise _Unsafe("it is a link in a chain that is too long or has no end")

    def _add_file(self, path: str, member: ArchiveMember) -> None:
        with member.open() as content:
            if path in self.files:
                self._compare(path, member, content)
                return
            self._make_directory(posixpath.dirname(path))
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
            with open(os.open(self._root / path, flags, 0o600), "wb") as file:
                os.fchmod(file.fileno(), 0o755 if member.mode & 0o111 else 0o644)
                for piece in self._pieces(member, content):
                    file.write(piece)
        self.files.add(path)

    def _compare(self, path: str, member: ArchiveMember, content: IO[bytes]) -> None:
        """Refuse a second member of the same name, unless it has the same content."""
        with (self._root / path).open("rb") as there:
            same = all(there.read(len(piece)) == piece for piece in self._pieces(member, content))
            if not same or there.read(1):
                raise _Unsafe("another member has the same name and a different content")

    def _pieces(self, member: ArchiveMember, content: IO[bytes]) -> Iterator[bytes]:
        received = 0
        while piece := content.read(PIECE_BYTES):
            received += len(piece)
            self._grow(len(piece))
            yield piece
        if received != member.size:
            raise EOFError(f"{shown(member.name)} is not as long as announced")

    def _make_directory(self, path: str) -> None:
        """Make `path` and what is missing above it."""
        for directory in (*reversed([*directories_above(path)]), path):
            if directory and directory not in self._directories:
                self._count()
                os.mkdir(self._root / directory)
                os.chmod(self._root / directory, 0o755)  # noqa: S103 (the dyno's user reads it)
                self._directories.add(directory)

    def _count(self) -> None:
        self._members += 1
        self._limits.check_members(self._members)

    def _grow(self, size: int) -> None:
        self._bytes += size
        self._limits.check(self._bytes)


@contextmanager
def unsafe_errors(source: StoreUrl, member: str) -> Iterator[None]:
    try:
        yield
    except _Unsafe as error:
        raise ArchiveUnsafe(source, member, str(error)) from error
    except OSError as error:
        if error.errno not in _REFUSED_BY_THE_FILE_SYSTEM:
            raise
        why = _REFUSED_BY_THE_FILE_SYSTEM[error.errno]
        raise ArchiveUnsafe(source, member, why) from error


def _path(name: str) -> str:
    """`name` as a path from the archive's root, "" for the root itself. Raises _Unsafe."""
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if "\0" in name:
        raise _Unsafe(f"{name} has a zero byte")
    if _ROOT.match(name):
        raise _Unsafe(f"{name} begins at the root of the file system")
    if ".." in parts:
        raise _Unsafe(f"{name} leads out of its directory")
    path = "/".join(parts)
    if path and not is_path_below(path):
        raise _Unsafe("its name is too long for a file")
    return path

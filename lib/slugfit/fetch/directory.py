"""A model of many files, fetched as one unit: all of them, or nothing."""

from __future__ import annotations

import hashlib
import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from slugfit.base.files import NoSpace, directories_above, is_path_below
from slugfit.base.globs import matcher
from slugfit.fetch.failures import ChecksumMismatch, NameUnsafe, NothingThere, ObjectChanged
from slugfit.fetch.manifest import Manifest
from slugfit.fetch.partial_directory import PartialDirectory, PreviousFetch, open_partial_directory
from slugfit.fetch.small_files import SmallFiles
from slugfit.fetch.transfer.download import OnProgress
from slugfit.fetch.transfer.transfer import ProgressListener, Transfer, WantedObject, move_to
from slugfit.stores import FIRST_BYTES, Changed, Entry, StoreDirectory
from slugfit.stores.urls import StoreUrl

_MOST_CHANGES = 3


@dataclass(frozen=True)
class WantedDirectory:
    """The objects of a directory that the globs select.

    With `unless_etag`, only if anything has changed; `sha256` is that of the manifest, if it is
    known. Files that are as in `previous` are not fetched again.
    """

    directory: StoreDirectory
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    sha256: str | None = None
    unless_etag: str | None = None
    previous: PreviousFetch | None = None

    def entries(self) -> tuple[Entry, ...]:
        """The current listing. Raises NothingThere, NameUnsafe, or what the store raises."""
        listed = self.directory.list()
        included, excluded = matcher(self.include), matcher(self.exclude)
        entries = tuple(
            entry
            for entry in listed
            if (not self.include or included(entry.path)) and not excluded(entry.path)
        )
        if not entries:
            left_out = f"left out by include and exclude: {len(listed)}" if listed else ""
            raise NothingThere(self.directory.url, left_out)
        _check_names(entries, self.directory.url)
        return entries


@dataclass(frozen=True)
class ReceivedDirectory:
    """A directory of complete files at `path`. `etag` changes whenever any of them does.

    `journal` is for the `previous` of another run.
    """

    path: Path
    manifest: Manifest
    size: int
    etag: str
    journal: bytes


def fetch_directory(
    wanted: WantedDirectory, transfer: Transfer, part: Path, progress: ProgressListener
) -> ReceivedDirectory | None:
    """Fetch into the directory `part`, or None when nothing has changed.

    Resumes from what an earlier run left in `part`. Raises the failures of the store, NothingThere,
    NameUnsafe, ChecksumMismatch, ObjectChanged, DeadlinePassed, or NoSpace.
    """
    for _ in range(_MOST_CHANGES):
        with suppress(Changed):
            return _fetch_listed(wanted, transfer, part, progress)
    raise ObjectChanged(wanted.directory.url)


def _fetch_listed(
    wanted: WantedDirectory, transfer: Transfer, part: Path, progress: ProgressListener
) -> ReceivedDirectory | None:
    """Raises Changed when an object is not as it was listed."""
    url = wanted.directory.url
    entries = transfer.retrying(url, wanted.entries)
    etag = _etag_of(entries)
    if etag == wanted.unless_etag:
        return None
    with open_partial_directory(part, entries, wanted.previous) as partial:
        size = sum(entry.version.size or 0 for entry in entries)
        progress.begin(size, partial.received)
        _check_space(part, size - partial.received)
        _DirectoryFetch(transfer, partial, progress, url).fetch()
        manifest = partial.manifest
        if wanted.sha256 not in (None, manifest.sha256):
            expected = wanted.sha256 or ""
            raise ChecksumMismatch(url, expected, manifest.sha256, partial.received)
        progress.end(partial.received)
        size = partial.received
        return ReceivedDirectory(partial.files, manifest, size, etag, partial.journal)


def _check_names(entries: tuple[Entry, ...], url: StoreUrl) -> None:
    paths = {entry.path for entry in entries}
    for path in sorted(paths):
        has_empty_part = "" in path.split("/") or "." in path.split("/")
        if has_empty_part or not is_path_below(path):
            raise NameUnsafe(url, f"name: {path!r}")
        for above in directories_above(path):
            if above in paths:
                raise NameUnsafe(url, f"name: {path!r}\nand a file: {above!r}")


def _check_space(part: Path, needed: int) -> None:
    free = shutil.disk_usage(part).free
    if needed > free:
        raise NoSpace(part, free)


def _etag_of(entries: tuple[Entry, ...]) -> str:
    lines = (repr((entry.path, entry.version.size, entry.version.etag)) for entry in entries)
    return hashlib.sha256("\n".join(lines).encode("utf-8", "surrogateescape")).hexdigest()


class _DirectoryFetch:
    """Many small files at once; then the large ones, each over many connections."""

    def __init__(
        self,
        transfer: Transfer,
        partial: PartialDirectory,
        progress: ProgressListener,
        url: StoreUrl,
    ) -> None:
        self._transfer = transfer
        self._partial = partial
        self._progress = progress
        self._url = url

    def fetch(self) -> None:
        missing = self._partial.missing
        small = [entry for entry in missing if _is_small(entry)]
        network = self._transfer.network
        SmallFiles(small, self._partial, network, self._fetch_retrying).run(self._poll)
        for entry in missing:
            if not _is_small(entry):
                self._fetch_retrying(entry, self._poll)

    def _poll(self, more: int = 0) -> None:
        received = self._partial.received + more
        self._transfer.deadline.check(self._url, received, None)
        self._progress.move(received)

    def _fetch_retrying(self, entry: Entry, on_progress: OnProgress) -> None:
        """Through the store's client, which explains failures."""
        part, target = self._partial.part(entry), self._partial.prepare(entry)
        received = self._transfer.fetch(
            WantedObject(entry.source), part, _FileProgress(on_progress), move_to(target)
        )
        assert received is not None  # noqa: S101 (no ETag was excluded)
        if received.etag != entry.version.etag:
            raise Changed
        self._partial.add(entry, received.sha256, received.bytes)


class _FileProgress:
    """The progress of one file of many: only the bytes received matter."""

    def __init__(self, on_progress: OnProgress) -> None:
        self.move = on_progress

    def begin(self, size: int | None, there: int) -> None: ...

    def end(self, received: int) -> None: ...


def _is_small(entry: Entry) -> bool:
    return entry.version.size is not None and entry.version.size <= FIRST_BYTES

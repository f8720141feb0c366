"""A model of many files, fetched as one unit: all of them, each whole, or nothing."""

from __future__ import annotations

import hashlib
import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from slugfit.files import NoSpace, directories_above, is_path_below
from slugfit.globs import matcher
from slugfit.models.arrival import Arrival, Earlier, arriving
from slugfit.models.couriers import Couriers
from slugfit.models.download import Tick
from slugfit.models.failures import ChecksumMismatch, NameUnsafe, NothingThere, ObjectChanged
from slugfit.models.manifest import Manifest
from slugfit.models.sources import FIRST_BYTES, Changed, Directory, Entry
from slugfit.models.transfer import Transfer, Wanted, Watch, move_to

_MOST_CHANGES = 3


@dataclass(frozen=True)
class WantedDirectory:
    """What to fetch: of a directory what the globs let through.

    With `unless_etag`, only if anything changed; `sha256` is its manifest's, if it is known. Of
    what is as `earlier`, nothing is fetched again.
    """

    directory: Directory
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    sha256: str | None = None
    unless_etag: str | None = None
    earlier: Earlier | None = None

    def entries(self) -> tuple[Entry, ...]:
        """What is there now. Raises NothingThere, NameUnsafe, or what the store's client raises."""
        listed = self.directory.list()
        included, excluded = matcher(self.include), matcher(self.exclude)
        entries = tuple(
            entry
            for entry in listed
            if (not self.include or included(entry.path)) and not excluded(entry.path)
        )
        if not entries:
            left_out = f"left out by include and exclude: {len(listed)}" if listed else ""
            raise NothingThere(self.directory.display, left_out)
        _check_names(entries, self.directory.display)
        return entries


@dataclass(frozen=True)
class ReceivedDirectory:
    """A directory of complete files at `path`. `etag` changes whenever any of them does.

    `journal` is for the `earlier` of another run.
    """

    path: Path
    manifest: Manifest
    size: int
    etag: str
    journal: bytes


def fetch_directory(
    wanted: WantedDirectory, transfer: Transfer, part: Path, watch: Watch
) -> ReceivedDirectory | None:
    """Fetch into the directory `part`, or None when nothing has changed.

    Goes on with what an earlier run left in `part`. Raises the failures of the store, NothingThere,
    NameUnsafe, ChecksumMismatch, ObjectChanged, OutOfTime, or NoSpace.
    """
    for _ in range(_MOST_CHANGES):
        with suppress(Changed):
            return _fetch_listed(wanted, transfer, part, watch)
    raise ObjectChanged(wanted.directory.display)


def _fetch_listed(
    wanted: WantedDirectory, transfer: Transfer, part: Path, watch: Watch
) -> ReceivedDirectory | None:
    """Raises Changed when there is something else than was listed."""
    display = wanted.directory.display
    entries = transfer.patiently(display, wanted.entries)
    etag = _etag_of(entries)
    if etag == wanted.unless_etag:
        return None
    with arriving(part, entries, wanted.earlier) as arrival:
        size = sum(entry.version.size or 0 for entry in entries)
        watch.begin(size, arrival.received)
        _check_space(part, size - arrival.received)
        _Crew(transfer, arrival, watch, display).fetch()
        manifest = arrival.manifest
        if wanted.sha256 not in (None, manifest.sha256):
            expected = wanted.sha256 or ""
            raise ChecksumMismatch(display, expected, manifest.sha256, arrival.received)
        watch.end(arrival.received)
        size = arrival.received
        return ReceivedDirectory(arrival.files, manifest, size, etag, arrival.journal)


def _check_names(entries: tuple[Entry, ...], display: str) -> None:
    paths = {entry.path for entry in entries}
    for path in sorted(paths):
        has_empty_part = "" in path.split("/") or "." in path.split("/")
        if has_empty_part or not is_path_below(path):
            raise NameUnsafe(display, f"name: {path!r}")
        for above in directories_above(path):
            if above in paths:
                raise NameUnsafe(display, f"name: {path!r}\nand a file: {above!r}")


def _check_space(part: Path, needed: int) -> None:
    free = shutil.disk_usage(part).free
    if needed > free:
        raise NoSpace(part, free)


def _etag_of(entries: tuple[Entry, ...]) -> str:
    lines = (repr((entry.path, entry.version.size, entry.version.etag)) for entry in entries)
    return hashlib.sha256("\n".join(lines).encode("utf-8", "surrogateescape")).hexdigest()


class _Crew:
    """Many small files at once; then the large ones, each of which takes many connections."""

    def __init__(self, transfer: Transfer, arrival: Arrival, watch: Watch, display: str) -> None:
        self._transfer = transfer
        self._arrival = arrival
        self._watch = watch
        self._display = display

    def fetch(self) -> None:
        missing = self._arrival.missing
        small = [entry for entry in missing if _is_small(entry)]
        network = self._transfer.network
        Couriers(small, self._arrival, network, self._fetch_patiently).run(self._look)
        for entry in missing:
            if not _is_small(entry):
                self._fetch_patiently(entry, self._look)

    def _look(self, more: int = 0) -> None:
        received = self._arrival.received + more
        self._transfer.deadline.check(self._display, received, None)
        self._watch.move(received)

    def _fetch_patiently(self, entry: Entry, tick: Tick) -> None:
        """Through its source, with the right words for what goes wrong."""
        part, target = self._arrival.part(entry), self._arrival.prepare(entry)
        received = self._transfer.fetch(Wanted(entry.source), part, _Ticks(tick), move_to(target))
        assert received is not None  # noqa: S101 (no ETag was excluded)
        if received.etag != entry.version.etag:
            raise Changed
        self._arrival.add(entry, received.sha256, received.bytes)


class _Ticks:
    """Watches one file of many: only its growth is of interest."""

    def __init__(self, tick: Tick) -> None:
        self.move = tick

    def begin(self, size: int | None, there: int) -> None: ...

    def end(self, received: int) -> None: ...


def _is_small(entry: Entry) -> bool:
    return entry.version.size is not None and entry.version.size <= FIRST_BYTES

"""A model of many files, fetched as one unit: all of them, each whole, or nothing."""

from __future__ import annotations

import hashlib
import http.client
import shutil
import threading
from collections.abc import Iterator
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from slugfit.files import NoSpace, directories_above, is_path_below
from slugfit.globs import matcher
from slugfit.models.arrival import Arrival, Earlier, arriving
from slugfit.models.content import PREFIX_BYTES, check_prefix
from slugfit.models.download import Tick
from slugfit.models.failures import ChecksumMismatch, NameUnsafe, NothingThere, ObjectChanged
from slugfit.models.manifest import Manifest
from slugfit.models.sources import FIRST_BYTES, Address, Changed, Directory, Entry
from slugfit.models.transfer import Transfer, Wanted, Watch, move_to
from slugfit.models.wire import Answer, Connection

_AT_ONCE = 16
_MOST_CHANGES = 3
_LOOK_SECONDS = 0.1
_PIECE_BYTES = 256 * 1024


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
        self._stopped = threading.Event()
        self._own = threading.local()
        self._lines: list[Connection] = []

    def fetch(self) -> None:
        missing = self._arrival.missing
        self._fetch_at_once([entry for entry in missing if _is_small(entry)])
        for entry in missing:
            if not _is_small(entry):
                self._fetch_through_source(entry, self._look)

    def _fetch_at_once(self, entries: list[Entry]) -> None:
        pool = ThreadPoolExecutor(_AT_ONCE)
        tasks = [pool.submit(self._fetch_small, entry) for entry in entries]
        pending = set(tasks)
        try:
            while pending:
                done, pending = wait(pending, _LOOK_SECONDS)
                for task in done:
                    task.result()
                self._look(0)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
            self._stop([task for task in tasks if not task.cancelled()])

    def _stop(self, tasks: list[Future[None]]) -> None:
        self._stopped.set()
        # Again and again: a connection may just be made anew.
        while wait(tasks, _LOOK_SECONDS).not_done:
            for line in self._lines:
                line.interrupt()
        for line in self._lines:
            line.close()

    def _look(self, more: int) -> None:
        received = self._arrival.received + more
        self._transfer.deadline.check(self._display, received, None)
        self._watch.move(received)

    def _end_if_stopped(self, received: int = 0) -> None:
        if self._stopped.is_set():
            raise CancelledError

    def _fetch_small(self, entry: Entry) -> None:
        self._end_if_stopped()
        if not self._fetch_by_address(entry):
            self._end_if_stopped()
            self._fetch_through_source(entry, self._end_if_stopped)

    def _fetch_by_address(self, entry: Entry) -> bool:
        """One request, if the entry's address is known and all goes well."""
        if entry.address is None:
            return False
        part = self._arrival.part(entry)
        try:
            with self._get(entry.address) as answer, part.open("wb") as file:
                sha256, size = _copy(answer, file)
        except (OSError, http.client.HTTPException):
            return False
        if size != entry.version.size or entry.version.sha256 not in (None, sha256):
            return False
        with part.open("rb") as file:
            check_prefix(file.read(PREFIX_BYTES), entry.source.display)
        part.replace(self._arrival.prepare(entry))
        self._arrival.add(entry, sha256, size)
        return True

    @contextmanager
    def _get(self, address: Address) -> Iterator[Answer]:
        line = self._line()
        try:
            answer = line.get(address.url, address.headers)
            if answer.status != http.client.OK:
                raise ConnectionError
            yield answer
        finally:
            if not line.is_free:
                line.close()

    def _fetch_through_source(self, entry: Entry, tick: Tick) -> None:
        """With all patience, and the right words for what goes wrong."""
        part, target = self._arrival.part(entry), self._arrival.prepare(entry)
        received = self._transfer.fetch(Wanted(entry.source), part, _Ticks(tick), move_to(target))
        assert received is not None  # noqa: S101 (no ETag was excluded)
        if received.etag != entry.version.etag:
            raise Changed
        self._arrival.add(entry, received.sha256, received.bytes)

    def _line(self) -> Connection:
        """This thread's connection."""
        if not hasattr(self._own, "line"):
            self._own.line = Connection(self._transfer.network)
            self._lines.append(self._own.line)
        line: Connection = self._own.line
        return line


class _Ticks:
    """Watches one file of many: only its growth is of interest."""

    def __init__(self, tick: Tick) -> None:
        self.move = tick

    def begin(self, size: int | None, there: int) -> None: ...

    def end(self, received: int) -> None: ...


def _is_small(entry: Entry) -> bool:
    return entry.version.size is not None and entry.version.size <= FIRST_BYTES


def _copy(answer: Answer, file: IO[bytes]) -> tuple[str, int]:
    """Write the whole answer; its checksum and size."""
    digest, size = hashlib.sha256(), 0
    while piece := answer.read(_PIECE_BYTES):
        digest.update(piece)
        size += file.write(piece)
    return digest.hexdigest(), size

"""Bytes from a store into a file: complete, checked and hashed, or nothing at all."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol, TypeVar

from slugfit.base.files import NoSpace, naming_full_disk
from slugfit.base.http import Network
from slugfit.fetch.content import PREFIX_BYTES, check_prefix
from slugfit.fetch.failures import ChecksumMismatch, EndUnknown, HtmlPage, LfsPointer, ObjectChanged
from slugfit.fetch.transfer.download import Download
from slugfit.fetch.transfer.limits import DEFAULT_LIMITS, TransferLimits
from slugfit.fetch.transfer.part_files import record_of
from slugfit.fetch.transfer.partial import Partial, open_partial
from slugfit.fetch.transfer.retries import Clock, Deadline, Retries
from slugfit.stores import Changed, ObjectStream, Retryable, StoreObject, Version
from slugfit.stores.urls import StoreUrl

_MOST_CHANGES = 3

T = TypeVar("T")
Deliver = Callable[[Path, str], None]


@dataclass(frozen=True)
class ReceivedObject:
    """A complete file that was checked."""

    sha256: str
    bytes: int
    etag: str | None


class ProgressListener(Protocol):
    """Is notified of a transfer's progress."""

    def begin(self, size: int | None, there: int) -> None:
        """The store has responded; `there` bytes are from an earlier run."""

    def move(self, received: int) -> None:
        """This many bytes have been received."""

    def end(self, received: int) -> None:
        """All bytes have been received."""


@dataclass(frozen=True)
class WantedObject:
    """What to fetch. `sha256` is the content's, if it is known.

    With `unless_etag`, only if the object's ETag is another one.
    """

    source: StoreObject
    sha256: str | None = None
    unless_etag: str | None = None


class Transfer:
    """Fetches objects before the deadline, with retries and resuming."""

    def __init__(
        self,
        network: Network,
        clock: Clock,
        deadline: Deadline,
        limits: TransferLimits = DEFAULT_LIMITS,
    ) -> None:
        self.network = network
        self.clock = clock
        self.deadline = deadline
        self.limits = limits

    def fetch(
        self, wanted: WantedObject, part: Path, progress: ProgressListener, deliver: Deliver
    ) -> ReceivedObject | None:
        """Fetch into the file `part`, check it, and `deliver(part, sha256)`.

        None when the ETag is still `unless_etag`. Resumes from what an earlier run has left in
        `part`, and leaves there what a later one can resume from. Raises the failures of the
        source, Truncated, ChecksumMismatch, LfsPointer, HtmlPage, ObjectChanged, DeadlinePassed, or
        NoSpace.
        """
        with open_partial(part) as partial, _left_if_useful(partial), naming_full_disk(part.parent):
            received = _Fetching(self, wanted, partial, progress).run()
            if received:
                deliver(part, received.sha256)
            else:
                partial.remove()
            return received

    def retrying(self, url: StoreUrl, ask: Callable[[], T]) -> T:
        """The result of `ask`, retried while it raises Retryable."""
        retries = Retries(self.clock, self.deadline)
        while True:
            try:
                return ask()
            except Changed:
                raise ObjectChanged(url) from None
            except Retryable as retryable:
                retries.wait(retryable, progress=False)


class _Fetching:
    """The attempts for one object."""

    def __init__(
        self, transfer: Transfer, wanted: WantedObject, partial: Partial, progress: ProgressListener
    ) -> None:
        self._transfer = transfer
        self._wanted = wanted
        self._source = wanted.source
        self._partial = partial
        self._progress = progress
        self._begun = False

    def run(self) -> ReceivedObject | None:
        retries = Retries(self._transfer.clock, self._transfer.deadline)
        changes = 0
        while True:
            before = self._partial.received
            try:
                return self._try()
            except Changed:
                changes += 1
                if changes > _MOST_CHANGES:
                    raise ObjectChanged(self._source.url) from None
                self._partial.restart()
            except Retryable as retryable:
                advanced = self._partial.received > before
                if not self._partial.is_pinned:
                    self._partial.restart()
                retries.wait(retryable, progress=advanced and self._partial.is_pinned)

    def _try(self) -> ReceivedObject | None:
        known = self._partial.version
        unless = self._wanted.unless_etag or self._finished_etag()
        start = 0 if unless or not known else self._partial.first_missing
        pinned = None if unless else known
        with self._source.open(start=start, version=pinned, unless_etag=unless) as stream:
            if stream:
                if not (stream.has_end or self._wanted.sha256 or stream.version.sha256):
                    raise EndUnknown(self._source.url)
                self._begin(_version_of(stream))
                self._download(stream, start)
            elif known and not self._wanted.unless_etag:
                self._begin(known)  # an earlier run has fetched all of it
            else:
                return None
        return self._checked()

    def _finished_etag(self) -> str | None:
        """The ETag of an object that an earlier run has fetched completely."""
        version = self._partial.version
        return version.etag if version and version.size == self._partial.hashed else None

    def _begin(self, version: Version) -> None:
        if version != self._partial.version:
            self._partial.restart()
            self._partial.version = version
        expected = self._wanted.sha256
        if expected and version.sha256 not in (None, expected):
            raise ChecksumMismatch(self._source.url, expected, version.sha256 or "", version.size)
        free = shutil.disk_usage(self._partial.path.parent).free
        if version.size and version.size - self._partial.received > free:
            raise NoSpace(self._partial.path, free)
        if not self._begun:
            self._progress.begin(version.size, self._partial.received)
            self._begun = True

    def _download(self, stream: ObjectStream, start: int) -> None:
        transfer, size = self._transfer, stream.version.size

        def on_progress(received: int) -> None:
            transfer.deadline.check(self._source.url, received, size)
            self._progress.move(received)

        download = Download(
            self._source.url, self._partial, transfer.network, transfer.clock, transfer.limits
        )
        download.run(stream, start, on_progress)

    def _checked(self) -> ReceivedObject:
        partial, version = self._partial, self._partial.version
        check_prefix(partial.beginning(PREFIX_BYTES), self._source.url)
        sha256 = partial.digest.hexdigest()
        claimed = version.sha256 if version else None
        expected = self._wanted.sha256 or claimed
        if expected not in (None, sha256):
            if partial.is_resumed:
                # The cause may be the bytes of an earlier run: fetch all of them again.
                raise Changed
            raise ChecksumMismatch(self._source.url, expected or "", sha256, partial.hashed)
        self._progress.end(partial.hashed)
        return ReceivedObject(sha256, partial.hashed, version.etag if version else None)


@contextmanager
def _left_if_useful(partial: Partial) -> Iterator[None]:
    """On a failure, keep `partial` only if another run can resume from it."""
    try:
        yield
    except BaseException as error:
        useless = isinstance(error, (ChecksumMismatch, HtmlPage, LfsPointer, NoSpace))
        if useless or not (partial.is_pinned and partial.received):
            partial.remove()
        raise


def _version_of(stream: ObjectStream) -> Version:
    """A pin is of no use without ranges: a retry would fetch the whole object again."""
    return stream.version if stream.address else replace(stream.version, pin={})


def transfer_for(seconds: float, network: Network) -> Transfer:
    """A transfer whose deadline is `seconds` from now."""
    clock = Clock()
    return Transfer(network, clock, Deadline(clock, seconds))


def move_to(target: Path) -> Deliver:
    """Deliver by a rename over `target`, and remove the record of the part."""

    def deliver(part: Path, sha256: str) -> None:
        part.replace(target)
        record_of(part).unlink(missing_ok=True)

    return deliver

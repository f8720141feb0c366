"""Bytes from a source into a file: whole, checked and hashed, or nothing at all."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol, TypeVar

from slugfit.files import NoSpace, naming_full_disk
from slugfit.models.content import PREFIX_BYTES, check_prefix
from slugfit.models.download import Download
from slugfit.models.failures import ChecksumMismatch, HtmlPage, LfsPointer, ObjectChanged
from slugfit.models.leftovers import record_of
from slugfit.models.partial import Partial, opened
from slugfit.models.patience import Clock, Deadline, Patience
from slugfit.models.sources import Changed, Opened, Retryable, Source, Version
from slugfit.models.tuning import USUAL, Tuning
from slugfit.models.wire import Network

_MOST_CHANGES = 3

T = TypeVar("T")
Deliver = Callable[[Path, str], None]


@dataclass(frozen=True)
class Received:
    """A complete file that was checked."""

    sha256: str
    bytes: int
    etag: str | None


class Watch(Protocol):
    """Hears how a transfer goes."""

    def begin(self, size: int | None, there: int) -> None:
        """The store has answered; `there` bytes are left from an earlier run."""

    def move(self, received: int) -> None:
        """So many bytes are there."""

    def end(self, received: int) -> None:
        """All bytes are there."""


@dataclass(frozen=True)
class Wanted:
    """What to fetch. `sha256` is the content's, if it is known.

    With `unless_etag`, only if the object's ETag is another one.
    """

    source: Source
    sha256: str | None = None
    unless_etag: str | None = None


class Transfer:
    """Fetches objects, through whatever happens on the way, before the deadline."""

    def __init__(
        self, network: Network, clock: Clock, deadline: Deadline, tuning: Tuning = USUAL
    ) -> None:
        self.network = network
        self.clock = clock
        self.deadline = deadline
        self.tuning = tuning

    def fetch(self, wanted: Wanted, part: Path, watch: Watch, deliver: Deliver) -> Received | None:
        """Fetch into the file `part`, check it, and `deliver(part, sha256)`.

        None when the ETag is still `unless_etag`. Goes on with what an earlier run has left in
        `part`, and leaves there what a later one can go on with. Raises the failures of the
        source, Truncated, ChecksumMismatch, LfsPointer, HtmlPage, ObjectChanged, OutOfTime, or
        NoSpace.
        """
        with opened(part) as partial, _left_if_useful(partial), naming_full_disk(part.parent):
            received = _Fetching(self, wanted, partial, watch).run()
            if received:
                deliver(part, received.sha256)
            else:
                partial.remove()
            return received

    def patiently(self, display: str, ask: Callable[[], T]) -> T:
        """What `ask` answers, however often it has to be asked."""
        patience = Patience(self.clock, self.deadline)
        while True:
            try:
                return ask()
            except Changed:
                raise ObjectChanged(display) from None
            except Retryable as invitation:
                patience.wait(invitation, progress=False)


class _Fetching:
    """The tries for one object."""

    def __init__(self, transfer: Transfer, wanted: Wanted, partial: Partial, watch: Watch) -> None:
        self._transfer = transfer
        self._wanted = wanted
        self._source = wanted.source
        self._partial = partial
        self._watch = watch
        self._begun = False

    def run(self) -> Received | None:
        patience = Patience(self._transfer.clock, self._transfer.deadline)
        changes = 0
        while True:
            before = self._partial.received
            try:
                return self._try()
            except Changed:
                changes += 1
                if changes > _MOST_CHANGES:
                    raise ObjectChanged(self._source.display) from None
                self._partial.restart()
            except Retryable as invitation:
                progress = self._partial.received > before
                if not self._partial.is_pinned:
                    self._partial.restart()
                patience.wait(invitation, progress=progress and self._partial.is_pinned)

    def _try(self) -> Received | None:
        known = self._partial.version
        unless = self._wanted.unless_etag or self._finished_etag()
        start = 0 if unless or not known else self._partial.first_missing
        pinned = None if unless else known
        with self._source.open(start=start, version=pinned, unless_etag=unless) as answer:
            if answer:
                self._begin(_version_of(answer))
                self._download(answer, start)
            elif known and not self._wanted.unless_etag:
                self._begin(known)  # an earlier run has fetched all of it
            else:
                return None
        return self._checked()

    def _finished_etag(self) -> str | None:
        """The ETag of what an earlier run has fetched to its end."""
        version = self._partial.version
        return version.etag if version and version.size == self._partial.hashed else None

    def _begin(self, version: Version) -> None:
        if version != self._partial.version:
            self._partial.restart()
            self._partial.version = version
        expected = self._wanted.sha256
        if expected and version.sha256 not in (None, expected):
            raise ChecksumMismatch(
                self._source.display, expected, version.sha256 or "", version.size
            )
        free = shutil.disk_usage(self._partial.path.parent).free
        if version.size and version.size - self._partial.received > free:
            raise NoSpace(self._partial.path, free)
        if not self._begun:
            self._watch.begin(version.size, self._partial.received)
            self._begun = True

    def _download(self, answer: Opened, start: int) -> None:
        transfer, size = self._transfer, answer.version.size

        def tick(received: int) -> None:
            transfer.deadline.check(self._source.display, received, size)
            self._watch.move(received)

        download = Download(
            self._source.display, self._partial, transfer.network, transfer.clock, transfer.tuning
        )
        download.run(answer, start, tick)

    def _checked(self) -> Received:
        partial, version = self._partial, self._partial.version
        check_prefix(partial.beginning(PREFIX_BYTES), self._source.display)
        sha256 = partial.digest.hexdigest()
        claimed = version.sha256 if version else None
        expected = self._wanted.sha256 or claimed
        if expected not in (None, sha256):
            if partial.is_resumed:
                # An earlier run's bytes may be to blame: once more, with new ones.
                raise Changed
            raise ChecksumMismatch(self._source.display, expected or "", sha256, partial.hashed)
        self._watch.end(partial.hashed)
        return Received(sha256, partial.hashed, version.etag if version else None)


@contextmanager
def _left_if_useful(partial: Partial) -> Iterator[None]:
    """When nothing is delivered, leave `partial` only if another run can go on with it."""
    try:
        yield
    except BaseException as error:
        useless = isinstance(error, (ChecksumMismatch, HtmlPage, LfsPointer, NoSpace))
        if useless or not (partial.is_pinned and partial.received):
            partial.remove()
        raise


def _version_of(answer: Opened) -> Version:
    """A pin is of no use where a part can't be asked for: the next answer would be whole again."""
    return answer.version if answer.address else replace(answer.version, pin={})


def transfer_for(seconds: float, network: Network) -> Transfer:
    """A transfer whose time begins now."""
    clock = Clock()
    return Transfer(network, clock, Deadline(clock, seconds))


def move_to(target: Path) -> Deliver:
    """Deliver by a rename over `target`; what was recorded of the way there is forgotten."""

    def deliver(part: Path, sha256: str) -> None:
        part.replace(target)
        record_of(part).unlink(missing_ok=True)

    return deliver

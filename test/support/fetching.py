"""What the tests of all sources do: fetch, by a real transfer, and see what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from slugfit.base.errors import Failure
from slugfit.base.files import sha256_of
from slugfit.base.http import Network
from slugfit.fetch.transfer.retries import Clock, Deadline
from slugfit.fetch.transfer.transfer import ReceivedObject, Transfer, WantedObject, move_to
from slugfit.stores import ObjectStream, Retryable, StoreObject
from support.chance import chance

SMALL = bytes(range(256)) * 8000
LARGE = chance(3).randbytes(20 * 1024 * 1024)
"""More than a store is asked for at once."""


class Silence:
    """Watches a transfer, and says nothing; `there` is what it found of an earlier run."""

    there: int | None = None

    def begin(self, size: int | None, there: int) -> None:
        self.there = there

    def move(self, received: int) -> None: ...

    def end(self, received: int) -> None: ...


class Bench:
    """Fetches into an empty directory, without waiting between tries."""

    def __init__(self, directory: Path) -> None:
        self.target = directory / "model"
        self.part = directory / "model.part"
        self.watch = Silence()
        self.sleeps: list[float] = []
        self._clock = Clock(sleep=self.sleeps.append, rng=chance(7))

    def fetch(
        self, source: StoreObject, sha256: str | None = None, unless_etag: str | None = None
    ) -> ReceivedObject | None:
        transfer = Transfer(Network(), self._clock, Deadline(self._clock, 60))
        wanted = WantedObject(source, sha256, unless_etag)
        return transfer.fetch(wanted, self.part, self.watch, move_to(self.target))

    def content(self, source: StoreObject) -> bytes:
        """What was fetched, as the transfer has it, and says that it has it."""
        received = self.fetch(source)
        assert received is not None
        content = self.target.read_bytes()
        assert (received.sha256, received.bytes) == (sha256_of(self.target).hex(), len(content))
        return content


def read(source: StoreObject, etag: str | None = None) -> bytes | None:
    """The first bytes, or all; None when the ETag is still that one."""
    with source.open(unless_etag=etag) as opened:
        return everything(opened) if opened else None


def everything(opened: ObjectStream) -> bytes:
    content = b""
    while piece := opened.body.read(1 << 16):
        content += piece
    return content


def refusal(source: StoreObject) -> Failure:
    """The failure that no other try would cure."""
    with pytest.raises(Failure) as caught:
        read(source)
    return caught.value


def retryable(source: StoreObject) -> Failure:
    """The failure that another try may cure."""
    with pytest.raises(Retryable) as caught:
        read(source)
    return caught.value.failure

"""Where models come from: one file a store, behind one small protocol."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from slugfit.errors import Failure

FIRST_BYTES = 8 * 1024 * 1024
"""What is asked for first: a short object whole, a large one's first piece and its version."""


@dataclass(frozen=True)
class Version:
    """One state of an object, which parts of it can be fetched of.

    `size` in bytes and `etag` are None when the store says nothing. `pin` are request headers
    with which the store answers for this version only; empty when it has no way to. `sha256` is
    what the store says of the content, if it does.
    """

    size: int | None
    etag: str | None = None
    pin: Mapping[str, str] = field(default_factory=dict)
    sha256: str | None = None


@dataclass(frozen=True)
class Address:
    """Where a range of an object is to be had by plain HTTP. Signed: never shown."""

    url: str = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


class Body(Protocol):
    """Bytes on their way."""

    def read(self, size: int, /) -> bytes:
        """At most `size` bytes, as soon as some are there; none at the end.

        Raises Retryable when they stop coming.
        """


@dataclass(frozen=True)
class Opened:
    """The store's answer. `body` begins at the byte asked for.

    `address` is where to get other ranges of this version; None when the store serves no ranges,
    and `body` then is the whole object.
    """

    version: Version
    body: Body
    address: Address | None = None
    interrupt: Callable[[], None] = lambda: None
    """Makes a thread that reads from `body` stop at once."""


class Source(Protocol):
    """One object in one store."""

    @property
    def display(self) -> str:
        """The URL as people may see it: no credentials, no query string."""

    def open(
        self, *, start: int = 0, version: Version | None = None, unless_etag: str | None = None
    ) -> AbstractContextManager[Opened | None]:
        """The first FIRST_BYTES from `start`, of `version` if one is named.

        None when the object's ETag is still `unless_etag`. Raises Retryable for what another try
        may cure, Changed when the object has another version, else a Failure.
        """


@dataclass(frozen=True)
class Entry:
    """One object of many below a prefix: its path relative to that, and where it is.

    `address` is where it can be had without asking `source` first, if that is known.
    """

    path: str
    version: Version
    source: Source
    address: Address | None = None


@runtime_checkable
class Directory(Protocol):
    """Many objects below one prefix of one store."""

    @property
    def display(self) -> str:
        """The URL as people may see it."""

    def list(self) -> tuple[Entry, ...]:
        """Every object below, sorted by path. Raises as `Source.open` does."""


class Retryable(Exception):  # noqa: N818 (an invitation, not an error)
    """Another try may succeed. `failure` is what to raise when there is none left.

    `after` is how many seconds the store asks to wait, if it does.
    """

    def __init__(self, failure: Failure, after: float | None = None) -> None:
        self.failure = failure
        self.after = after


class Changed(Exception):  # noqa: N818 (a fact, not an error)
    """The object is no longer the version that was asked for."""

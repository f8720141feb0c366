"""Where models come from. A store is a file that declares it, and a client behind these protocols.

The declaration needs the standard library alone; its client is imported once a model is opened.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from slugfit.base.errors import Failure
from slugfit.stores.urls import StoreUrl

FIRST_BYTES = 8 * 1024 * 1024
"""How much the first request asks for: a small object, or the first range and the version."""


@dataclass(frozen=True)
class Version:
    """One state of an object, of which ranges can be fetched.

    `size` in bytes and `etag` are None when the store does not send them. `pin` are the request
    headers that limit the response to this version; empty when the store has none. `sha256` is
    the checksum of the content, if the store knows it.
    """

    size: int | None
    etag: str | None = None
    pin: Mapping[str, str] = field(default_factory=dict)
    sha256: str | None = None


@dataclass(frozen=True)
class Address:
    """Where a range of an object can be fetched by plain HTTP. Signed: never shown."""

    url: str = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


class Body(Protocol):
    """The bytes of a response, as they arrive."""

    def read(self, size: int, /) -> bytes:
        """At most `size` bytes, as soon as there are some; none at the end.

        Raises Retryable when the connection breaks.
        """


@dataclass(frozen=True)
class ObjectStream:
    """A store's response. `body` begins at the byte asked for.

    `address` is where other ranges of this version are; None when the store serves no ranges,
    in which case `body` is the whole object.
    """

    version: Version
    body: Body
    address: Address | None = None
    interrupt: Callable[[], None] = lambda: None
    """Makes a thread that reads from `body` stop at once."""
    has_end: bool = True
    """Whether a body that breaks off differs from one that ends."""


class StoreObject(Protocol):
    """One object in one store."""

    @property
    def url(self) -> StoreUrl: ...

    def open(
        self, *, start: int = 0, version: Version | None = None, unless_etag: str | None = None
    ) -> AbstractContextManager[ObjectStream | None]:
        """The first FIRST_BYTES from `start`, of `version` if one is given.

        None when the object's ETag is still `unless_etag`. Raises Retryable for what a retry may
        cure, Changed when the object has another version, else a Failure.
        """


@dataclass(frozen=True)
class Entry:
    """One object of many below a prefix: its path relative to that, and where it is.

    `address` is where it can be fetched without opening `source` first, if that is known.
    """

    path: str
    version: Version
    source: StoreObject
    address: Address | None = None


@runtime_checkable
class StoreDirectory(Protocol):
    """Many objects below one prefix of one store."""

    @property
    def url(self) -> StoreUrl: ...

    def list(self) -> tuple[Entry, ...]:
        """Every object below, sorted by path. Raises as `StoreObject.open` does."""


class Retryable(Exception):  # noqa: N818 (a signal, not an error)
    """A retry may succeed. `failure` is what to raise when no retry is left.

    `after` is the number of seconds that the store asks to wait, if it does.
    """

    def __init__(self, failure: Failure, after: float | None = None) -> None:
        self.failure = failure
        self.after = after


class Changed(Exception):  # noqa: N818 (a signal, not an error)
    """The object is no longer the version that was asked for."""

"""Where models come from: one file a store, behind one small protocol."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from slugfit.errors import Failure

CHUNK_BYTES = 1024 * 1024


@dataclass(frozen=True)
class Body:
    """An object on its way. `size` in bytes and `etag` are None when the store says nothing."""

    size: int | None
    etag: str | None
    chunks: Iterator[bytes]


class Source(Protocol):
    """One object in one store."""

    @property
    def display(self) -> str:
        """The URL as people may see it: no credentials, no query string."""

    def open(self, unless_etag: str | None) -> AbstractContextManager[Body | None]:
        """The object's body from its first byte; None when its ETag is still `unless_etag`.

        Raises Retryable for what another try may cure, else a Failure; so do `chunks`.
        """


class Retryable(Exception):  # noqa: N818 (an invitation, not an error)
    """Another try may succeed. `failure` is what to raise when there is none left."""

    def __init__(self, failure: Failure) -> None:
        self.failure = failure

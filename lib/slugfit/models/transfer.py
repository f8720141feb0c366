"""Bytes from a source into a file: whole, checked and hashed, or nothing at all."""

from __future__ import annotations

import hashlib
import os
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from slugfit.files import naming_full_disk, temporary_beside
from slugfit.models.content import PREFIX_BYTES, check_prefix
from slugfit.models.failures import ChecksumMismatch, Truncated
from slugfit.models.sources import Body, Retryable, Source

_TRIES = 4
_FIRST_WAIT = 0.5  # seconds; doubles with each try

Sleep = Callable[[float], None]
Announce = Callable[[int | None], None]


@dataclass(frozen=True)
class Received:
    """A complete file that was checked."""

    sha256: str
    bytes: int
    etag: str | None


class Transfer:
    """Fetches with a few tries, waiting longer before each (full jitter)."""

    def __init__(self, sleep: Sleep, chance: random.Random) -> None:
        self._sleep = sleep
        self._chance = chance

    def fetch(
        self,
        source: Source,
        target_for: Callable[[str], Path],
        *,
        expected_sha256: str | None = None,
        unless_etag: str | None = None,
        announce: Announce,
    ) -> Received | None:
        """Fetch `source` to `target_for(sha256)`; None when its ETag is still `unless_etag`.

        `announce` hears the size in bytes, or None, once the store has answered.
        Raises what `Source.open` and `receive` raise.
        """
        announced = False
        for attempt in range(1, _TRIES + 1):
            try:
                with source.open(unless_etag) as body:
                    if body is None:
                        return None
                    if not announced:
                        announce(body.size)
                        announced = True
                    return receive(body, source.display, target_for, expected_sha256)
            except Retryable as invitation:
                if attempt == _TRIES:
                    raise invitation.failure from invitation
                self._sleep(self._chance.uniform(0, _FIRST_WAIT * 2 ** (attempt - 1)))
        raise AssertionError("unreachable: the last try returns or raises")


def receive(
    body: Body, display: str, target_for: Callable[[str], Path], expected_sha256: str | None
) -> Received:
    """Write `body` beside its target, check it, then move it there at once.

    Raises ChecksumMismatch, LfsPointer, HtmlPage, NoSpace, or Retryable.
    """
    digest = hashlib.sha256()
    count = 0
    # The target's name is its checksum, known only at the end; its directory is known now.
    placeholder = target_for("incoming")
    with naming_full_disk(placeholder.parent), temporary_beside(placeholder) as file:
        for chunk in _checked(body.chunks, display):
            digest.update(chunk)
            file.write(chunk)
            count += len(chunk)
        file.flush()
        received = Received(digest.hexdigest(), count, body.etag)
        _check(received, body, display, expected_sha256)
        os.replace(file.name, target_for(received.sha256))
    return received


def _checked(chunks: Iterator[bytes], display: str) -> Iterator[bytes]:
    """The same chunks, after a look at the first bytes."""
    prefix = b""
    for chunk in chunks:
        if len(prefix) < PREFIX_BYTES:
            prefix += chunk[:PREFIX_BYTES]
            check_prefix(prefix, display)
        yield chunk


def _check(received: Received, body: Body, display: str, expected_sha256: str | None) -> None:
    if body.size is not None and received.bytes != body.size:
        raise Retryable(Truncated(display, body.size, f"received: {received.bytes} bytes"))
    if expected_sha256 and received.sha256 != expected_sha256:
        raise ChecksumMismatch(display, expected_sha256, received.sha256, received.bytes)

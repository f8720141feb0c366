"""The body of a response from requests: to its announced end, and decoded if that is needed."""

from __future__ import annotations

import zlib
from contextlib import suppress

import requests
import urllib3

from slugfit.base.http import hang_up
from slugfit.stores import Body, Retryable
from slugfit.stores.client_errors import reason
from slugfit.stores.failures import Truncated
from slugfit.stores.framing import Framing
from slugfit.stores.urls import StoreUrl

_GZIP_WINDOW = 31
_ENCODED_BYTES = 64 * 1024  # to decode at once


class HttpBody:
    """The bytes as they come. Raises Retryable for fewer, or more, than announced."""

    def __init__(self, response: requests.Response, source: StoreUrl, framing: Framing) -> None:
        self._raw = response.raw
        self._source = source
        self._framing = framing
        self._received = 0

    def read(self, size: int, /) -> bytes:
        try:
            data: bytes = self._raw.read1(size, decode_content=False)
        except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            raise self._broken(reason(error)) from error
        self._received += len(data)
        wire = self._framing.wire
        if wire is not None and (self._received > wire or (not data and self._received < wire)):
            raise self._broken(f"reason: {self._received} bytes came, and {wire} were announced")
        return data

    def interrupt(self) -> None:
        # AttributeError: from the standard library, after the end of the body.
        with suppress(OSError, ValueError, AttributeError):
            hang_up(self._raw.fileno())

    def _broken(self, detail: str) -> Retryable:
        return Retryable(Truncated(self._source, self._framing.size, detail))


class GzipBody:
    """What a gzip stream encodes: all of it, with its checksums, or Retryable."""

    def __init__(self, encoded: Body, source: StoreUrl) -> None:
        self._encoded = encoded
        self._source = source
        self._inflate = zlib.decompressobj(_GZIP_WINDOW)
        self._pending = b""

    def read(self, size: int, /) -> bytes:
        while True:
            if piece := self._decoded(size):
                return piece
            if self._pending:
                continue
            self._pending = self._encoded.read(_ENCODED_BYTES)
            if not self._pending:
                if self._inflate.eof:
                    return b""
                detail = "reason: its encoding as gzip ends early"
                raise Retryable(Truncated(self._source, None, detail))

    def _decoded(self, size: int) -> bytes:
        if self._inflate.eof and self._pending:  # another member follows
            self._inflate = zlib.decompressobj(_GZIP_WINDOW)
        try:
            piece = self._inflate.decompress(self._pending, size)
        except zlib.error as error:
            detail = "reason: its encoding as gzip is damaged"
            raise Retryable(Truncated(self._source, None, detail)) from error
        self._pending = self._inflate.unconsumed_tail or self._inflate.unused_data
        return piece

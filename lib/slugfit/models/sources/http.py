"""Objects behind https:// and http:// URLs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit, urlunsplit

import requests
import urllib3

from slugfit.models.failures import (
    AccessDenied,
    ObjectMissing,
    RequestRejected,
    ServerFailed,
    Truncated,
    Unreachable,
)
from slugfit.models.sources import CHUNK_BYTES, Body, Retryable
from slugfit.models.sources.reasons import reason

_TIMEOUTS = (10.0, 60.0)  # seconds to connect, and between two pieces of the body
_HEADERS = {
    # The stored bytes, which are what size and checksum are of.
    "Accept-Encoding": "identity",
    "User-Agent": "slugfit",
}


class _Session(requests.Session):
    """A session that sends no password from ~/.netrc, at the first request and at redirects."""

    def __init__(self) -> None:
        super().__init__()
        self.auth = _as_it_is

    def rebuild_auth(
        self, prepared_request: requests.PreparedRequest, response: requests.Response
    ) -> None:
        prepared_request.headers.pop("Authorization", None)


def _as_it_is(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


class HttpSource:
    """A file on a web server."""

    def __init__(self, url: str) -> None:
        self._url = url
        parts = urlsplit(url)
        host = parts.netloc.rpartition("@")[2]
        self.display = urlunsplit(parts._replace(netloc=host, query="", fragment=""))

    @contextmanager
    def open(self, unless_etag: str | None) -> Iterator[Body | None]:
        headers = _HEADERS | ({"If-None-Match": unless_etag} if unless_etag else {})
        with _Session() as session:
            try:
                response = session.get(self._url, headers=headers, stream=True, timeout=_TIMEOUTS)
            except (requests.RequestException, ValueError) as error:
                raise self._no_answer(error) from error
            with response:
                yield self._body(response)

    def _body(self, response: requests.Response) -> Body | None:
        if response.status_code == requests.codes.not_modified:
            return None
        self._check_status(response)
        encoded = "Content-Encoding" in response.headers
        length = response.headers.get("Content-Length", "")
        size = int(length) if length.isdigit() and not encoded else None
        return Body(size, response.headers.get("ETag"), self._chunks(response, size))

    def _check_status(self, response: requests.Response) -> None:
        status = response.status_code
        detail = f"status: {status} {response.reason}"
        if status == requests.codes.ok:
            return
        if status in (401, 403):
            raise AccessDenied(self.display, detail)
        if status in (404, 410):
            raise ObjectMissing(self.display, detail)
        if status in (408, 429) or status >= 500:
            raise Retryable(ServerFailed(self.display, detail))
        raise RequestRejected(self.display, detail)

    def _chunks(self, response: requests.Response, size: int | None) -> Iterator[bytes]:
        try:
            yield from response.raw.stream(CHUNK_BYTES, decode_content=True)
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise Retryable(Truncated(self.display, size, reason(error))) from error

    def _no_answer(self, error: Exception) -> Exception:
        # ValueError: requests' own for URLs that it can't follow, and the standard library's.
        if isinstance(error, (requests.TooManyRedirects, ValueError)):
            return RequestRejected(self.display, reason(error))
        return Retryable(Unreachable(self.display, reason(error)))

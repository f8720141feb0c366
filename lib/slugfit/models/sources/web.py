"""What every store that is asked by plain HTTP has in common: one GET, told by requests.

requests follows redirects, and knows proxies and authorities. Where it ended up, and with which
headers, others can then take ranges from.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, ClassVar

import requests
import urllib3

from slugfit.models.failures import Truncated
from slugfit.models.refusals import ServerFailed
from slugfit.models.sources import FIRST_BYTES, Address, Changed, Opened, Retryable, Version
from slugfit.models.sources.answers import no_answer, refusal_of
from slugfit.models.sources.reasons import reason
from slugfit.models.wire import CONNECT_SECONDS, SILENCE_SECONDS, hang_up

TIMEOUTS = (CONNECT_SECONDS, SILENCE_SECONDS)
_HEADERS = {
    # The stored bytes, which are what size and checksum are of.
    "Accept-Encoding": "identity",
    "User-Agent": "slugfit",
}
_OF_SIZE = re.compile(r"bytes (\d+)-\d+/(\d+)")

_Stop = Callable[[requests.Response], bool]


class Session(requests.Session):
    """A session that sends no password of ~/.netrc, and no header for one host to another.

    It follows no redirect at which it is to `stop`.
    """

    def __init__(self, stop: _Stop = lambda response: False) -> None:
        super().__init__()
        self.auth = _as_it_is
        self._stop = stop

    def get_redirect_target(self, resp: requests.Response) -> str | None:
        return None if self._stop(resp) else super().get_redirect_target(resp)

    def rebuild_auth(
        self, prepared_request: requests.PreparedRequest, response: requests.Response
    ) -> None:
        before, after = response.request.url or "", prepared_request.url or ""
        if self.should_strip_auth(before, after):  # type: ignore[no-untyped-call] # requests' own
            prepared_request.headers.pop("Authorization", None)


def _as_it_is(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


class WebObject:
    """An object behind a URL. Stores say what is special about them by overriding methods."""

    undoes_encoding: ClassVar = True
    """Whether an encoding is undone that nobody asked for. Else bytes come as they are stored."""

    def __init__(self, display: str, now: Callable[[], float]) -> None:
        self._now = now
        self.display = display

    def credentials(self) -> Mapping[str, str]:
        """The headers that open the store. Ranges are asked for with them, too."""
        return {}

    def request(
        self, version: Version | None, unless_etag: str | None
    ) -> tuple[str, Mapping[str, str]]:
        """The URL, and the headers that say on which conditions the object is wanted."""
        raise NotImplementedError

    def ask(
        self, session: requests.Session, url: str, headers: Mapping[str, str]
    ) -> requests.Response:
        """The answer, to be closed, after all redirects."""
        with no_answer(self.display):
            return session.get(url, headers=dict(headers), stream=True, timeout=TIMEOUTS)

    def is_unchanged(self, response: requests.Response, unless_etag: str) -> bool:
        """Whether the answer, be it a redirect, says that the ETag is still that one."""
        return response.status_code == 304

    def version(self, response: requests.Response, size: int | None) -> Version:
        """Which version of the object the answer is of."""
        return version_of(response.headers, size)

    def address(self, url: str, version: Version) -> str:
        """Where to get ranges of `version`, now that `url` gave one."""
        return url

    def refusal(self, response: requests.Response) -> Exception:
        """What an answer means that brings nothing."""
        return refusal_of(response, self.display, self._now())

    @contextmanager
    def open(
        self, *, start: int = 0, version: Version | None = None, unless_etag: str | None = None
    ) -> Iterator[Opened | None]:
        def is_unchanged(response: requests.Response) -> bool:
            return unless_etag is not None and self.is_unchanged(response, unless_etag)

        url, conditions = self.request(version, unless_etag)
        headers = {**_HEADERS, **self.credentials(), **conditions}
        with Session(is_unchanged) as session, self._get(session, url, headers, start) as response:
            if is_unchanged(response):
                yield None
                return
            opened = self._opened(response, start)
            if version and opened.version != version:
                raise Changed
            yield opened

    def _get(
        self, session: requests.Session, url: str, headers: Mapping[str, str], start: int
    ) -> requests.Response:
        range_ = {"Range": f"bytes={start}-{start + FIRST_BYTES - 1}"}
        response = self.ask(session, url, {**headers, **range_})
        if not start and self._has_no_parts(response):
            response.close()
            response = self.ask(session, url, headers)
        return response

    def _has_no_parts(self, response: requests.Response) -> bool:
        """Whether only all of the object will do: it is empty, or nothing pins its version."""
        if response.status_code != 206:
            return response.status_code == 416
        size = _size_of_part(response, 0)
        fits = size is not None and size <= FIRST_BYTES and not self._is_encoded(response)
        return not fits and not self.version(response, size).pin

    def _opened(self, response: requests.Response, start: int) -> Opened:
        if response.status_code == 200:
            return self._whole(response, start)
        size = _size_of_part(response, start)
        if response.status_code != 206 or size is None:
            raise self.refusal(response)
        version = self.version(response, size)
        stream = _Stream(response, self.display, size, decode=self._is_encoded(response))
        return Opened(version, stream, self._address(response, version), stream.interrupt)

    def _whole(self, response: requests.Response, start: int) -> Opened:
        if start:
            raise Changed  # the answer to If-Range, when it is no longer so
        encoded = self._is_encoded(response)
        length = response.headers.get("Content-Length", "")
        size = int(length) if length.isdigit() and not encoded else None
        stream = _Stream(response, self.display, size, decode=encoded)
        return Opened(self.version(response, size), stream, None, stream.interrupt)

    def _address(self, response: requests.Response, version: Version) -> Address | None:
        """Where the answer came from in the end, and with which headers."""
        sent = response.request
        if not version.pin or sent.url is None:
            return None
        kept = {name: sent.headers[name] for name in self._own_headers(sent)}
        return Address(self.address(sent.url, version), {**kept, **version.pin})

    def _own_headers(self, sent: requests.PreparedRequest) -> list[str]:
        """Of the headers that were `sent`, to wherever it was, those that the next one needs."""
        return [name for name in (*self.credentials(), "Cookie") if name in sent.headers]

    def _is_encoded(self, response: requests.Response) -> bool:
        return self.undoes_encoding and "Content-Encoding" in response.headers


def get_json(
    url: str,
    headers: Mapping[str, str],
    display: str,
    refusal: Callable[[requests.Response], Exception],
) -> tuple[Any, str | None]:
    """The document behind `url`, and the URL of the next page if there is one."""
    with Session() as session, no_answer(display):
        response = session.get(url, headers={**_HEADERS, **headers}, timeout=TIMEOUTS)
    if response.status_code != 200:
        raise refusal(response)
    try:
        return response.json(), response.links.get("next", {}).get("url")
    except ValueError as error:
        raise Retryable(ServerFailed(display, "reason: the answer is not JSON")) from error


def conditions(
    version: Version | None, unless_etag: str | None, quote: str = ""
) -> Mapping[str, str]:
    """The headers that ask for this version, or for any but the one that is there."""
    unless = {"If-None-Match": f"{quote}{unless_etag}{quote}"} if unless_etag else {}
    return {**(version.pin if version else {}), **unless}


def version_of(headers: Mapping[str, str], size: int | None) -> Version:
    """The version that these response headers tell. Only a strong ETag, or a date, pins one."""
    etag, date = headers.get("ETag"), headers.get("Last-Modified")
    if "Content-Encoding" in headers or size is None:
        return Version(size, etag)
    strong = etag if etag and not etag.startswith("W/") else None
    pin = strong or date
    return Version(size, etag, {"If-Range": pin} if pin else {})


def matched_version(etag: str | None, size: int | None) -> Version:
    """The version in a store that looks at If-Match. Its ETag is told without quotes."""
    return Version(size, etag and etag.strip('"'), {"If-Match": etag} if etag else {})


class _Stream:
    """The body of an answer of requests."""

    def __init__(
        self, response: requests.Response, display: str, size: int | None, *, decode: bool
    ) -> None:
        self._raw = response.raw
        self._display = display
        self._size = size
        self._decode = decode

    def read(self, size: int) -> bytes:
        try:
            data: bytes = self._raw.read1(size, decode_content=self._decode)
            return data
        except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            raise Retryable(Truncated(self._display, self._size, reason(error))) from error

    def interrupt(self) -> None:
        # AttributeError: the standard library's, when all has been read.
        with suppress(OSError, ValueError, AttributeError):
            hang_up(self._raw.fileno())


def _size_of_part(response: requests.Response, start: int) -> int | None:
    of = _OF_SIZE.match(response.headers.get("Content-Range", ""))
    return int(of[2]) if of and int(of[1]) == start else None

"""What all stores with a plain HTTP interface have in common: one GET, sent by requests.

requests follows redirects, and handles proxies and certificates. The final URL and its headers are
where the transfer then fetches ranges.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, ClassVar

import requests

from slugfit.base.http import CONNECT_SECONDS, SILENCE_SECONDS
from slugfit.stores import FIRST_BYTES, Address, Changed, ObjectStream, Retryable, Version
from slugfit.stores.framing import (
    ContradictionError,
    Framing,
    MalformedError,
    framing_of_part,
    framing_of_whole,
)
from slugfit.stores.http_body import GzipBody, HttpBody
from slugfit.stores.http_responses import refusal_of, request_errors
from slugfit.stores.refusals import MalformedResponse, ServerFailed
from slugfit.stores.urls import StoreUrl

TIMEOUTS = (CONNECT_SECONDS, SILENCE_SECONDS)
_HEADERS = {
    # The stored bytes, which are what size and checksum are of.
    "Accept-Encoding": "identity",
    "User-Agent": "slugfit",
}

_Stop = Callable[[requests.Response], bool]


class Session(requests.Session):
    """A session that sends no password from ~/.netrc, and no host's header to another host.

    It does not follow a redirect for which `stop` is true.
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
    """An object behind an HTTP URL. Stores override the methods in which they differ."""

    undoes_encoding: ClassVar = True
    """Whether to undo an encoding that was not asked for. Else bytes arrive as they are stored."""

    def __init__(self, url: StoreUrl, now: Callable[[], float]) -> None:
        self._now = now
        self.url = url

    def credentials(self) -> Mapping[str, str]:
        """The headers that open the store. Requests for ranges have them, too."""
        return {}

    def request(
        self, version: Version | None, unless_etag: str | None
    ) -> tuple[str, Mapping[str, str]]:
        """The URL, and the headers with the conditions of the request."""
        raise NotImplementedError

    def ask(
        self, session: requests.Session, url: str, headers: Mapping[str, str]
    ) -> requests.Response:
        """The response after all redirects, to be closed."""
        with request_errors(self.url):
            return session.get(url, headers=dict(headers), stream=True, timeout=TIMEOUTS)

    def is_unchanged(self, response: requests.Response, unless_etag: str) -> bool:
        """Whether the response, be it a redirect, says that the ETag is still that one."""
        return response.status_code == 304

    def version(self, response: requests.Response, size: int | None) -> Version:
        """Which version of the object the response has."""
        return version_of(response.headers, size)

    def address(self, url: str, version: Version) -> str:
        """Where to fetch further ranges of `version`, of which `url` returned one."""
        return url

    def refusal(self, response: requests.Response) -> Exception:
        """What a response without the object means."""
        return refusal_of(response, self.url, self._now())

    @contextmanager
    def open(
        self, *, start: int = 0, version: Version | None = None, unless_etag: str | None = None
    ) -> Iterator[ObjectStream | None]:
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
        try:
            size = self._framing(response, 0).size
        except ContradictionError:
            return False  # another try may be right
        except MalformedError:
            return True
        fits = size is not None and size <= FIRST_BYTES
        return size is None or (not fits and not self.version(response, size).pin)

    def _opened(self, response: requests.Response, start: int) -> ObjectStream:
        if response.status_code not in (200, 206):
            raise self.refusal(response)
        if start and response.status_code == 200:
            raise Changed  # the response to If-Range when the object has changed
        try:
            framing = self._framing(response, start)
            if response.status_code == 206 and framing.size is None:
                raise MalformedError("Content-Range: a part of an object of unknown size")
        except MalformedError as error:
            failure = MalformedResponse(self.url, f"header: {error}")
            if isinstance(error, ContradictionError):
                raise Retryable(failure) from error
            raise failure from error
        version = self.version(response, framing.size)
        body = HttpBody(response, self.url, framing)
        return ObjectStream(
            version,
            GzipBody(body, self.url) if framing.is_gzip else body,
            self._address(response, version) if response.status_code == 206 else None,
            body.interrupt,
            has_end=framing.has_end,
        )

    def _framing(self, response: requests.Response, start: int) -> Framing:
        """Raises MalformedError."""
        headers, as_stored = response.headers, not self.undoes_encoding
        if response.status_code == 206:
            return framing_of_part(headers, start, as_stored=as_stored)
        return framing_of_whole(headers, as_stored=as_stored)

    def _address(self, response: requests.Response, version: Version) -> Address | None:
        """Where the response came from after all redirects, and with which headers."""
        sent = response.request
        if not version.pin or sent.url is None:
            return None
        kept = {name: sent.headers[name] for name in self._own_headers(sent)}
        return Address(self.address(sent.url, version), {**kept, **version.pin})

    def _own_headers(self, sent: requests.PreparedRequest) -> list[str]:
        """Of the headers that were `sent` to the final URL, those that further requests need."""
        return [name for name in (*self.credentials(), "Cookie") if name in sent.headers]


def get_json(
    url: str,
    headers: Mapping[str, str],
    source: StoreUrl,
    refusal: Callable[[requests.Response], Exception],
) -> tuple[Any, str | None]:
    """The document behind `url`, and the URL of the next page if there is one."""
    with Session() as session, request_errors(source):
        response = session.get(url, headers={**_HEADERS, **headers}, timeout=TIMEOUTS)
    if response.status_code != 200:
        raise refusal(response)
    try:
        return response.json(), response.links.get("next", {}).get("url")
    except ValueError as error:
        raise Retryable(ServerFailed(source, "reason: the response is not JSON")) from error


def conditions(
    version: Version | None, unless_etag: str | None, quote: str = ""
) -> Mapping[str, str]:
    """The headers that ask for this version only, or for any other than `unless_etag`."""
    unless = {"If-None-Match": f"{quote}{unless_etag}{quote}"} if unless_etag else {}
    return {**(version.pin if version else {}), **unless}


def version_of(headers: Mapping[str, str], size: int | None) -> Version:
    """The version in these response headers. Only a strong ETag or a date pins one."""
    etag, date = headers.get("ETag"), headers.get("Last-Modified")
    if "Content-Encoding" in headers or size is None:
        return Version(size, etag)
    strong = etag if etag and not etag.startswith("W/") else None
    pin = strong or date
    return Version(size, etag, {"If-Range": pin} if pin else {})


def matched_version(etag: str | None, size: int | None) -> Version:
    """The version in a store that respects If-Match. Its ETag is without quotes."""
    return Version(size, etag and etag.strip('"'), {"If-Match": etag} if etag else {})

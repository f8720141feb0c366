"""Files on web servers."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from slugfit.stores import Version
from slugfit.stores.web import HttpUrl
from slugfit.stores.web_object import WebObject, conditions


class HttpObject(WebObject):
    """A file on a web server. `authorization` is the header's value, for the URL's host only."""

    def __init__(
        self, url: HttpUrl, now: Callable[[], float], authorization: str | None = None
    ) -> None:
        super().__init__(url, now)
        self._request_url = url.url
        self._authorization = authorization

    def credentials(self) -> Mapping[str, str]:
        return {"Authorization": self._authorization} if self._authorization else {}

    def request(
        self, version: Version | None, unless_etag: str | None
    ) -> tuple[str, Mapping[str, str]]:
        return self._request_url, conditions(version, unless_etag)

"""Objects behind https:// and http:// URLs."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from slugfit.models.sources import Version
from slugfit.models.sources.web import WebObject, conditions
from slugfit.settings.urls import HttpUrl


class HttpObject(WebObject):
    """A file on a web server. `authorization` is the header's value, for the URL's host only."""

    def __init__(
        self, url: str, now: Callable[[], float], authorization: str | None = None
    ) -> None:
        super().__init__(HttpUrl(url).display, now)
        self._url = url
        self._authorization = authorization

    def credentials(self) -> Mapping[str, str]:
        return {"Authorization": self._authorization} if self._authorization else {}

    def request(
        self, version: Version | None, unless_etag: str | None
    ) -> tuple[str, Mapping[str, str]]:
        return self._url, conditions(version, unless_etag)

"""Files in a depot, by HTTP."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from urllib.parse import quote

from slugfit.stores import Version
from slugfit.stores.web_object import WebObject, conditions

from .depot import DepotSettings, DepotUrl


class DepotFile(WebObject):
    def __init__(self, url: DepotUrl, settings: DepotSettings, now: Callable[[], float]) -> None:
        super().__init__(url, now)
        self._request_url = f"{settings.endpoint}/{url.depot}/{quote(url.file)}"
        self._token = settings.token

    def credentials(self) -> Mapping[str, str]:
        return {"Authorization": f"Bearer {self._token}"} if self._token else {}

    def request(
        self, version: Version | None, unless_etag: str | None
    ) -> tuple[str, Mapping[str, str]]:
        return self._request_url, conditions(version, unless_etag)

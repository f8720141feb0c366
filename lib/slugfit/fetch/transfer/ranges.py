"""What the response to a range request means."""

from __future__ import annotations

import http.client
import re
from collections.abc import Callable
from dataclasses import dataclass

from slugfit.base.http import HttpResponse
from slugfit.stores import Changed, Retryable, Version
from slugfit.stores.refusals import ServerFailed
from slugfit.stores.urls import StoreUrl

_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+)")


class AddressRefused(Retryable):
    """The address no longer works. The store's own client finds out why."""


@dataclass(frozen=True)
class RangeCheck:
    """The version that all ranges have to be from."""

    url: StoreUrl
    version: Version
    now: Callable[[], float]

    def check(self, response: HttpResponse, start: int) -> None:
        """Raise Changed or Retryable unless `response` has the bytes from `start` on."""
        if response.status == http.client.PARTIAL_CONTENT:
            if not self._is_part(response) or not self._begins(response, start):
                raise Changed
            return
        # The whole object instead of a range: this is how a server says that it has changed.
        if response.status in (200, 412, 416):
            raise Changed
        failure = ServerFailed(self.url, f"status: {response.status} {response.reason}")
        if response.status in (408, 429) or response.status >= 500:
            raise Retryable(failure, response.retry_after(self.now()))
        raise AddressRefused(failure)

    def _is_part(self, response: HttpResponse) -> bool:
        """Whether the response is from the version requested: not all servers check that."""
        # Other pins are not repeated in any response header.
        pins = {v for name, v in self.version.pin.items() if name.lower().startswith("if-")}
        kinds = {pin.startswith('"') for pin in pins}
        said = {response.headers.get("ETag"), response.headers.get("Last-Modified")}
        compared = {one for one in said if one and one.startswith('"') in kinds}
        return not compared or bool(compared & pins)

    def _begins(self, response: HttpResponse, start: int) -> bool:
        range_ = _RANGE.match(response.headers.get("Content-Range", ""))
        asked = [start, self.version.size]
        return range_ is not None and [int(number) for number in range_.groups()] == asked

"""What the answer to a request for a part of an object means."""

from __future__ import annotations

import http.client
import re
from collections.abc import Callable
from dataclasses import dataclass

from slugfit.models.refusals import ServerFailed
from slugfit.models.sources import Changed, Retryable, Version
from slugfit.models.wire import Answer

_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+)")


class Refused(Retryable):
    """The address is no good any more: the store's own client shall ask, and say why."""


@dataclass(frozen=True)
class Whole:
    """The version that all parts have to be of."""

    display: str
    version: Version
    now: Callable[[], float]

    def check(self, answer: Answer, start: int) -> None:
        """Raise Changed, Refused or Retryable unless `answer` brings the bytes from `start` on."""
        if answer.status == http.client.PARTIAL_CONTENT:
            if not self._is_part(answer) or not self._begins(answer, start):
                raise Changed
            return
        # All of the object instead of a part: this server's way to say that it changed.
        if answer.status in (200, 412, 416):
            raise Changed
        failure = ServerFailed(self.display, f"status: {answer.status} {answer.reason}")
        if answer.status in (408, 429) or answer.status >= 500:
            raise Retryable(failure, answer.retry_after(self.now()))
        raise Refused(failure)

    def _is_part(self, answer: Answer) -> bool:
        """Whether what the answer says of its version is what was asked: not all servers look."""
        # Other pins come back in no header that we know.
        pins = {v for name, v in self.version.pin.items() if name.lower().startswith("if-")}
        kinds = {pin.startswith('"') for pin in pins}
        said = {answer.headers.get("ETag"), answer.headers.get("Last-Modified")}
        compared = {one for one in said if one and one.startswith('"') in kinds}
        return not compared or bool(compared & pins)

    def _begins(self, answer: Answer, start: int) -> bool:
        range_ = _RANGE.match(answer.headers.get("Content-Range", ""))
        asked = [start, self.version.size]
        return range_ is not None and [int(number) for number in range_.groups()] == asked

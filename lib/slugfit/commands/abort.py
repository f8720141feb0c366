"""How a command ends on a bug: reported as a failure."""

from __future__ import annotations

import traceback

from slugfit import VERSION
from slugfit.base.errors import Explanation, Failure


class Unexpected(Failure):
    """A bug. `stopped` is the step or command; `until_then` is what helps while it is there."""

    id = "internal::unexpected"
    kind = "internal"

    def __init__(self, stopped: str, error: BaseException, *until_then: str) -> None:
        self.stopped = stopped
        self.error = error
        self.until_then = until_then

    def explain(self) -> Explanation:
        return Explanation(
            summary=f"The {self.stopped} stopped unexpectedly.",
            evidence=tuple(traceback.format_exception(self.error)),
            fixes=(
                f"Report it with the lines above and this version: Slugfit {VERSION}",
                *self.until_then,
            ),
        )

    def __str__(self) -> str:
        return f"{self.stopped}: {type(self.error).__name__}: {self.error}"

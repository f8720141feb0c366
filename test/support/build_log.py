"""A build log that a test can read, and an error as people see it."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable

from slugfit.base.errors import Failure, render
from slugfit.base.output import Output, Redactor

_COLOUR = re.compile(r"\033\[[\d;]*m")


class BuildLog:
    """An `output`, and what was written to it."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._stdout = io.StringIO()
        self._stderr = io.StringIO()
        self.output = Output(self._stdout, self._stderr, Redactor(secrets))

    @property
    def steps(self) -> str:
        """Steps and details, as on stdout."""
        return self._stdout.getvalue()

    @property
    def alerts(self) -> str:
        """Warnings and errors, as on stderr but for the colours."""
        return _COLOUR.sub("", self._stderr.getvalue())


def error_text(failure: Failure) -> str:
    """The whole message, a line break after each line."""
    return "".join(f"{line}\n" for line in render(failure))

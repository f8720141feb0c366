"""What a build prints, in the order it was printed."""

from __future__ import annotations

import re
from typing import TextIO

ANSI_SEQUENCE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def without_colours(text: str) -> str:
    """Return `text` without ANSI sequences."""
    return ANSI_SEQUENCE.sub("", text)


class Transcript:
    """Collects the output of a build, and shows it as it comes when `echo` is given."""

    def __init__(self, echo: TextIO | None = None) -> None:
        self._parts: list[str] = []
        self._echo = echo

    def write(self, text: str) -> None:
        """Append `text` as it is."""
        self._parts.append(text)
        if self._echo is not None:
            self._echo.write(text)
            self._echo.flush()

    def line(self, text: str = "") -> None:
        """Append one line of the platform's own words."""
        self.write(text + "\n")

    @property
    def raw(self) -> str:
        """Everything, colours included."""
        return "".join(self._parts)

    @property
    def plain(self) -> str:
        """Everything, colours removed."""
        return without_colours(self.raw)

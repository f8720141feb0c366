"""The progress of a transfer in the log: a line every few seconds, or a bar on a terminal."""

from __future__ import annotations

from collections.abc import Callable

from slugfit.base.output import Output
from slugfit.base.sizes import format_duration, format_size

_LINE_SECONDS = 5.0
_BAR_SECONDS = 0.1
_BAR_WIDTH = 16


class Progress:
    """Shows the progress of a model, which the log calls `subject` and which is from `origin`."""

    def __init__(
        self, subject: str, origin: str, output: Output, clock: Callable[[], float]
    ) -> None:
        self._subject = subject
        self._origin = origin
        self._output = output
        self._clock = clock
        self._size: int | None = None
        self._there = 0
        self._begun = self._shown = clock()

    def begin(self, size: int | None, there: int) -> None:
        suffix = "" if size is None else f" ({format_size(size)})"
        self._output.step(f"Fetching {self._subject}{suffix}")
        self._output.detail(f"from {self._origin}")
        if there:
            self._output.detail(f"resuming after {format_size(there)} from an earlier run")
        self._size, self._there = size, there
        self._begun = self._shown = self._clock()

    def move(self, received: int) -> None:
        now = self._clock()
        self._there = min(
            self._there, received
        )  # less: what an earlier run had left turned out to be unusable
        if now - self._shown < (_BAR_SECONDS if self._output.is_terminal else _LINE_SECONDS):
            return
        self._shown = now
        if self._output.is_terminal:
            self._output.transient(f"{self._bar(received)}{self._line(received)}")
        else:
            self._output.detail(self._line(received))

    def end(self, received: int) -> None:
        seconds = self._clock() - self._begun
        fetched = max(0, received - self._there)
        rate = f", {format_size(round(fetched / seconds))}/s" if seconds > 0 else ""
        self._output.detail(f"{format_size(fetched)} in {format_duration(seconds)}{rate}")

    def _line(self, received: int) -> str:
        rate = (received - self._there) / max(self._clock() - self._begun, 1e-9)
        of = "" if self._size is None else f" of {format_size(self._size)}"
        parts = [f"{format_size(received)}{of}", f"{format_size(round(rate))}/s"]
        left = (self._size or 0) - received
        if left > 0 and rate > 0:
            parts.append(f"{format_duration(left / rate)} left")
        return ", ".join(parts)

    def _bar(self, received: int) -> str:
        if not self._size:
            return ""
        full = min(_BAR_WIDTH, _BAR_WIDTH * received // self._size)
        return f"[{'#' * full}{'.' * (_BAR_WIDTH - full)}] "

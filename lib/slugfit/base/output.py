"""The build log, in Heroku's conventions. The only module that prints.

All output passes through a `Redactor`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from typing import Any, TextIO
from urllib.parse import quote, quote_plus

from slugfit.base.errors import Failure, render

_RED = "\033[1;31m"
_YELLOW = "\033[1;33m"
_RESET = "\033[0m"
_REPLACE = "\r\033[K"  # return to the start of the line and clear it
_USUAL_COLUMNS = 80

REDACTED = "[redacted]"
_SHORTEST_SECRET = 4  # shorter ones would match parts of words
_SHORTEST_LINE = 16  # of a multi-line secret, which can have lines of braces
_USERINFO = re.compile(r"(?<=://)[^/\s?#]+@")
# With a "=", anywhere: the clients' messages have paths without a host. Else only in a URL.
# An object's version is no secret, but part of its name.
_VERSION = r"(?:versionId=[A-Za-z0-9._~-]+|generation=[0-9]+)(?:[\s\"<>]|$)"
_QUERY = re.compile(rf"(://[^\s?\"<>]*)?\?(?!{_VERSION})(?(1)[^\s\"<>]+|[^\s\"<>]*=[^\s\"<>]*)")


class Redactor:
    """Removes secrets, URL credentials and query strings from text."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._spellings: set[str] = set()
        self._secrets: re.Pattern[str] | None = None
        self.learn(secrets)

    def learn(self, secrets: Iterable[str]) -> None:
        """Redact these, too, from now on."""
        long = [part for secret in secrets for part in _parts(secret)]
        self._spellings |= {spell(part) for part in long for spell in (str, quote, quote_plus)}
        # Longest first: a key can be a prefix of another one.
        ordered = sorted(self._spellings, key=lambda spelling: (-len(spelling), spelling))
        self._secrets = re.compile("|".join(map(re.escape, ordered))) if ordered else None

    def __call__(self, text: str) -> str:
        if self._secrets:
            text = self._secrets.sub(REDACTED, text)
        text = _USERINFO.sub(f"{REDACTED}@", text)
        return _QUERY.sub(rf"\1?{REDACTED}", text)

    def values(self, data: Any) -> Any:
        """JSON data with every string value redacted; keys are never secret."""
        if isinstance(data, dict):
            return {key: self.values(value) for key, value in data.items()}
        if isinstance(data, list):
            return [self.values(value) for value in data]
        return self(data) if isinstance(data, str) else data


def _parts(secret: str) -> list[str]:
    """The secret, and each of its lines: the log is redacted a line at a time."""
    lines = [line.strip() for line in secret.splitlines()]
    shortest = _SHORTEST_LINE if len(lines) > 1 else _SHORTEST_SECRET
    parts = [line for line in lines if len(line) >= shortest]
    return [secret, *parts] if len(secret) >= _SHORTEST_SECRET else []


class Output:
    """Steps and details to stdout, warnings and errors to stderr."""

    def __init__(self, stdout: TextIO, stderr: TextIO, redact: Redactor) -> None:
        self._stdout = stdout
        self._stderr = stderr
        self._is_transient = False
        self.redact = redact

    @property
    def is_terminal(self) -> bool:
        """Whether stdout is a terminal, on which a line can be updated."""
        return self._stdout.isatty()

    def transient(self, text: str) -> None:
        """A detail that the next line replaces. For terminals only."""
        # A wrapped line can't be replaced. Some terminals do not report their width.
        columns = os.get_terminal_size(self._stdout.fileno()).columns or _USUAL_COLUMNS
        line = f"       {self.redact(text)}"[: columns - 1]
        print(f"{_REPLACE}{line}", end="", file=self._stdout, flush=True)
        self._is_transient = True

    def clear(self) -> None:
        """Remove a transient detail from the terminal."""
        if self._is_transient:
            print(_REPLACE, end="", file=self._stdout, flush=True)
            self._is_transient = False

    def text(self, text: str) -> None:
        """Formatted text, such as JSON for other programs: unchanged, except for secrets."""
        self.clear()
        self._stdout.write(self.redact(text))
        self._stdout.flush()

    def step(self, text: str) -> None:
        self._write(self._stdout, f"-----> {text}")

    def detail(self, text: str) -> None:
        for line in text.splitlines() or [""]:
            self._write(self._stdout, f"       {line}".rstrip())

    def warning(self, summary: str, *paragraphs: str) -> None:
        lines = [f"Warning: {summary}"]
        for paragraph in paragraphs:
            lines += ["", *paragraph.splitlines()]
        self._alert(_YELLOW, lines)

    def failure(self, failure: Failure) -> None:
        self._alert(_RED, render(failure))

    def _alert(self, colour: str, lines: list[str]) -> None:
        # Blank lines around it, so that it stands out in a long build log.
        self._stdout.flush()
        self._write(self._stderr, "")
        for line in lines:
            # Redacted first: a query string at the end of the line would include the reset.
            text = f" !     {self.redact(line)}".rstrip()
            self._write(self._stderr, f"{colour}{text}{_RESET}")
        self._write(self._stderr, "")

    def _write(self, stream: TextIO, line: str) -> None:
        self.clear()
        # Flushed after each line: Heroku shows both streams in one log.
        print(self.redact(line), file=stream, flush=True)

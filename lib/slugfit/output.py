"""The build log, in Heroku's conventions. The only module that prints.

Everything passes a `Redactor` on its way out, whoever wrote it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, TextIO
from urllib.parse import quote, quote_plus

from slugfit.errors import Failure, render

_RED = "\033[1;31m"
_YELLOW = "\033[1;33m"
_RESET = "\033[0m"

REDACTED = "[redacted]"
_SHORTEST_SECRET = 4  # less is no secret, and would be found in every other word
_USERINFO = re.compile(r"(?<=://)[^/\s?#]+@")
# With a "=" anywhere: the clients' messages have only paths. Else only in a URL.
_QUERY = re.compile(r"(://[^\s?\"<>]*)?\?(?(1)[^\s\"<>]+|[^\s\"<>]*=[^\s\"<>]*)")


class Redactor:
    """Takes secrets, URL credentials and query strings out of a text."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        long = [secret for secret in secrets if len(secret) >= _SHORTEST_SECRET]
        spellings = {spell(secret) for secret in long for spell in (str, quote, quote_plus)}
        # The longest first: a key can be a prefix of another.
        ordered = sorted(spellings, key=lambda spelling: (-len(spelling), spelling))
        self._secrets = re.compile("|".join(map(re.escape, ordered))) if ordered else None

    def __call__(self, text: str) -> str:
        if self._secrets:
            text = self._secrets.sub(REDACTED, text)
        text = _USERINFO.sub(f"{REDACTED}@", text)
        return _QUERY.sub(rf"\1?{REDACTED}", text)

    def values(self, data: Any) -> Any:
        """The same JSON data with every text in it redacted; its keys are ours."""
        if isinstance(data, dict):
            return {key: self.values(value) for key, value in data.items()}
        if isinstance(data, list):
            return [self.values(value) for value in data]
        return self(data) if isinstance(data, str) else data


class Output:
    """Steps and details to stdout, warnings and errors to stderr."""

    def __init__(self, stdout: TextIO, stderr: TextIO, redact: Redactor) -> None:
        self._stdout = stdout
        self._stderr = stderr
        self.redact = redact

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
        # A blank line around it, so that it stands out of a long build log.
        self._stdout.flush()
        self._write(self._stderr, "")
        for line in lines:
            text = f" !     {line}".rstrip()
            self._write(self._stderr, f"{colour}{text}{_RESET}")
        self._write(self._stderr, "")

    def _write(self, stream: TextIO, line: str) -> None:
        # Flushed a line at a time: Heroku shows both streams in one log.
        print(self.redact(line), file=stream, flush=True)

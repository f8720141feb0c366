"""The tables of docs/benchmarks.md: each between markers with the name of its bench."""

from __future__ import annotations

import argparse
import datetime
import re
from collections.abc import Iterable
from pathlib import Path

from bench.machine import describe
from support.paths import REPOSITORY

PAGE = REPOSITORY / "docs/benchmarks.md"


class NoMarkersError(Exception):
    """The page has no place for a bench's results; the message names the bench."""


def add_write(parser: argparse.ArgumentParser) -> None:
    """Add `--write`, which a run in full has: results of a part must not replace those of all."""
    parser.add_argument("--write", action="store_true", help="replace the table in the docs")


def document(bench: str, lines: Iterable[str], page: Path = PAGE) -> None:
    """Replace a bench's lines, and say on what and when they were measured."""
    today = f"{datetime.datetime.now(tz=datetime.timezone.utc):%-d %B %Y}"
    measured = [f"*{'; '.join([*describe(), today])}*", "", *lines]
    page.write_text(replaced(page.read_text(), bench, measured))


def replaced(text: str, bench: str, lines: Iterable[str]) -> str:
    """The page with other lines between a bench's markers. Raises NoMarkersError."""
    begin, end = f"<!-- {bench}:begin -->", f"<!-- {bench}:end -->"
    block = "\n".join((begin, *lines, end))
    found = re.compile(f"{re.escape(begin)}\n.*?{re.escape(end)}", re.DOTALL)
    text, count = found.subn(lambda _: block, text)
    if count != 1:
        raise NoMarkersError(bench)
    return text

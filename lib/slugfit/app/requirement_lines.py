"""Requirements files as logical lines, each with the place that a person would change."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from slugfit.base.files import inside

_LONGEST = 2_000_000  # bytes of a file that people, or tools for them, write
_NESTED = re.compile(r"(?:-r|--requirement)[\s=]*(\S+)")
_BEGINS_COMMENT = re.compile(r"(?:^|\s)#")  # at a word: `#egg=` does not


@dataclass(frozen=True)
class RequirementLine:
    """A logical line: without its comments, and joined where `\\` continues it.

    `file` is relative to the app, and `number` that of its first physical line, from 1;
    `comments` are those on it and right below it, with their `#`.
    """

    text: str
    file: str
    number: int
    comments: tuple[str, ...] = ()

    @property
    def place(self) -> str:
        return f"{self.file}:{self.number}"


def requirement_lines(app: Path, file: str = "requirements.txt") -> Iterator[RequirementLine]:
    """The lines of `file`, with those of the files that it includes in their place."""
    yield from _lines_of(app, file, set())


def _lines_of(app: Path, file: str, seen: set[str]) -> Iterator[RequirementLine]:
    path = inside(app, file)
    if file in seen or path is None:
        return
    seen.add(file)
    for line in logical_lines(read_text(path), file):
        if nested := _NESTED.fullmatch(line.text):
            beside = posixpath.normpath(posixpath.join(posixpath.dirname(file), nested[1]))
            yield from _lines_of(app, beside, seen)
        else:
            yield line


def logical_lines(text: str, file: str) -> Iterator[RequirementLine]:
    """The lines of a file's `text` that have content."""
    line: RequirementLine | None = None
    for number, piece in _joined(text):
        content, comment = _parted(piece)
        if content:
            if line:
                yield line
            line = RequirementLine(content, file, number)
        if comment and line:
            line = replace(line, comments=(*line.comments, comment))
    if line:
        yield line


def _joined(text: str) -> Iterator[tuple[int, str]]:
    """Physical lines, joined where one ends in a backslash, with the number of the first."""
    pieces, first = list[str](), 1
    for number, piece in enumerate(text.splitlines(), 1):
        first = first if pieces else number
        pieces.append(piece.removesuffix("\\"))
        if not piece.endswith("\\"):
            yield first, " ".join(pieces)
            pieces = []
    if pieces:
        yield first, " ".join(pieces)


def _parted(piece: str) -> tuple[str, str]:
    """A line's content and its comment."""
    match = _BEGINS_COMMENT.search(piece)
    end = match.start() if match else len(piece)
    return piece[:end].strip(), piece[end:].strip()


def read_text(file: Path) -> str:
    """The text of a file of usual size; "" when there is none, or it is none."""
    try:
        if file.is_file() and file.stat().st_size <= _LONGEST:
            return file.read_text(encoding="utf-8-sig", errors="replace")
    except OSError:
        pass
    return ""

"""One word per concept: class names are found once, and the words of the old dialect nowhere."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

from test_floor_plan import LIB, rooms

# Words that a native technical editor would not write here, and what to say.
SAY = {
    "anew": "again",
    "can not": "can't, cannot",
    "couriers": "small files",
    "crew": "connections",
    "culprit": "suspect",
    "goes": "is removed, fits, follows",
    "in the place of": "replace … with",
    "intake": "writer",
    "nobody": "who or what does not",
    "nominate": "select as a candidate",
    "put back whole": "restored",
    "shall": "must, will",
    "somebody": "the user, another process",
    "spared": "kept",
    "the biggest": "the largest",
    "told": "listed, shown, to_json",
    "twin": "duplicate",
    "whatever": "any, whether or not",
    "whoever": "anyone who",
}
BANNED = re.compile(rf"\b(?:{'|'.join(SAY)})(?:s|d)?\b", re.IGNORECASE)
TEXT_FILES = {".js", ".html", ".toml"}
# Python 3.12 and later have tokens for the parts of an f-string.
TEXT_TOKENS = {tokenize.COMMENT, tokenize.STRING, getattr(tokenize, "FSTRING_MIDDLE", -1)}


def words_in(file: Path) -> Iterator[str]:
    """Comments, docstrings, other strings, and the names that a file defines."""
    text = file.read_text(encoding="utf-8")
    if file.suffix != ".py":
        yield text
        return
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type in TEXT_TOKENS:
            yield token.string
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield _spaced(node.name)
        elif isinstance(node, ast.arg):
            yield _spaced(node.arg)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield _spaced(node.id)


def _spaced(name: str) -> str:
    """The words of a name in snake case or camel case."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).replace("_", " ")


def test_no_class_has_the_name_of_another_one() -> None:
    defined = defaultdict(list)
    for file in sorted(LIB.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_bytes())):
            if isinstance(node, ast.ClassDef):
                defined[node.name].append(str(file.relative_to(LIB)))
    assert {name: files for name, files in defined.items() if len(files) > 1} == {}


@pytest.mark.parametrize("room", sorted(rooms()))
def test_a_room_has_the_words_of_the_field(room: str) -> None:
    found = {
        f"{file.relative_to(LIB)}: {match[0]}"
        for file in sorted((LIB / room).rglob("*"))
        if file.suffix in {".py", *TEXT_FILES}
        for text in words_in(file)
        for match in BANNED.finditer(text)
    }
    assert found == set()


@pytest.mark.parametrize(
    ("source", "word"),
    [
        ("# Whoever reads this.\n", "Whoever"),
        ('"""What the page is told."""\n', "told"),
        ('x = f"{y} goes"\n', "goes"),
        ("def slug_told(): ...\n", "told"),
        ("class CrewMember: ...\n", "Crew"),
        ("def f(couriers): ...\n", "couriers"),
    ],
)
def test_a_banned_word_is_found(tmp_path: Path, source: str, word: str) -> None:
    file = tmp_path / "module.py"
    file.write_text(source)
    assert word in {match[0] for text in words_in(file) for match in BANNED.finditer(text)}

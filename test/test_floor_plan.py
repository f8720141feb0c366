"""The floor plan: each room imports only from rooms below it, and a file's name is found once."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from support.paths import REPOSITORY

LIB = REPOSITORY / "lib" / "slugfit"

# From the roof to the ground. What is on one floor does not know each other.
FLOORS = (
    {"commands"},
    {"build"},
    {"report"},
    {"forecast"},
    {"audit"},
    {"slug"},
    {"models"},
    {"strip"},
    {"fetch"},
    {"packages", "local"},
    {"app"},
    {"settings"},
    {"stores"},
    {"helper"},
    {"base"},
)
FLOOR = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}
# Files that more than one room may have, and why.
SAME_NAMES = {
    "__init__.py": "Python's",
    "failures.py": "what can go wrong lies beside the logic that finds it out",
}


def rooms() -> set[str]:
    return {path.name for path in LIB.iterdir() if (path / "__init__.py").is_file()}


def imports_of(room: str) -> Iterator[tuple[Path, str]]:
    """Each file of `room`, with each other room that it imports from."""
    for file in sorted((LIB / room).rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_bytes())):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            for name in names:
                parts = name.split(".")
                if parts[0] == "slugfit" and parts[1:2] not in ([], [room]):
                    yield file, parts[1]


def test_every_room_has_its_floor() -> None:
    assert rooms() == set(FLOOR)


def test_no_room_imports_from_one_that_is_not_below_it() -> None:
    upward = [
        f"{file.relative_to(LIB)} imports from {other}/"
        for room in sorted(rooms())
        for file, other in imports_of(room)
        if FLOOR[other] <= FLOOR[room]
    ]
    assert upward == []


def test_no_file_has_the_name_of_another_one() -> None:
    named = defaultdict(list)
    for file in sorted(LIB.rglob("*.py")):
        # A command's file has the command's name, whatever else has it.
        if file.parent.name != "commands" and file.name not in SAME_NAMES:
            named[file.name].append(str(file.relative_to(LIB)))
    assert {name: files for name, files in named.items() if len(files) > 1} == {}

"""What a file is by its content."""

from __future__ import annotations

from pathlib import Path

import pytest

from slugfit.strip.candidates.file_kinds import (
    has_other_tag,
    holds_tests,
    is_foreign,
    is_program,
    kinds,
)
from support.binaries import (
    AARCH64,
    ARCHIVE,
    EXECUTABLE,
    LIBRARY,
    MACOS,
    OBJECT,
    PROGRAM,
    WINDOWS,
    elf,
)

SOABI = "cpython-311-x86_64-linux-gnu"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "file"


@pytest.mark.parametrize("content", [PROGRAM, elf(EXECUTABLE)])
def test_what_the_system_executes_is_a_program(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    assert is_program(file)


@pytest.mark.parametrize(
    "content", [LIBRARY, elf(OBJECT), PROGRAM[:66], PROGRAM[:17], b"", b"#!/bin/sh\n", WINDOWS]
)
def test_anything_else_is_none(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    assert not is_program(file)


@pytest.mark.parametrize("content", [WINDOWS, MACOS, elf(machine=AARCH64)])
def test_a_binary_of_another_platform_is_foreign(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    assert is_foreign(file, SOABI)


@pytest.mark.parametrize("content", [LIBRARY, PROGRAM, LIBRARY[:18], b"M", b""])
def test_what_might_be_of_this_platform_is_not_foreign(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    assert not is_foreign(file, SOABI)


@pytest.mark.parametrize("soabi", ["", "cpython-311-loongarch64-linux-gnu"])
def test_no_machine_is_another_one_where_the_own_is_not_known(file: Path, soabi: str) -> None:
    file.write_bytes(elf(machine=AARCH64))
    assert not is_foreign(file, soabi)


@pytest.mark.parametrize(
    "name",
    [
        "a.cpython-310-x86_64-linux-gnu.so",
        "a.cpython-311-x86_64-linux-musl.so",
        "a.cpython-311-darwin.so",
        "a.cpython-311d-x86_64-linux-gnu.so",
        "a.pypy39-pp73-x86_64-linux-gnu.so",
    ],
)
def test_a_module_with_the_tag_of_another_python_is_not_imported(name: str) -> None:
    assert has_other_tag(name, SOABI)
    assert not has_other_tag(name, "")


@pytest.mark.parametrize(
    "name", ["a.so", "a.abi3.so", f"a.{SOABI}.so", "libcpython-310.so", "a.cpython-310.py"]
)
def test_a_library_without_such_a_tag_may_be(name: str) -> None:
    assert not has_other_tag(name, SOABI)


@pytest.mark.parametrize(
    "source",
    [
        "def test_one(): ...",
        "class A:\n    async def test_one(self): ...",
        "import unittest",
        "from absl.testing import TestCase",
    ],
)
def test_a_source_that_tests_shows_it(file: Path, source: str) -> None:
    file.write_text(source)
    assert holds_tests(file)


@pytest.mark.parametrize("source", ["", "class Case: ...", "def cases(): return testers()"])
def test_a_source_that_does_not_is_none_of_tests(file: Path, source: str) -> None:
    file.write_text(source)
    assert not holds_tests(file)


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        ("archive", ARCHIVE),
        ("object file", elf(OBJECT)),
        ("libtool library", b"# liba.la - a libtool library file\n"),
    ],
)
def test_what_a_linker_reads_is_told_from_text(file: Path, kind: str, content: bytes) -> None:
    file.write_bytes(content)
    assert kinds(SOABI)[kind](file)
    file.write_bytes(b"a text\n")
    assert not kinds(SOABI)[kind](file)


def test_links_and_what_is_not_there_are_nothing(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("file")
    assert not is_program(tmp_path / "link")
    (tmp_path / "file").write_bytes(PROGRAM)
    assert not is_program(tmp_path / "link")
    assert not any(is_it(tmp_path) for is_it in kinds(SOABI).values())

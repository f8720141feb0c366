"""Dead ranges of ELF files, on real libraries that a real loader loads."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slugfit.settings.model import StripSettings
from slugfit.strip.elf import Range, copy_without, dead_ranges
from support.snapshot import snapshot
from unit.packages import Site

SOURCE = """
static int hidden(int x) { return x * 6; }
static const char *words[] = {"one", "two", "three"};
int answer(void) { return hidden(7); }
const char *word(int i) { return words[i]; }
"""
# Enough names for their tables to be worth a copy.
NAMES = "".join(
    f"int a_function_with_a_long_name_{n}(int x) {{ return x + {n}; }}\n" for n in range(400)
)

pytestmark = pytest.mark.skipif(shutil.which("cc") is None, reason="needs a C compiler")


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("elf")
    (directory / "a.c").write_text(SOURCE + NAMES)
    library = directory / "liba.so"
    subprocess.run(["cc", "-g", "-shared", "-fPIC", "-o", library, directory / "a.c"], check=True)
    return library


def zeroed(source: Path, target: Path) -> Path:
    with target.open("wb") as file:
        copy_without(source, dead_ranges(source), file)
    return target


def program_headers(file: Path) -> str:
    done = subprocess.run(
        ["readelf", "--wide", "--program-headers", file], check=True, capture_output=True, text=True
    )
    return done.stdout


def test_symbols_and_debug_data_are_dead(library: Path) -> None:
    content = library.read_bytes()
    dead = b"".join(content[r.offset : r.end] for r in dead_ranges(library))
    assert b"hidden\0" in dead  # a static function's name: only .strtab has it
    assert len(dead) > 20_000


def test_a_copy_without_dead_ranges_differs_nowhere_else(library: Path, tmp_path: Path) -> None:
    copy = zeroed(library, tmp_path / "liba.so").read_bytes()
    expected = bytearray(library.read_bytes())
    for dead in dead_ranges(library):
        expected[dead.offset : dead.end] = bytes(dead.size)
    assert copy == bytes(expected)


def test_a_copy_without_dead_ranges_loads_and_works_as_before(
    library: Path, tmp_path: Path
) -> None:
    copy = zeroed(library, tmp_path / "liba.so")
    assert program_headers(copy) == program_headers(library)
    loaded = ctypes.CDLL(str(copy))
    loaded.word.restype = ctypes.c_char_p
    assert (loaded.answer(), loaded.word(2), loaded.a_function_with_a_long_name_399(1)) == (
        42,
        b"three",
        400,
    )


def test_a_copy_without_dead_ranges_has_none(library: Path, tmp_path: Path) -> None:
    assert dead_ranges(zeroed(library, tmp_path / "liba.so")) == ()


def test_a_library_that_was_stripped_has_none(library: Path, tmp_path: Path) -> None:
    stripped = tmp_path / "stripped.so"
    subprocess.run(["strip", "-o", stripped, library], check=True)
    assert dead_ranges(stripped) == ()


@pytest.mark.parametrize("content", [b"", b"\x7fELF", b"#!/bin/sh\n", b"\x7fELF" + b"\xff" * 200])
def test_what_is_no_elf_file_has_none(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "file").write_bytes(content)
    assert dead_ranges(tmp_path / "file") == ()


@given(st.data())
@settings(max_examples=150)
def test_damaged_headers_never_give_away_what_is_mapped(
    tmp_path_factory: pytest.TempPathFactory, library: Path, data: st.DataObject
) -> None:
    content = bytearray(library.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        # In the file's own header, or in the section headers at its end.
        near = data.draw(st.sampled_from([0, len(content) - 2048]))
        content[near + data.draw(st.integers(5, 2047))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, 64) | st.just(len(content)))
    damaged = tmp_path_factory.mktemp("damaged") / "liba.so"
    damaged.write_bytes(bytes(content[: cut or len(content)]))
    for dead in dead_ranges(damaged):
        assert dead.offset >= 52
        assert dead.end <= damaged.stat().st_size
        assert not dead.overlaps(Range(0, 52))


def install(site: Site, library: Path) -> str:
    """A distribution that loads its library, from a directory beside its package."""
    source = (
        "import ctypes, pathlib\n"
        "libs = pathlib.Path(__file__).parent.parent / 'native.libs'\n"
        "ANSWER = ctypes.CDLL(str(libs / 'liba.so')).answer()\n"
    )
    return site.install(
        "native", {"native/__init__.py": source, "native.libs/liba.so": library.read_bytes()}
    )


def test_a_strip_zeroes_libraries_and_imports_what_uses_them(tmp_path: Path, library: Path) -> None:
    site = Site(tmp_path)
    install(site, library)
    twin = tmp_path / "twin.so"
    os.link(site.root / "native.libs/liba.so", twin)
    before = twin.stat()

    stripped = site.strip()

    assert [zeroing.path for zeroing in stripped.done.zeroings] == ["native.libs/liba.so"]
    assert stripped.checked == ("native",)
    assert stripped.restored == ()
    assert site.untrue_rows() == []
    changed = (site.root / "native.libs/liba.so").stat()
    assert (changed.st_size, changed.st_mode, changed.st_mtime_ns) == (
        before.st_size,
        before.st_mode,
        before.st_mtime_ns,
    )
    # In place of the file, not in it: heroku/python's cache has the same inode.
    assert changed.st_ino != before.st_ino
    assert twin.read_bytes() == library.read_bytes()
    site.changes.keep()
    assert site.plan().zeroings == ()


def test_undo_returns_the_library(tmp_path: Path, library: Path) -> None:
    site = Site(tmp_path)
    install(site, library)
    before = snapshot(site.root)
    site.strip()
    site.changes.undo()
    assert snapshot(site.root) == before


def test_a_library_that_is_kept_is_not_touched(tmp_path: Path, library: Path) -> None:
    site = Site(tmp_path)
    install(site, library)
    assert site.plan(StripSettings(keep=("native.libs",))).zeroings == ()


def test_a_library_without_which_nothing_imports_is_put_back(tmp_path: Path, library: Path) -> None:
    site = Site(tmp_path)
    size = library.stat().st_size
    source = (
        "import pathlib\n"
        "data = (pathlib.Path(__file__).parent / 'liba.so').read_bytes()\n"
        f"assert len(data) == {size} and b'hidden\\0' in data, 'it reads its own symbols'\n"
    )
    site.install("odd", {"odd/__init__.py": source, "odd/liba.so": library.read_bytes()})
    stripped = site.strip()
    assert [restored.package for restored in stripped.restored] == ["odd"]
    assert stripped.restored[0].said == "AssertionError: it reads its own symbols"
    assert (site.root / "odd/liba.so").read_bytes() == library.read_bytes()
    assert stripped.done.zeroings == ()

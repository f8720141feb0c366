"""What no loader reads of ELF files, on real libraries that a real loader loads."""

from __future__ import annotations

import ctypes
import hashlib
import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slugfit.settings.model import StripSettings
from slugfit.strip.native.elf import Range, Shrink, copy_shrunk, dead_ranges, read_dynamic, shrink
from slugfit.strip.native.elf.layout import LOAD, Layout, read_layout
from support import compiled
from support.packages import Site
from support.snapshot import snapshot

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
VARIABLES = "".join(f"int a_variable_with_a_long_name_{n};\n" for n in range(8000))
UNOPTIMISED = ("-g", "-O0")

pytestmark = compiled.needs_compiler
either = pytest.mark.parametrize("name", ["library", "patched"])


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With symbols and debug data at its end, as linkers lay them out."""
    file = tmp_path_factory.mktemp("elf") / "liba.so"
    return compiled.library(file, SOURCE + NAMES, options=UNOPTIMISED)


@pytest.fixture(scope="session")
def patched(library: Path) -> Path:
    """With something behind its symbols, so that all of it has to stay where it is."""
    file = library.with_name("patched.so")
    file.write_bytes(library.read_bytes() + b"an archive, for example")
    return file


def layout(file: Path) -> Layout:
    with file.open("rb") as opened:
        return read_layout(opened, file.stat().st_size)


def shrunk(source: Path, target: Path) -> Path:
    with target.open("wb") as file:
        copy_shrunk(source, shrink(source), file)
    target.chmod(0o755)
    return target


def readelf(file: Path, *options: str) -> str:
    done = subprocess.run(
        ["readelf", "--wide", *options, file], check=True, capture_output=True, text=True
    )
    assert done.stderr == ""
    return done.stdout


def mapped(file: Path) -> list[bytes]:
    """What is mapped of `file`, but for its own header: that says where the others are."""
    content = file.read_bytes()
    begin = layout(file).header.end
    ranges = [s.range for s in layout(file).segments if s.kind == LOAD]
    return [content[max(begin, r.offset) : r.end] for r in ranges]


def names_of_sections(file: Path) -> dict[int, bytes]:
    return {i: s.name for i, s in enumerate(layout(file).sections) if s.kind}


def test_symbols_debug_data_and_notes_of_compilers_are_dead(library: Path) -> None:
    content = library.read_bytes()
    dead = b"".join(content[r.offset : r.end] for r in dead_ranges(library))
    assert b"hidden\0" in dead  # a static function's name: only .strtab has it
    assert b"GCC: (" in dead
    assert len(dead) > 20_000


def test_a_library_ends_where_only_dead_sections_follow(library: Path, tmp_path: Path) -> None:
    copy = shrunk(library, tmp_path / "liba.so")
    assert library.stat().st_size - copy.stat().st_size > 20_000
    assert mapped(copy) == mapped(library)
    assert readelf(copy, "--program-headers") == readelf(library, "--program-headers")


def test_sections_that_are_left_keep_their_index_and_name(library: Path, tmp_path: Path) -> None:
    before = names_of_sections(library)
    after = names_of_sections(shrunk(library, tmp_path / "liba.so"))
    assert after.items() < before.items()
    lost = set(before.values()) - set(after.values())
    assert {b".symtab", b".strtab", b".comment", b".debug_info"} <= lost
    assert {b".text", b".dynsym", b".dynstr", b".shstrtab"}.isdisjoint(lost)


@either
def test_a_shrunk_library_loads_and_works_as_before(
    name: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    loaded = ctypes.CDLL(str(shrunk(request.getfixturevalue(name), tmp_path / "liba.so")))
    loaded.word.restype = ctypes.c_char_p
    assert (loaded.answer(), loaded.word(2), loaded.a_function_with_a_long_name_399(1)) == (
        42,
        b"three",
        400,
    )


def test_a_library_with_something_behind_gets_zeros_and_differs_nowhere_else(
    patched: Path, tmp_path: Path
) -> None:
    expected = bytearray(patched.read_bytes())
    for dead in dead_ranges(patched):
        expected[dead.offset : dead.end] = bytes(dead.size)
    assert shrunk(patched, tmp_path / "liba.so").read_bytes() == bytes(expected)


def test_zeros_take_no_blocks(tmp_path: Path) -> None:
    file = compiled.library(tmp_path / "liba.so", SOURCE + VARIABLES, options=UNOPTIMISED)
    file.write_bytes(file.read_bytes() + b"behind")
    copy = shrunk(file, tmp_path / "copy.so")
    assert copy.stat().st_size == file.stat().st_size
    assert copy.stat().st_blocks < 0.8 * file.stat().st_blocks


def test_a_shrunk_program_runs(tmp_path: Path) -> None:
    source = "#include <stdio.h>\n" + NAMES + 'int main(void) { puts("it runs"); return 0; }\n'
    file = compiled.program(tmp_path / "program", source)
    copy = shrunk(file, tmp_path / "copy")
    assert copy.stat().st_size < file.stat().st_size
    assert subprocess.run([copy], check=True, capture_output=True).stdout == b"it runs\n"


def test_other_tools_still_read_a_shrunk_library(library: Path, tmp_path: Path) -> None:
    copy = shrunk(library, tmp_path / "liba.so")
    assert readelf(copy, "--dyn-syms") == readelf(library, "--dyn-syms")
    stripped = tmp_path / "stripped.so"
    subprocess.run(["strip", "-o", stripped, copy], check=True)
    assert ctypes.CDLL(str(stripped)).answer() == 42


@either
def test_what_is_hashed_is_what_is_written(
    name: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    source = request.getfixturevalue(name)
    digest = hashlib.sha256()
    copy = tmp_path / "copy.so"
    with copy.open("wb") as file:
        size = copy_shrunk(source, shrink(source), file, digest)
    content = copy.read_bytes()
    assert digest.digest() == hashlib.sha256(content).digest()
    assert size == len(content)
    # Without a hash the kernel copies, to the same end.
    assert shrunk(source, tmp_path / "other.so").read_bytes() == content


@either
def test_a_shrunk_library_does_not_shrink_again(
    name: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    copy = shrunk(request.getfixturevalue(name), tmp_path / "liba.so")
    assert shrink(copy) == Shrink(())


def test_a_library_that_was_stripped_has_only_a_note_to_lose(library: Path, tmp_path: Path) -> None:
    stripped = tmp_path / "stripped.so"
    subprocess.run(["strip", "-o", stripped, library], check=True)
    assert shrink(stripped).bytes < 200  # .comment


def test_relocations_that_only_a_linker_reads_are_dead(tmp_path: Path) -> None:
    options = ["-Wl,--emit-relocs"]
    file = compiled.library(tmp_path / "liba.so", SOURCE + NAMES, options=options)
    (relocations,) = [s.range for s in layout(file).sections if s.name == b".rela.text"]
    assert relocations in dead_ranges(file)
    assert ctypes.CDLL(str(shrunk(file, tmp_path / "copy.so"))).answer() == 42


def test_a_section_that_a_program_may_read_itself_stays(library: Path, tmp_path: Path) -> None:
    (tmp_path / "data").write_bytes(b"what it carries" * 100)
    carrying = tmp_path / "carrying.so"
    section = f"pydata={tmp_path / 'data'}"
    subprocess.run(["objcopy", "--add-section", section, library, carrying], check=True)
    (at,) = [s.range for s in layout(carrying).sections if s.name == b"pydata"]
    copy = shrunk(carrying, tmp_path / "copy.so").read_bytes()
    assert copy[at.offset : at.end] == b"what it carries" * 100


def test_an_object_file_is_all_needed(tmp_path: Path) -> None:
    (tmp_path / "a.c").write_text(SOURCE)
    subprocess.run(["cc", "-g", "-c", "-o", tmp_path / "a.o", tmp_path / "a.c"], check=True)
    assert dead_ranges(tmp_path / "a.o") == ()


@pytest.mark.parametrize("content", [b"", b"\x7fELF", b"#!/bin/sh\n", b"\x7fELF" + b"\xff" * 200])
def test_what_is_no_elf_file_is_left_alone(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "file").write_bytes(content)
    assert shrink(tmp_path / "file") == Shrink(())
    assert read_dynamic(tmp_path / "file") is None


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
    read_dynamic(damaged)  # whatever it makes of it
    how = shrink(damaged)
    for dead in how.dead:
        assert dead.offset >= 52
        assert dead.end <= damaged.stat().st_size
        assert not dead.overlaps(Range(0, 52))
    if how.dead:
        assert mapped(shrunk(damaged, damaged.with_name("copy.so"))) == mapped(damaged)


def test_a_library_says_its_name_and_what_it_needs(tmp_path: Path) -> None:
    other = compiled.library(tmp_path / "libother.so.1")
    file = compiled.library(tmp_path / "libone.so", soname="libone.so.2", needs=[other])
    dynamic = read_dynamic(file)
    assert dynamic is not None
    assert (dynamic.soname, dynamic.is_program) == ("libone.so.2", False)
    assert "libother.so.1" in dynamic.needed


def test_a_program_is_told_from_a_library_of_the_same_kind(tmp_path: Path) -> None:
    dynamic = read_dynamic(compiled.program(tmp_path / "a", "int main(void) { return 0; }"))
    assert dynamic is not None
    assert dynamic.is_program


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


def test_a_strip_shrinks_libraries_and_imports_what_uses_them(
    tmp_path: Path, library: Path
) -> None:
    site = Site(tmp_path)
    install(site, library)
    twin = tmp_path / "twin.so"
    os.link(site.root / "native.libs/liba.so", twin)
    before = twin.stat()

    stripped = site.strip()

    assert [shrinking.path for shrinking in stripped.done.shrinkings] == ["native.libs/liba.so"]
    assert stripped.checked == ("native",)
    assert stripped.restored == ()
    assert site.untrue_rows() == []
    changed = (site.root / "native.libs/liba.so").stat()
    assert changed.st_size < before.st_size
    assert (changed.st_mode, changed.st_mtime_ns) == (before.st_mode, before.st_mtime_ns)
    # In place of the file, not in it: heroku/python's cache has the same inode.
    assert changed.st_ino != before.st_ino
    assert twin.read_bytes() == library.read_bytes()
    site.changes.keep()
    assert site.plan().shrinkings == ()


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
    assert site.plan(StripSettings(keep=("native.libs",))).shrinkings == ()


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
    assert [restored.distribution for restored in stripped.restored] == ["odd"]
    assert stripped.restored[0].said == "AssertionError: it reads its own symbols"
    assert (site.root / "odd/liba.so").read_bytes() == library.read_bytes()
    assert stripped.done.shrinkings == ()

"""Files that are there twice: which of them can be links, and that they work as links."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from slugfit.packages.distributions import Owners, installed
from slugfit.strip.apply import SitePackages
from slugfit.strip.native.duplicates import find
from slugfit.strip.native.elf import shrink
from slugfit.strip.site_tree import read_tree
from support import compiled
from support.packages import Site
from support.snapshot import snapshot

DATA = os.urandom(70_000)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def links_of(site: Site, *going: str) -> dict[str, str]:
    return find(read_tree(site.root), going, Owners(installed(site.root)).owner)


def link_all(site: Site) -> SitePackages:
    tree = SitePackages(site.root, installed(site.root), site.changes)
    tree.link(links_of(site))
    return tree


def test_the_second_of_two_equal_files_can_be_a_link(site: Site) -> None:
    site.install("p", {"p/a/x.bin": DATA, "p/b/y.bin": DATA, "p/c/z.bin": DATA, "p/d.bin": b"d"})
    assert links_of(site) == {"p/b/y.bin": "p/a/x.bin", "p/c/z.bin": "p/a/x.bin"}


def test_files_of_one_size_that_differ_are_no_twins(site: Site) -> None:
    site.install("p", {"p/a.bin": DATA, "p/b.bin": DATA[:-1] + bytes([DATA[-1] ^ 1])})
    assert links_of(site) == {}


@pytest.mark.parametrize(
    ("one", "other", "content"),
    [
        ("p/a.py", "p/b.py", b"#" * 70_000),
        ("p/a.pyc", "p/b.pyc", DATA),
        ("p/a.bin", "p/b.bin", DATA[:60_000]),  # small enough for gzip to look back
        ("p/a.bin", "p-1.0.dist-info/LICENSE", DATA),
    ],
)
def test_some_files_are_never_links(site: Site, one: str, other: str, content: bytes) -> None:
    site.install("p", {one: content, other: content})
    assert links_of(site) == {}


def test_no_link_leads_to_another_distribution(site: Site) -> None:
    site.install("p", {"p/a.bin": DATA})
    site.install("q", {"q/a.bin": DATA})
    assert links_of(site) == {}


def test_what_goes_is_no_twin(site: Site) -> None:
    site.install("p", {"p/a.bin": DATA, "p/b.bin": DATA, "p/c.bin": DATA})
    assert links_of(site, "p/a.bin") == {"p/c.bin": "p/b.bin"}


def test_programs_and_files_of_other_modes_are_left_alone(site: Site) -> None:
    site.install("p", {f"p/{name}": DATA for name in ("a.bin", "b.bin", "c", "d")})
    (site.root / "p/b.bin").chmod(0o600)
    for name in ("c", "d"):
        (site.root / "p" / name).chmod(0o755)
    assert links_of(site) == {}


def test_two_names_of_one_file_are_twins(site: Site) -> None:
    site.install("p", {"p/a.bin": DATA})
    os.link(site.root / "p/a.bin", site.root / "p/b.bin")  # the slug would have it twice
    assert links_of(site) == {"p/b.bin": "p/a.bin"}


def test_a_link_reads_as_the_file_did_and_records_stay_true(site: Site) -> None:
    site.install("p", {"p/a/x.bin": DATA, "p/b/c/y.bin": DATA})
    before = site.record("p-1.0.dist-info")
    link_all(site)
    assert os.readlink(site.root / "p/b/c/y.bin") == "../../a/x.bin"
    assert (site.root / "p/b/c/y.bin").read_bytes() == DATA
    assert site.record("p-1.0.dist-info") == before
    assert site.untrue_rows() == []
    assert links_of(site) == {}


def test_links_can_be_put_back_and_undone(site: Site) -> None:
    site.install("p", {"p/a.bin": DATA, "p/b.bin": DATA})
    before = snapshot(site.root)
    tree = link_all(site)
    tree.put_back(["p/b.bin"])
    assert snapshot(site.root) == before
    link_all(site)
    site.changes.undo()
    assert snapshot(site.root) == before


@pytest.fixture
def native(tmp_path: Path) -> bytes:
    """A library that is large enough, and has something to lose."""
    names = "".join(
        f"int a_function_with_a_long_name_{n}(void) {{ return {n}; }}" for n in range(999)
    )
    return compiled.library(tmp_path / "liba.so", names).read_bytes()


@compiled.needs_compiler
def test_a_link_to_a_library_that_shrank_has_its_hash_on_record(site: Site, native: bytes) -> None:
    site.install("p", {"p/liba.so": native, "p/liba.so.1": native})
    tree = SitePackages(site.root, installed(site.root), site.changes)
    links = links_of(site)
    tree.shrink({"p/liba.so": shrink(site.root / "p/liba.so")})
    tree.link(links)
    assert (site.root / "p/liba.so.1").stat().st_size < len(native)
    assert site.untrue_rows() == []


@compiled.needs_compiler
def test_modules_and_programs_are_never_links(site: Site, tmp_path: Path) -> None:
    filler = "".join(f"int function_{n}(void) {{ return {n}; }}\n" for n in range(2500))
    module = compiled.module(tmp_path / "m.so", filler).read_bytes()
    program = compiled.program(tmp_path / "r", filler + "int main(void) { return 0; }").read_bytes()
    assert min(len(module), len(program)) > 64 * 1024
    site.install("p", {"p/a/m.so": module, "p/b/m.so": module, "p/a/r": program, "p/b/r": program})
    assert links_of(site) == {}


@compiled.needs_compiler
def test_a_linked_library_finds_what_lies_beside_the_link(site: Site, tmp_path: Path) -> None:
    """$ORIGIN is the directory of the path as opened, as for the file that was there before."""
    filler = "".join(f"int function_{n}(void) {{ return {n}; }}\n" for n in range(2500))
    inner = tmp_path / "libinner.so"
    compiled.library(inner, "int inner(void) { return 0; }")
    source = "int inner(void);\nint outer(void) { return inner(); }\n" + filler
    options = ["-Wl,-rpath,$ORIGIN"]
    outer = compiled.library(tmp_path / "libouter.so", source, needs=[inner], options=options)
    sides = {}
    for side, answer in (("a", 1), ("b", 2)):
        compiled.library(inner, f"int inner(void) {{ return {answer}; }}")
        sides[f"p/{side}/libinner.so"] = inner.read_bytes()
        sides[f"p/{side}/libouter.so"] = outer.read_bytes()
    site.install("p", sides)
    link_all(site)
    assert (site.root / "p/b/libouter.so").is_symlink()
    assert [_answer(site.root / f"p/{side}/libouter.so") for side in "ab"] == [1, 2]


def _answer(library: Path) -> int:
    code = "import ctypes, sys; print(ctypes.CDLL(sys.argv[1]).outer())"
    done = subprocess.run([sys.executable, "-c", code, library], check=True, capture_output=True)
    return int(done.stdout)

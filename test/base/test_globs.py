"""Globs mean what a shell means by them, though the names are on no disk."""

from __future__ import annotations

import os
import re
import subprocess
import time
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from slugfit.base.globs import matcher
from support.paths import REPOSITORY

# A shell takes what it has before a colon, a dot or an equals sign in brackets for a class.
LETTERS = "abAz-]![^\udcff"  # the last is a byte that is no UTF-8
NAMES = st.tuples(st.sampled_from(["", "."]), st.text(f"{LETTERS}\n", min_size=1, max_size=3))
PATHS = st.lists(NAMES.map("".join), min_size=1, max_size=3).map("/".join)
PARTS = st.one_of(
    st.text(f"{LETTERS}*?", min_size=1, max_size=5),
    st.sampled_from(["**", "*", ".*", ".a*", ".libs", "\n*"]),
)
ENDS = st.sampled_from(["", "/"])
GLOBS = st.tuples(st.lists(PARTS, min_size=1, max_size=4).map("/".join), ENDS).map("".join)
EXPAND = 'LC_ALL=C; shopt -s globstar dotglob nullglob; IFS=; printf "%s\\0" $1'


def write(root: Path, path: str) -> None:
    """An empty file, unless something there is in its way."""
    try:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).touch()
    except (FileExistsError, NotADirectoryError):
        pass


def files_in(root: Path) -> set[str]:
    return {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}


def as_bash_has_it(glob: str, root: Path) -> set[str]:
    """The files that the glob names, and those in the directories that it names."""
    shell = ["bash", "-c", EXPAND, "-", glob]
    done = subprocess.run(shell, cwd=root, capture_output=True, check=True)
    words = [word for word in os.fsdecode(done.stdout).split("\0") if word]
    # Without a wildcard, a word is not looked up.
    named = [Path(word) for word in words if not word.endswith("/") or (root / word).is_dir()]
    return {file for file in files_in(root) if any(map(Path(file).is_relative_to, named))}


@given(st.lists(PATHS, min_size=1, max_size=12), GLOBS)
@example(["a/b/z", "a/z", "z"], "a/**/z")
@example(["a/b/z", "a/z", "z"], "**/z")
@example(["a", "b/a"], "a/**")
@example(["ab/z", "a/b/z"], "a**/z")
@example(["a]", "b", "]", "!", "[!]"], "[!]")
@example(["]", "a", "-"], "[]-]")
@example(["a/.libs/tests/b", ".b"], "**/b")
@example(["a", "b/a/b"], "**/a/")
@example(["a", "b/a"], "**/")
@example(["a", "b/a"], "b/**/")
@example(["a\n", "a"], "a")
@example(["a", "b", "z"], "[!z-a]")
def test_a_glob_means_the_files_that_bash_expands_it_to(
    tmp_path_factory: pytest.TempPathFactory, paths: list[str], glob: str
) -> None:
    root = tmp_path_factory.mktemp("tree")
    for path in paths:
        write(root, path)
    matches = matcher([glob])
    assert {path for path in files_in(root) if matches(path)} == as_bash_has_it(glob, root)


@pytest.mark.parametrize(
    ("globs", "path", "expected"),
    [
        ((), "a", False),
        (("**",), ".hidden/a", True),
        (("*.json", "*.txt"), "a.txt", True),
        (("*.json",), "sub/a.json", False),
        (("**/*.json",), "sub/deep/a.json", True),
        (("sub",), "sub/deep/a.json", True),
        (("sub/",), "sub/deep/a.json", True),
        (("sub/",), "sub", False),
        (("sub", "sub/*"), "sub/", True),
        (("sub/*",), "sub/", False),
        ((".",), "a", True),
        (("./sub//*.json",), "sub/a.json", True),
        (("sub",), "subs", False),
        (("*",), "line\nbreak", True),
        (("a.b",), "axb", False),
        ((r"a\*",), r"a\b", True),
        (("[[&&--~~||]",), "&", True),
        (("é?",), "éß", True),
    ],
)
def test_what_globs_mean_here(globs: tuple[str, ...], path: str, expected: bool) -> None:
    assert matcher(globs)(path) is expected


@pytest.mark.parametrize(
    ("glob", "path", "expected"),
    [
        ("*", ".a", False),
        (".*", ".a", True),
        ("?a", ".a", False),
        ("[.]a", ".a", False),
        ("**/a", ".b/a", False),
        ("**/a", "b/a", True),
        ("b/**", "b/.a", False),
        ("b", "b/.a", True),
    ],
)
def test_what_is_hidden_is_named_or_is_in_what_is(glob: str, path: str, expected: bool) -> None:
    assert matcher([glob], hidden=False)(path) is expected


def test_every_glob_is_read_here() -> None:
    """But for those that other people's Python reads."""
    engine = re.compile(r"^(?:import|from) (?:fnmatch|glob)\b|full_match|wcmatch", re.MULTILINE)
    lib = REPOSITORY / "lib/slugfit"
    others = (file for file in lib.rglob("*.py") if engine.search(file.read_text()))
    assert sorted(str(file.relative_to(lib)) for file in others) == [
        "strip/native/mentions.py",
        "strip/reachability/edges.py",
    ]


def test_a_long_path_is_soon_told_from_what_it_nearly_matches() -> None:
    path = "/".join(["a" * 60] * 20)
    began = time.monotonic()
    assert not matcher(["**/**/**/a**b", "**/*a**a*b/", "***/b"])(path)
    assert time.monotonic() - began < 5

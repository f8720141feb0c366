"""Globs mean what a shell means by them, though the names are on no disk."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from slugfit.globs import matcher

# A shell takes what it has before a colon, a dot or an equals sign in brackets for a class.
LETTERS = "abz-]![^"
NAMES = st.text(LETTERS, min_size=1, max_size=3)
PATHS = st.lists(NAMES, min_size=1, max_size=3).map("/".join)
PARTS = st.one_of(st.text(f"{LETTERS}*?", min_size=1, max_size=5), st.sampled_from(["**", "*"]))
GLOBS = st.lists(PARTS, min_size=1, max_size=4).map("/".join)
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
    done = subprocess.run(shell, cwd=root, capture_output=True, text=True, check=True)
    named = [path.rstrip("/") for path in done.stdout.split("\0") if path]
    return {
        file
        for file in files_in(root)
        if any(file == path or file.startswith(f"{path}/") for path in named)
    }


@given(st.lists(PATHS, min_size=1, max_size=12), GLOBS)
@example(["a/b/z", "a/z", "z"], "a/**/z")
@example(["a/b/z", "a/z", "z"], "**/z")
@example(["a", "b/a"], "a/**")
@example(["ab/z", "a/b/z"], "a**/z")
@example(["a]", "b", "]", "!", "[!]"], "[!]")
@example(["]", "a", "-"], "[]-]")
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

"""What .slugignore means, of a directory and of a list of files."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slugfit.app.slugignore import apply_slugignore, without_ignored

FILES = (
    "a.md",
    "docs",
    "src/a.md",
    "src/docs/b",
    "src/deep/docs/.c",
    ".github/a.md",
    ".a.md",
    "m.c",
)
NAMES = st.sampled_from(["a", "b", ".a", "docs", "a.md", "é", "\udcff"])
PATHS = st.lists(NAMES, min_size=1, max_size=3).map("/".join)
WORDS = st.lists(st.sampled_from(["a", "*", "**", "docs", ".*", "*.md", "?", ""]), max_size=3)


def write(app: Path, *paths: str) -> None:
    """Empty files, but for those where another one is in their way."""
    for path in paths:
        try:
            (app / path).parent.mkdir(parents=True, exist_ok=True)
            (app / path).touch()
        except (FileExistsError, NotADirectoryError, IsADirectoryError):
            pass


def files_in(app: Path) -> set[str]:
    found = (path for path in app.rglob("*") if path.is_symlink() or not path.is_dir())
    return {str(path.relative_to(app)) for path in found} - {".slugignore"}


def gone(app: Path, content: bytes) -> set[str]:
    """What is deleted, which is what is missing of a list of the files."""
    before = files_in(app)
    (app / ".slugignore").write_bytes(content)
    left = set(without_ignored(app, before))
    apply_slugignore(app)
    assert files_in(app) == left
    return before - left


# What Ruby 3.1 deletes, read as Heroku's published code reads the file.
@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("", set()),
        ("*.md", {"a.md", "src/a.md"}),
        ("/*.md", {"a.md"}),
        ("**/*.md", {"a.md", "src/a.md"}),
        ("docs", {"docs", "src/docs/b", "src/deep/docs/.c"}),
        ("docs/", set()),
        ("/docs", {"docs"}),
        ("src/docs/", {"src/docs/b"}),
        ("src//docs", {"src/docs/b"}),
        ("**/docs/", {"src/docs/b", "src/deep/docs/.c"}),
        ("src/**/docs", {"src/docs/b", "src/deep/docs/.c"}),
        ("src/*", {"src/a.md", "src/docs/b", "src/deep/docs/.c"}),
        ("src/deep/docs/*", set()),
        (".github", {".github/a.md"}),
        (".a.md .gith*", {".a.md", ".github/a.md"}),
        ("{a.md,docs}", {"a.md", "src/a.md", "docs", "src/docs/b", "src/deep/docs/.c"}),
        ("/{a.m{c,d},m.[a-c]}", {"a.md", "m.c"}),
        ("!a.md", set()),
        ("A.MD ../docs", set()),
        ("/ . ./", set()),
        ("m.c#a.md\r\ndocs/b\t# a.md\n", {"m.c"}),
        ("# docs\n  #docs", set()),
    ],
)
def test_each_word_is_a_glob_of_rubys(tmp_path: Path, content: str, expected: set[str]) -> None:
    app = tmp_path / "app"
    write(app, *FILES)
    assert gone(app, content.encode()) == expected


def test_a_link_to_a_directory_is_one_and_what_it_leads_to_stays(tmp_path: Path) -> None:
    app = tmp_path / "app"
    write(app, "docs/a", "docs/b")
    (app / "link").symlink_to("docs")
    (app / "broken").symlink_to("nowhere")
    assert gone(app, b"link/ broken") == {"link", "broken"}
    assert files_in(app) == {"docs/a", "docs/b"}


def test_a_directory_goes_whole_and_one_that_is_emptied_stays(tmp_path: Path) -> None:
    app = tmp_path / "app"
    write(app, "whole/a/b", "emptied/a")
    assert gone(app, b"whole emptied/*") == {"whole/a/b", "emptied/a"}
    assert sorted(os.listdir(app)) == [".slugignore", "emptied"]


def test_a_name_may_be_any_bytes(tmp_path: Path) -> None:
    app = tmp_path / "app"
    write(app, "\udcff.bin", "b\n", "ü/x")
    assert gone(app, b"\xff* \xc3\xbc/") == {"\udcff.bin", "ü/x"}


@given(st.lists(PATHS, max_size=8), st.lists(WORDS.map("/".join), max_size=3))
def test_a_list_loses_what_a_directory_loses(
    tmp_path_factory: pytest.TempPathFactory, paths: list[str], words: list[str]
) -> None:
    app = tmp_path_factory.mktemp("app")
    write(app, *paths)
    gone(app, "\n".join(words).encode())

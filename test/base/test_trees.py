"""Trees that shutil.rmtree does not remove."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from slugfit.base.trees import remove_tree


def deep(root: Path, levels: int) -> None:
    """Directories in directories, with a file in the last one: further down than a path leads."""
    root.mkdir()
    descriptor = os.open(root, os.O_DIRECTORY)
    for _ in range(levels):
        os.mkdir("a" * 200, dir_fd=descriptor)
        inner = os.open("a" * 200, os.O_DIRECTORY, dir_fd=descriptor)
        os.close(descriptor)
        descriptor = inner
    os.close(os.open("file", os.O_CREAT | os.O_WRONLY, dir_fd=descriptor))
    os.close(descriptor)


def test_a_tree_deeper_than_any_path(tmp_path: Path) -> None:
    deep(tmp_path / "tree", 1500)
    remove_tree(tmp_path / "tree")
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("mode", [0o000, 0o111, 0o555])
def test_directories_that_may_not_be_read_or_written(tmp_path: Path, mode: int) -> None:
    inner = tmp_path / "tree/inner"
    (inner / "more").mkdir(parents=True)
    (inner / "file").touch()
    inner.chmod(mode)
    (tmp_path / "tree").chmod(mode)
    remove_tree(tmp_path / "tree")
    assert os.listdir(tmp_path) == []


def test_links_fifos_and_names_of_no_encoding(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept/file").touch()
    tree = tmp_path / "tree"
    (tree / "0").mkdir(parents=True)
    (tree / "link").symlink_to(tmp_path / "kept")
    (tree / "loop").symlink_to("loop")
    os.mkfifo(tree / "fifo")
    os.mkdir(os.fsencode(tree) + b"/\xff")
    remove_tree(tree)
    remove_tree(tree)
    assert sorted(os.listdir(tmp_path)) == ["kept"]
    assert os.listdir(tmp_path / "kept") == ["file"]


def test_a_link_to_a_directory_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "link").symlink_to("kept")
    remove_tree(tmp_path / "link")
    assert os.listdir(tmp_path) == ["kept"]

"""Changes to a tree are undone or kept, by this process or, where it was killed, by the next."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from slugfit.base.changes import Changes
from support.paths import REPOSITORY
from support.snapshot import snapshot


@contextmanager
def scratch() -> Iterator[Path]:
    """A directory for one example of a property: a fixture would be shared by all."""
    with tempfile.TemporaryDirectory(prefix="slugfit-") as directory:
        yield Path(directory)


ORIGINALS = {
    "a.txt": (b"a", 0o644),
    "bin/run": (b"#!/bin/sh\n", 0o755),
    "pkg/__init__.py": (b"", 0o644),
    "pkg/tests/test_a.py": (b"assert True\n", 0o600),
}
NEW = ("new.txt", "pkg/new.py", "made/deep/new.bin")


class Tree:
    """A tree with a hard-linked twin of each file outside it, as heroku/python's cache has."""

    def __init__(self, directory: Path) -> None:
        self.root = directory / "app"
        self.twins = directory / "cache"
        for name, (content, mode) in ORIGINALS.items():
            twin = self.twins / name
            twin.parent.mkdir(parents=True, exist_ok=True)
            twin.write_bytes(content)
            twin.chmod(mode)
            os.utime(twin, ns=(10**18, 10**18))
            (self.root / name).parent.mkdir(parents=True, exist_ok=True)
            os.link(twin, self.root / name)
        self.twins_before = snapshot(self.twins)
        self.before = snapshot(self.root)
        log = directory / "undo.jsonl"
        self.changes = Changes(self.root, self.root / ".slugfit" / "removed", log)
        self.changes.make_directory(self.root / ".slugfit")

    def apply(self, action: str, name: str) -> None:
        """Take one step, if the tree is such that a build could take it."""
        path = self.root / name
        if action == "add" and not path.exists():
            self.changes.make_directory(path.parent)
            self.changes.adding(path)
            path.write_bytes(b"added")
        elif action == "set aside" and path.exists():
            self.changes.set_aside(path)
        elif action == "put back" and self.changes.aside(path).exists():
            self.changes.put_back(path)
        elif action == "write":
            self.changes.write(path, b"written")

    def files(self) -> dict[str, bytes]:
        """The contents of the tree's own files."""
        return {
            name: (self.root / name).read_bytes()
            for name in snapshot(self.root)
            if (self.root / name).is_file()
        }


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    return Tree(tmp_path)


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["add", "set aside", "put back", "write"]),
        st.sampled_from([*ORIGINALS, *NEW]),
    ),
    max_size=8,
)


@given(STEPS)
@example([("write", "a.txt"), ("write", "a.txt")])
@example([("write", "new.txt"), ("write", "new.txt")])
@example([("write", "new.txt"), ("set aside", "new.txt")])
@example([("set aside", "a.txt"), ("write", "a.txt"), ("set aside", "a.txt")])
@settings(max_examples=200)
def test_undo_gives_back_the_tree_whatever_was_done(steps: list[tuple[str, str]]) -> None:
    with scratch() as directory:
        tree = Tree(directory)
        for action, name in steps:
            tree.apply(action, name)
        tree.changes.undo()
        assert snapshot(tree.root) == tree.before


def once_each(steps: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """The first step for each file."""
    return [step for i, step in enumerate(steps) if step[1] not in {name for _, name in steps[:i]}]


@given(STEPS.map(once_each))
def test_undo_gives_back_the_tree_where_each_file_changed_once(
    steps: list[tuple[str, str]],
) -> None:
    with scratch() as directory:
        tree = Tree(directory)
        for action, name in steps:
            tree.apply(action, name)
        tree.changes.undo()
        assert snapshot(tree.root) == tree.before


@given(STEPS)
def test_what_is_kept_stays_and_can_not_be_undone(steps: list[tuple[str, str]]) -> None:
    with scratch() as directory:
        tree = Tree(directory)
        for action, name in steps:
            tree.apply(action, name)
        changed = {name: e for name, e in snapshot(tree.root).items() if "removed" not in name}
        tree.changes.keep()
        kept = snapshot(tree.root)
        assert kept == changed
        tree.changes.undo()
        assert snapshot(tree.root) == kept


@given(STEPS, st.sampled_from(["undo", "keep"]))
def test_a_hard_linked_twin_is_never_touched(steps: list[tuple[str, str]], end: str) -> None:
    with scratch() as directory:
        tree = Tree(directory)
        for action, name in steps:
            tree.apply(action, name)
            assert snapshot(tree.twins) == tree.twins_before
        getattr(tree.changes, end)()
        assert snapshot(tree.twins) == tree.twins_before


def test_a_removed_file_waits_where_its_path_says(tree: Tree) -> None:
    tree.changes.set_aside(tree.root / "pkg" / "tests" / "test_a.py")
    aside = tree.root / ".slugfit" / "removed" / "pkg" / "tests" / "test_a.py"
    assert tree.changes.aside(tree.root / "pkg" / "tests" / "test_a.py") == aside
    assert aside.read_bytes() == b"assert True\n"
    assert not (tree.root / "pkg" / "tests" / "test_a.py").exists()


def test_a_file_is_put_back_as_the_same_file(tree: Tree) -> None:
    path = tree.root / "bin" / "run"
    inode = path.stat().st_ino
    tree.changes.set_aside(path)
    tree.changes.put_back(path)
    assert path.stat().st_ino == inode
    assert not tree.changes.aside(path).exists()


def test_a_file_that_was_written_can_be_put_back_as_it_was(tree: Tree) -> None:
    path = tree.root / "a.txt"
    tree.changes.write(path, b"written")
    tree.changes.put_back(path)
    assert path.read_bytes() == b"a"


def test_a_written_file_has_the_mode_of_the_one_before(tree: Tree) -> None:
    tree.changes.write(tree.root / "bin" / "run", b"#!/bin/bash\n")
    tree.changes.write(tree.root / "pkg" / "tests" / "test_a.py", b"")
    assert (tree.root / "bin" / "run").stat().st_mode & 0o777 == 0o755
    assert (tree.root / "pkg" / "tests" / "test_a.py").stat().st_mode & 0o777 == 0o600


def test_directories_made_for_a_file_go_with_it(tree: Tree) -> None:
    tree.changes.write(tree.root / "made" / "deep" / "new.bin", b"new")
    assert tree.files()["made/deep/new.bin"] == b"new"
    tree.changes.undo()
    assert not (tree.root / "made").exists()


def test_a_made_directory_in_which_another_left_a_file_stays(tree: Tree) -> None:
    tree.changes.make_directory(tree.root / "made" / "deep")
    (tree.root / "made" / "other.txt").write_bytes(b"not ours")
    tree.changes.undo()
    assert tree.files().keys() - ORIGINALS.keys() == {"made/other.txt"}
    assert not (tree.root / "made" / "deep").exists()


def test_an_emptied_directory_that_was_removed_comes_back_as_it_was(tmp_path: Path) -> None:
    private = tmp_path / "app" / "pkg" / "tests"
    private.mkdir(parents=True)
    (private / "test_a.py").touch()
    private.chmod(0o700)
    before = snapshot(tmp_path / "app")
    changes = Changes(tmp_path / "app", tmp_path / "side")
    changes.set_aside(private / "test_a.py")
    private.rmdir()
    changes.undo()
    assert snapshot(tmp_path / "app") == before


@pytest.mark.parametrize("leads_to", ["a.txt", "missing"])
def test_a_link_that_was_replaced_comes_back_as_a_link(tree: Tree, leads_to: str) -> None:
    link = tree.root / "link"
    link.symlink_to(leads_to)
    before = snapshot(tree.root)
    tree.changes.write(link, b"written")
    assert not link.is_symlink()
    tree.changes.undo()
    assert snapshot(tree.root) == {k: v for k, v in before.items() if k != ".slugfit"}


def test_a_link_to_a_directory_is_set_aside_and_returned_as_a_link(tree: Tree) -> None:
    (tree.root / "link").symlink_to("pkg")
    before = snapshot(tree.root)
    tree.changes.set_aside(tree.root / "link")
    assert tree.files().keys() >= ORIGINALS.keys()
    tree.changes.undo()
    assert snapshot(tree.root) == {k: v for k, v in before.items() if k != ".slugfit"}


def test_nothing_changed_is_nothing_to_undo(tmp_path: Path) -> None:
    (tmp_path / "app").mkdir()
    changes = Changes(tmp_path / "app", tmp_path / "app" / "side")
    changes.undo()
    changes.keep()
    assert list((tmp_path / "app").iterdir()) == []


# --- another process ------------------------------------------------------------------------

KILLED = """
import os, signal, sys
from pathlib import Path
from slugfit.base.changes import Changes
root, log, steps, last = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3].split(), sys.argv[4]
changes = Changes(root, root / ".slugfit/removed", log)
for step in steps:
    action, name = step.split(":")
    path = root / name
    if action == "add":
        changes.make_directory(path.parent)
        changes.adding(path)
        path.write_bytes(b"added")
    elif action == "remove":
        changes.set_aside(path)
    else:
        changes.write(path, b"written")
if last == "keep":
    changes.keep()
os.kill(os.getpid(), signal.SIGKILL)
"""
DONE = (
    "add:models/deep/m.bin remove:a.txt write:bin/run add:new.txt write:made.txt"
    " remove:pkg/__init__.py"
)


def killed(root: Path, log: Path, last: str = "") -> None:
    argv = [sys.executable, "-c", KILLED, str(root), str(log), DONE, last]
    done = subprocess.run(argv, env={"PYTHONPATH": str(REPOSITORY / "lib")}, check=False)
    assert done.returncode == -signal.SIGKILL


def test_what_a_killed_process_has_done_is_undone_by_the_next(tmp_path: Path) -> None:
    tree = Tree(tmp_path)
    tree.changes.undo()
    log = tmp_path / "killed.jsonl"
    killed(tree.root, log)
    assert (tree.root / "models/deep/m.bin").exists()
    Changes(tree.root, tree.root / ".slugfit/removed", log).recover()
    assert snapshot(tree.root) == tree.before
    assert snapshot(tree.twins) == tree.twins_before
    assert not log.exists()


def test_what_was_final_when_it_was_killed_stays(tmp_path: Path) -> None:
    tree = Tree(tmp_path)
    tree.changes.undo()
    log = tmp_path / "killed.jsonl"
    killed(tree.root, log, "keep")
    after = tree.files()
    Changes(tree.root, tree.root / ".slugfit/removed", log).recover()
    assert tree.files() == after
    assert after["new.txt"] == b"added"


def test_a_log_of_another_directory_at_the_same_path_is_not_believed(tmp_path: Path) -> None:
    tree = Tree(tmp_path)
    tree.changes.undo()
    log = tmp_path / "killed.jsonl"
    killed(tree.root, log)
    tree.root.rename(tmp_path / "gone")
    tree.root.mkdir()
    (tree.root / "new.txt").write_text("the next build's own")
    Changes(tree.root, tree.root / ".slugfit/removed", log).recover()
    assert (tree.root / "new.txt").read_text() == "the next build's own"
    assert not log.exists()


@pytest.mark.parametrize(
    "line",
    [
        '["added", "../outside.txt"]',
        '["added", "/etc/hostname"]',
        '["added", "link/outside.txt"]',
        '["made", ".."]',
        '["gone", "a.txt"]',
        '["added"]',
        '["added", 5]',
        '{"added": "a.txt"}',
        "[" * 50_000,
        '["added", "a.t',
        "\x00",
    ],
)
def test_a_log_reaches_nothing_outside(tmp_path: Path, line: str) -> None:
    root = tmp_path / "app"
    root.mkdir()
    (tmp_path / "outside.txt").write_text("not ours")
    (root / "link").symlink_to(tmp_path)
    (root / "a.txt").write_text("a")
    status = root.stat()
    log = tmp_path / "undo.jsonl"
    head = json.dumps([str(root), status.st_dev, status.st_ino])
    log.write_text(f"{head}\n{line}\n")
    before = snapshot(root)
    Changes(root, root / ".slugfit/removed", log).recover()
    assert snapshot(root) == before
    assert (tmp_path / "outside.txt").read_text() == "not ours"


@pytest.mark.parametrize("content", ["", "\n", "null\n", "[]\n[]", "\udcff"])
def test_a_damaged_log_is_dropped(tmp_path: Path, content: str) -> None:
    log = tmp_path / "undo.jsonl"
    log.write_bytes(content.encode(errors="surrogateescape"))
    root = tmp_path / "app"
    root.mkdir()
    Changes(root, root / ".slugfit/removed", log).recover()
    assert not log.exists()


def test_a_file_that_is_there_is_never_recorded_as_added(tmp_path: Path) -> None:
    tree = Tree(tmp_path)
    with pytest.raises(FileExistsError):
        tree.changes.adding(tree.root / "a.txt")
    tree.changes.undo()
    assert snapshot(tree.root) == tree.before

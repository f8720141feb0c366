"""Changes can be taken back to the byte, nothing is written in place, and paths stay inside."""

from __future__ import annotations

import errno
import functools
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slugfit.base.files import (
    NoSpace,
    inside,
    naming_full_disk,
    temporary_beside,
    write_atomically,
)
from support.build_log import error_text
from support.paths import REPOSITORY


@contextmanager
def scratch() -> Iterator[Path]:
    """A directory for one example of a property: a fixture would be shared by all."""
    with tempfile.TemporaryDirectory(prefix="slugfit-") as directory:
        yield Path(directory)


# --- inside ---------------------------------------------------------------------------------


@pytest.fixture
def app(tmp_path: Path) -> Path:
    """An app with links that stay inside, lead out, and lead nowhere."""
    app = tmp_path / "app"
    (app / "models").mkdir(parents=True)
    (tmp_path / "outside").mkdir()
    (tmp_path / "app-but-longer").mkdir()
    (app / "within").symlink_to("models")
    (app / "out").symlink_to(tmp_path / "outside")
    (app / "sibling").symlink_to("../app-but-longer")
    (app / "models" / "up").symlink_to("..")
    (app / "models" / "far-up").symlink_to("../..")
    (app / "loop").symlink_to("loop")
    (app / "nowhere").symlink_to(tmp_path / "missing")
    return app


@pytest.mark.parametrize(
    "relative",
    [
        "m.bin",
        "models/m.bin",
        "new/deep/m.bin",
        "./models//m.bin",
        "within/m.bin",
        "models/up/m.bin",
        "..m.bin",
        ".../m.bin",
        # The link itself lies inside, wherever it leads: nothing is written through it.
        "out",
    ],
)
def test_a_path_inside_stays_as_it_was_written(app: Path, relative: str) -> None:
    assert inside(app, relative) == app / relative


@pytest.mark.parametrize(
    "relative",
    [
        "/etc/passwd",
        "//etc/passwd",
        "..",
        "../m.bin",
        "../app/m.bin",
        "models/../../m.bin",
        "models/../m.bin",
        "out/m.bin",
        "out/new/deep/m.bin",
        "within/far-up/m.bin",
        "models/up/out/m.bin",
        "sibling/m.bin",
        "nowhere/m.bin",
        "",
        ".",
    ],
)
def test_a_path_that_leaves_is_none(app: Path, relative: str) -> None:
    assert inside(app, relative) is None


def test_an_absolute_path_is_none_even_to_a_place_inside(app: Path) -> None:
    assert inside(app, str(app / "m.bin")) is None


def test_a_root_that_is_a_link_itself_holds_what_its_directory_holds(app: Path) -> None:
    root = app.parent / "by-link"
    root.symlink_to(app)
    assert inside(root, "models/m.bin") == root / "models" / "m.bin"
    assert inside(root, "out/m.bin") is None


PARTS = st.sampled_from(
    ["models", "within", "out", "up", "far-up", "loop", "nowhere", "..", ".", ""]
)


@given(st.lists(PARTS | st.sampled_from(["new", "x y"]), max_size=6).map("/".join))
@settings(max_examples=200)
def test_no_path_escapes(relative: str) -> None:
    with scratch() as directory:
        root = directory / "app"
        (root / "models").mkdir(parents=True)
        (directory / "outside").mkdir()
        (root / "within").symlink_to("models")
        (root / "out").symlink_to("../outside")
        (root / "models" / "up").symlink_to("..")
        (root / "models" / "far-up").symlink_to("../..")
        (root / "loop").symlink_to("loop")
        (root / "nowhere").symlink_to(directory / "missing")
        path = inside(root, relative)
        if path is None:
            return
        parent = os.path.realpath(path.parent)
        assert parent == str(root) or parent.startswith(f"{root}/")


@given(st.lists(st.sampled_from(["a", "b", "..c", "d e", "-"]), min_size=1, max_size=5))
def test_a_path_of_plain_names_is_always_inside(parts: list[str]) -> None:
    with scratch() as directory:
        assert inside(directory, "/".join(parts)) == directory.joinpath(*parts)


# --- writing --------------------------------------------------------------------------------


def test_a_file_is_written_with_the_directories_it_needs(tmp_path: Path) -> None:
    path = tmp_path / "new" / "deep" / "file"
    write_atomically(path, b"content")
    assert path.read_bytes() == b"content"
    assert os.listdir(path.parent) == ["file"]


def test_everyone_may_read_what_is_written(tmp_path: Path) -> None:
    write_atomically(tmp_path / "file", b"content")
    assert (tmp_path / "file").stat().st_mode & 0o777 == 0o644


def test_a_hard_linked_twin_keeps_its_content(tmp_path: Path) -> None:
    path, twin = tmp_path / "file", tmp_path / "twin"
    twin.write_bytes(b"old")
    os.link(twin, path)
    before = twin.stat()
    write_atomically(path, b"new")
    assert (path.read_bytes(), twin.read_bytes()) == (b"new", b"old")
    assert (twin.stat().st_ino, twin.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_a_link_is_replaced_and_not_written_through(tmp_path: Path) -> None:
    (tmp_path / "target").write_bytes(b"old")
    (tmp_path / "link").symlink_to("target")
    write_atomically(tmp_path / "link", b"new")
    assert not (tmp_path / "link").is_symlink()
    assert (tmp_path / "target").read_bytes() == b"old"


@pytest.mark.parametrize("name", ["x" * 255, "€" * 85], ids=["ascii", "euro"])
def test_the_longest_name_that_a_file_can_have_is_not_too_long(tmp_path: Path, name: str) -> None:
    write_atomically(tmp_path / name, b"content")
    assert os.listdir(tmp_path) == [name]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_a_temporary_file_does_not_outlive_an_exception(
    tmp_path: Path, error: type[BaseException]
) -> None:
    with pytest.raises(error), temporary_beside(tmp_path / "model.bin") as file:
        assert [Path(file.name)] == list(tmp_path.iterdir())
        raise error
    assert list(tmp_path.iterdir()) == []


def test_a_temporary_file_that_nobody_renamed_goes(tmp_path: Path) -> None:
    with temporary_beside(tmp_path / "model.bin") as file:
        file.write(b"content")
    assert list(tmp_path.iterdir()) == []


# --- a full disk ----------------------------------------------------------------------------


def test_no_space_is_told_with_the_place_and_what_is_free() -> None:
    failure = NoSpace(Path("/app/models"), 12_300_000)
    assert (
        error_text(failure)
        == """\
Error: No space left on the build machine's disk.

/app/models
free: 12.3 MB

To fix this:
1. Fetch fewer or smaller models at build time.
2. Empty the build cache, which shares this disk:
   heroku plugins:install heroku-builds
   heroku builds:cache:purge

For more information, see:
https://github.com/slugfit/slugfit/blob/main/docs/errors.md#filesno-space
"""
    )
    assert str(failure) == "No space left on the build machine's disk: /app/models"


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_and_a_full_quota_are_both_no_space(tmp_path: Path, number: int) -> None:
    with pytest.raises(NoSpace) as caught, naming_full_disk(tmp_path):
        raise OSError(number, os.strerror(number))
    assert caught.value.path == tmp_path
    assert 0 < caught.value.free_bytes <= shutil.disk_usage(tmp_path).total
    assert isinstance(caught.value.__cause__, OSError)


def test_a_write_that_the_kernel_refuses_for_space_is_no_space(tmp_path: Path) -> None:
    with pytest.raises(NoSpace), naming_full_disk(tmp_path), open("/dev/full", "wb") as full:
        full.write(b"x" * 100_000)


def test_a_full_disk_is_named_by_a_directory_that_does_not_exist_yet(tmp_path: Path) -> None:
    missing = tmp_path / "not" / "yet"
    with pytest.raises(NoSpace) as caught, naming_full_disk(missing):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert caught.value.path == missing


@pytest.mark.parametrize("number", [errno.EACCES, errno.EIO, errno.EROFS])
def test_another_error_stays_what_it_is(tmp_path: Path, number: int) -> None:
    with pytest.raises(OSError) as caught, naming_full_disk(tmp_path):
        raise OSError(number, os.strerror(number))
    assert caught.value.errno == number
    assert not isinstance(caught.value, NoSpace)


IN_A_NAMESPACE = ["unshare", "--user", "--map-root-user", "--mount"]
ON_A_SMALL_DISK = """
import json, os, subprocess, sys
from pathlib import Path
disk = Path(sys.argv[1])
subprocess.run(["mount", "-t", "tmpfs", "-o", sys.argv[2], "tmpfs", disk], check=True)
from slugfit.base.changes import Changes
from slugfit.base.files import NoSpace, write_atomically
told = {}
"""

A_LARGE_WRITE = """
old = disk / "models" / "old.bin"
write_atomically(old, b"old")
try:
    write_atomically(old, b"x" * 200_000)
except NoSpace as failure:
    told["path"] = str(failure.path.relative_to(disk))
    told["free"] = failure.free_bytes
told["content"] = old.read_text()
told["names"] = sorted(os.listdir(old.parent))
print(json.dumps(told))
"""

A_BUILD_THAT_RUNS_FULL = """
app = disk / "app"
(app / "lib").mkdir(parents=True)
(app / "lib" / "a.txt").write_text("a")
(app / "lib" / "RECORD").write_text("record")
changes = Changes(app, app / ".slugfit" / "removed")
changes.make_directory(app / ".slugfit")
changes.set_aside(app / "lib" / "a.txt")
try:
    changes.write(app / "lib" / "RECORD", b"x" * 200_000)
except NoSpace:
    told["failed"] = True
changes.undo()
told["files"] = {str(p.relative_to(app)): p.read_text() for p in app.rglob("*") if p.is_file()}
told["top"] = sorted(os.listdir(app))
print(json.dumps(told))
"""

A_DIRECTORY_TOO_MANY = """
try:
    for number in range(1000):
        (disk / str(number)).touch()
except OSError as error:
    told["errno"] = error.errno
try:
    write_atomically(disk / "new" / "file", b"")
except Exception as error:
    told["failure"] = type(error).__name__
print(json.dumps(told))
"""


def on_a_small_disk(script: str, options: str = "size=64k") -> dict[str, Any]:
    """Run `script` where `disk` is a filesystem of its own, that small; what it printed."""
    python = [sys.executable, "-c", ON_A_SMALL_DISK + script]
    with scratch() as directory:
        child = subprocess.run(
            [*IN_A_NAMESPACE, *python, str(directory), options],
            env={"PATH": os.environ["PATH"], "PYTHONPATH": str(REPOSITORY / "lib")},
            capture_output=True,
            text=True,
            check=False,
        )
    assert child.returncode == 0, child.stderr
    told: dict[str, Any] = json.loads(child.stdout)
    return told


@functools.cache
def can_mount() -> bool:
    """Whether this machine lets anyone mount a filesystem in a namespace of their own."""
    mount = ["mount", "-t", "tmpfs", "tmpfs", "/mnt"]
    try:
        finished = subprocess.run([*IN_A_NAMESPACE, *mount], capture_output=True, check=False)

    except FileNotFoundError:
        return False
    return finished.returncode == 0


needs_mount = pytest.mark.skipif(
    not can_mount(), reason="no namespaces here; /dev/full stands in for the disk above"
)


@needs_mount
def test_a_write_to_a_full_disk_leaves_the_old_file_and_nothing_else() -> None:
    told = on_a_small_disk(A_LARGE_WRITE)
    assert told.pop("free") < 65_536
    assert told == {"path": "models", "content": "old", "names": ["old.bin"]}


@needs_mount
def test_changes_that_fill_the_disk_are_taken_back() -> None:
    assert on_a_small_disk(A_BUILD_THAT_RUNS_FULL) == {
        "failed": True,
        "files": {"lib/a.txt": "a", "lib/RECORD": "record"},
        "top": ["lib"],
    }


@needs_mount
def test_a_disk_without_room_for_another_directory_is_full_as_well() -> None:
    told = on_a_small_disk(A_DIRECTORY_TOO_MANY, "nr_inodes=20")
    assert told == {"errno": errno.ENOSPC, "failure": "NoSpace"}

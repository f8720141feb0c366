"""A model gets into the app by a hard link where that is possible, by a copy where not."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from slugfit.base.changes import Changes
from slugfit.fetch.place import place

OTHER_FILESYSTEM = Path("/dev/shm")  # noqa: S108 (a directory of our own is made in it)
MODEL = b"weights" * 1000


@pytest.fixture
def app(tmp_path: Path) -> Path:
    (tmp_path / "app").mkdir()
    return tmp_path / "app"


@pytest.fixture
def changes(app: Path) -> Changes:
    return Changes(app, app / ".slugfit/removed")


@pytest.fixture
def content(tmp_path: Path) -> Path:
    path = tmp_path / "content"
    path.write_bytes(MODEL)
    return path


@pytest.fixture
def far_content(tmp_path: Path) -> Iterator[Path]:
    if OTHER_FILESYSTEM.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("this machine has one filesystem only")
    with tempfile.TemporaryDirectory(dir=OTHER_FILESYSTEM) as directory:
        path = Path(directory, "content")
        path.write_bytes(MODEL)
        yield path


def test_on_one_filesystem_it_is_a_hard_link(app: Path, changes: Changes, content: Path) -> None:
    target = app / "models/deep/model.tflite"
    place(content, target, changes)
    assert target.samefile(content)
    assert target.read_bytes() == MODEL


def test_across_filesystems_it_is_a_copy(app: Path, changes: Changes, far_content: Path) -> None:
    target = app / "models/model.tflite"
    place(far_content, target, changes)
    assert not target.samefile(far_content)
    assert target.read_bytes() == MODEL
    assert target.stat().st_mode & 0o777 == 0o644
    assert os.listdir(target.parent) == ["model.tflite"]


def test_undone_it_leaves_neither_file_nor_directory(
    app: Path, changes: Changes, content: Path
) -> None:
    place(content, app / "models/deep/model.tflite", changes)
    changes.undo()
    assert os.listdir(app) == []
    assert content.read_bytes() == MODEL


def test_undone_it_leaves_the_directories_that_were_there(
    app: Path, changes: Changes, content: Path
) -> None:
    (app / "models").mkdir()
    (app / "models/README").write_text("ours")
    place(content, app / "models/model.tflite", changes)
    changes.undo()
    assert os.listdir(app / "models") == ["README"]


def test_kept_it_stays_when_the_cache_goes(
    app: Path, changes: Changes, content: Path, tmp_path: Path
) -> None:
    place(content, app / "model", changes)
    changes.keep()
    content.unlink()
    assert (app / "model").read_bytes() == MODEL


def test_a_symbolic_link_is_placed_as_what_it_leads_to(
    app: Path, changes: Changes, content: Path
) -> None:
    shutil.copy(content, app / "real")
    (app / "link").symlink_to("real")
    place(app / "link", app / "models/model.tflite", changes)
    # Elsewhere, a relative link would lead to another file or to none.
    assert (app / "models/model.tflite").read_bytes() == MODEL


def test_a_copy_that_fails_leaves_nothing(app: Path, changes: Changes, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        place(tmp_path / "missing", app / "models/model.tflite", changes)
    assert os.listdir(app / "models") == []
    changes.undo()
    assert os.listdir(app) == []

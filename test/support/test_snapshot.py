"""A snapshot notices every way in which a tree can change."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from support.snapshot import snapshot


def rewrite_with_its_old_time(path: Path) -> None:
    """Change a byte and hide it from those who look at sizes and times."""
    times = path.stat()
    path.write_text("CONTENT")
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


CHANGES: dict[str, Callable[[Path], None]] = {
    "a byte": rewrite_with_its_old_time,
    "the mode": lambda path: path.chmod(0o600),
    "the time": lambda path: os.utime(path, ns=(1, 1)),
    "a name": lambda path: path.with_name("new").touch(),
    "a removal": Path.unlink,
    "a link": lambda path: path.with_name("link").symlink_to(path),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_change_is_noticed(tmp_path: Path, change: Callable[[Path], None]) -> None:
    file = tmp_path / "tree" / "folder" / "file"
    file.parent.mkdir(parents=True)
    file.write_text("content")
    before = snapshot(tmp_path)
    assert snapshot(tmp_path) == before
    change(file)
    assert snapshot(tmp_path) != before

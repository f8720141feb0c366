"""What trials write is taken away again; what was there, and what they change, is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from slugfit.strip.trials.cleanup import leaving_no_files


@pytest.fixture
def app(tmp_path: Path) -> Path:
    for directory in ("proj", "empty", ".heroku", "venv/site"):
        (tmp_path / directory).mkdir(parents=True)
    (tmp_path / "app.py").touch()
    return tmp_path


def entries(app: Path) -> set[str]:
    return {str(path.relative_to(app)) for path in app.rglob("*")}


def test_what_appears_goes_even_when_the_trials_fail(app: Path) -> None:
    before = entries(app)
    with pytest.raises(ValueError, match="x"), leaving_no_files(app):
        (app / "db.sqlite").touch()
        (app / "proj/cache/deep").mkdir(parents=True)
        (app / "proj/cache/deep/a.json").touch()
        (app / "empty/b").symlink_to("nowhere")
        (app / "link").symlink_to(app / "proj")
        (app / "app.py").write_text("changed")
        raise ValueError("x")
    assert entries(app) == before


def test_what_is_hidden_or_lies_apart_stays(app: Path) -> None:
    with leaving_no_files(app, app / "venv/site"):
        (app / ".heroku/a").touch()
        (app / "venv/site/b").touch()
        (app / "venv/c").touch()
    assert {".heroku/a", "venv/site/b"} <= entries(app)
    assert "venv/c" not in entries(app)


def test_what_is_gone_already_is_no_error(app: Path) -> None:
    with leaving_no_files(app):
        (app / "a").touch()
        (app / "a").unlink()
        (app / "app.py").unlink()
    assert "app.py" not in entries(app)

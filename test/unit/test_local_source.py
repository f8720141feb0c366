"""Which of an app's files a local build takes."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from slugfit.local.source import copy_source

ENVIRON = {"PATH": os.environ["PATH"], "GIT_CONFIG_GLOBAL": os.devnull}


@pytest.fixture
def app(tmp_path: Path) -> Path:
    app = tmp_path / "app"
    names = ("app.py", "sub/ü.txt", ".venv/x", "node_modules/x", "__pycache__/x.pyc", "big.bin")
    for name in names:
        (app / name).parent.mkdir(parents=True, exist_ok=True)
        (app / name).write_text(name)
    (app / "link").symlink_to("app.py")
    (app / "run.sh").write_text("")
    (app / "run.sh").chmod(0o755)
    return app


def git(app: Path, *arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=app, env=ENVIRON, check=True, capture_output=True)


def copied(app: Path) -> set[str]:
    destination = app.parent / "copy"
    destination.mkdir()
    copy_source(app, destination, ENVIRON)
    found = (path for path in destination.rglob("*") if path.is_symlink() or path.is_file())
    return {str(path.relative_to(destination)) for path in found}


def test_without_git_what_nobody_pushes_is_left_out(app: Path) -> None:
    assert copied(app) == {"app.py", "sub/ü.txt", "big.bin", "link", "run.sh"}
    assert (app.parent / "copy/link").is_symlink()
    assert (app.parent / "copy/run.sh").stat().st_mode & 0o111


def test_with_git_what_it_ignores_is_left_out(app: Path) -> None:
    (app / ".gitignore").write_text("*.bin\nnode_modules\n__pycache__\n.venv\n")
    git(app, "init")
    git(app, "add", "app.py")
    (app / "app.py").unlink()
    assert copied(app) == {".gitignore", "sub/ü.txt", "link", "run.sh"}


def test_an_app_that_a_larger_repository_ignores_is_taken_nevertheless(app: Path) -> None:
    (app.parent / ".gitignore").write_text("*\n")
    git(app.parent, "init")
    assert copied(app) == {"app.py", "sub/ü.txt", "big.bin", "link", "run.sh"}


def test_a_submodule_is_taken_as_it_is_checked_out(app: Path) -> None:
    inner = app / "sub"
    git(inner, "init")
    git(inner, "add", ".")
    git(inner, "-c", "user.name=a", "-c", "user.email=a@b", "commit", "-m", "one")
    git(app, "init")
    git(app, "add", "app.py", "sub")
    assert {name for name in copied(app) if name.startswith("sub")} == {"sub/ü.txt"}

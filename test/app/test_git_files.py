"""Which of an app's files a local build takes."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from slugfit.app.git_files import copy_source, pushed_files

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
    copied = {str(path.relative_to(destination)) for path in found}
    assert copied == set(pushed_files(app, ENVIRON))  # a build and a forecast take the same
    return copied


def test_without_git_what_nobody_pushes_is_left_out(app: Path) -> None:
    assert copied(app) == {"app.py", "sub/ü.txt", "big.bin", "link", "run.sh"}
    assert (app.parent / "copy/link").is_symlink()
    assert (app.parent / "copy/run.sh").stat().st_mode & 0o111


def test_without_git_an_environment_is_known_by_its_configuration(app: Path) -> None:
    (app / "env/lib").mkdir(parents=True)
    (app / "env/lib/x.py").touch()
    assert "env/lib/x.py" in pushed_files(app, ENVIRON)
    (app / "env/pyvenv.cfg").touch()
    assert pushed_files(app, ENVIRON) == ("app.py", "big.bin", "link", "run.sh", "sub/ü.txt")


def test_a_link_to_a_directory_is_taken_as_a_link(app: Path) -> None:
    (app / "also").symlink_to("sub")
    os.mkfifo(app / "pipe")
    expected = {"also", "app.py", "sub/ü.txt", "big.bin", "link", "run.sh"}
    assert copied(app) == expected
    assert (app.parent / "copy/also").is_symlink()
    git(app, "init")
    (app / ".gitignore").write_text("*.pyc\nnode_modules\n.venv\n")
    assert set(pushed_files(app, ENVIRON)) == {*expected, ".gitignore"}


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


def test_a_hook_of_another_repository_does_not_matter(app: Path) -> None:
    other = app.parent / "other"
    other.mkdir()
    git(other, "init")
    git(app, "init")
    (app / ".gitignore").write_text("*\n!app.py\n")
    hook = {**ENVIRON, "GIT_DIR": str(other / ".git"), "GIT_WORK_TREE": str(other)}
    assert pushed_files(app, hook) == ("app.py",)


def test_a_repository_that_is_no_submodule_stays_where_it_is(app: Path) -> None:
    git(app, "init")
    (app / ".gitignore").write_text("*.pyc\nnode_modules\n.venv\n")
    git(app / "sub", "init")
    git(app / "sub", "-c", "user.name=a", "-c", "user.email=a@b", "commit", "--allow-empty", "-m1")
    assert copied(app) == {".gitignore", "app.py", "big.bin", "link", "run.sh"}


def test_a_submodule_is_taken_as_it_is_checked_out(app: Path) -> None:
    inner = app / "sub"
    git(inner, "init")
    (inner / ".gitignore").write_text("*.log")
    (inner / "a.log").touch()
    git(inner, "add", ".")
    git(inner, "-c", "user.name=a", "-c", "user.email=a@b", "commit", "-m", "one")
    git(app, "init")
    git(app, "add", "app.py", "sub")
    found = {name for name in copied(app) if name.startswith("sub")}
    assert found == {"sub/.gitignore", "sub/ü.txt"}
    shutil.rmtree(inner)
    inner.mkdir()
    assert not [name for name in pushed_files(app, ENVIRON) if name.startswith("sub")]

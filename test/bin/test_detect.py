"""bin/detect passes for Python apps, and says why not for others."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from support.paths import REPOSITORY


def detect(app: Path) -> subprocess.CompletedProcess[str]:
    """Run bin/detect as Heroku does: with next to nothing in its environment."""
    return subprocess.run(
        [REPOSITORY / "bin" / "detect", app],
        env={"PATH": os.environ["PATH"], "HOME": "/app"},
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def app(tmp_path: Path) -> Path:
    """An app that is not Python's, in a directory with an awkward name."""
    app = tmp_path / "build dir"
    (app / "lib").mkdir(parents=True)
    (app / "index.js").touch()
    (app / "lib" / "helper.py").touch()
    return app


@pytest.mark.parametrize(
    "name",
    [
        "requirements.txt",
        "pyproject.toml",
        "setup.py",
        "Pipfile",
        "Pipfile.lock",
        "poetry.lock",
        "uv.lock",
        ".python-version",
        "runtime.txt",
        "slugfit.toml",
        "app.py",
        "anything at all.py",
    ],
)
def test_an_app_with_a_python_file_in_its_root_passes(app: Path, name: str) -> None:
    (app / name).touch()
    finished = detect(app)
    assert (finished.returncode, finished.stdout, finished.stderr) == (0, "Slugfit\n", "")


def test_the_name_of_the_build_directory_is_no_pattern(tmp_path: Path) -> None:
    app = tmp_path / "build [1]*"
    app.mkdir()
    (app / "app.py").touch()
    assert detect(app).returncode == 0


def test_a_link_to_a_python_file_is_one(app: Path) -> None:
    (app / "requirements.txt").symlink_to("lib/helper.py")
    assert detect(app).returncode == 0


def test_another_app_is_told_why_it_does_not_pass(app: Path) -> None:
    finished = detect(app)
    assert finished.returncode == 1
    assert finished.stdout == ""
    assert (
        finished.stderr
        == """\

 !     Error: This is no Python app.
 !
 !     Slugfit slims Python apps, and found none of these in the root directory:
 !     requirements.txt pyproject.toml setup.py setup.cfg Pipfile Pipfile.lock \
pdm.lock poetry.lock uv.lock .python-version runtime.txt slugfit.toml *.py
 !
 !     To fix this:
 !     1. Check that the app's files are in the root of the repository, and committed.
 !     2. Or remove Slugfit from this app:
 !        heroku buildpacks:remove https://github.com/slugfit/slugfit

"""
    )


@pytest.mark.parametrize("name", ["requirements.txt", "pyproject.toml", "slugfit.toml"])
def test_a_directory_is_no_python_file(app: Path, name: str) -> None:
    (app / name).mkdir()
    assert detect(app).returncode == 1


def test_detecting_changes_nothing(app: Path) -> None:
    (app / "app.py").touch()
    detect(app)
    assert sorted(os.listdir(app)) == ["app.py", "index.js", "lib"]

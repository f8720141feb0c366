"""`slugfit slim` and `slugfit why` as processes, on packages that a real pip has installed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pytest

from slugfit.local.index_access import index_settings
from support.snapshot import snapshot
from support.tool import Tool

VERSION = f"python{sys.version_info[0]}.{sys.version_info[1]}"
# One with tests, headers, a symbol table, stubs.
PACKAGES = ("numpy==2.2.6",)


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment with the packages; tests get copies of it."""
    home = tmp_path_factory.mktemp("slim") / "venv"
    venv.create(home, with_pip=True)
    quiet = ("--quiet", "--disable-pip-version-check")
    subprocess.run(
        [home / "bin/pip", "install", *quiet, *PACKAGES],
        env={"PATH": os.environ["PATH"], **index_settings(os.environ)},
        check=True,
    )
    return home


@pytest.fixture
def home(installed: Path, tool: Tool) -> Path:
    """A virtual environment of the test's own."""
    return Path(shutil.copytree(installed, tool.desk / "venv", symlinks=True))


@pytest.fixture
def site(home: Path) -> Path:
    return home / "lib" / VERSION / "site-packages"


def imports(home: Path, *modules: str) -> bool:
    code = f"import {', '.join(modules)}"
    return subprocess.run([home / "bin/python", "-B", "-c", code], check=False).returncode == 0


def size(directory: Path) -> int:
    return sum(path.lstat().st_size for path in directory.rglob("*") if path.is_file())


def test_a_tree_gets_smaller_and_works(tool: Tool, home: Path, site: Path) -> None:
    before = size(site)
    done = tool.run("slim", str(site))
    assert (done.status, done.error) == (0, "")
    lines = done.stdout.splitlines()
    assert f"-----> Stripping {site}" in lines
    assert any(line.split()[:1] == ["tests"] for line in lines)
    assert any(line.startswith("       symbols and debug data") for line in lines)
    assert any(line.startswith("       Verified ") for line in lines)
    assert size(site) < 0.9 * before
    assert imports(home, "numpy", "numpy.linalg", "numpy.testing", "pip")
    check = [str(home / "bin/python"), "-m", "pip", "check"]
    assert subprocess.run(check, capture_output=True, check=False).returncode == 0


def test_a_second_time_there_is_nothing_to_do(tool: Tool, site: Path) -> None:
    assert tool.run("slim", str(site)).status == 0
    once = snapshot(site)
    done = tool.run("slim", str(site))
    assert done.stdout.splitlines()[1:] == ["       Nothing to remove"]
    assert snapshot(site) == once


def test_a_dry_run_tells_and_changes_nothing(tool: Tool, site: Path) -> None:
    before = snapshot(site)
    done = tool.run("slim", str(site), "--dry-run")
    assert done.status == 0
    assert any(line.split()[:1] == ["tests"] for line in done.stdout.splitlines())
    assert done.stdout.endswith("-----> Nothing was changed: this was a dry run\n")
    assert snapshot(site) == before


def test_why_tells_what_became_of_a_file(tool: Tool, site: Path) -> None:
    assert tool.run("slim", str(site)).status == 0
    done = tool.run("why", "--in", str(site), "numpy/linalg/tests")
    assert done.status == 0
    head, removed, because = done.stdout.splitlines()[:3]
    assert head == "-----> numpy/linalg/tests"
    assert removed.startswith("       Removed ")
    assert because.startswith("       Because: ")
    done = tool.run("why", str(site / "numpy/linalg/linalg.py"))
    expected = "-----> numpy/linalg/linalg.py\n       Kept: no rule selects it for removal"
    assert done.log == expected


def test_a_smoke_run_that_fails_with_the_whole_tree_is_the_users_error(
    tool: Tool, site: Path
) -> None:
    before = snapshot(site)
    done = tool.run("slim", str(site), "--smoke", "echo one; echo two >&2; exit 3")
    assert done.status == 1
    assert "strip.smoke" in done.error
    assert "exit 3" in done.error
    assert snapshot(site) == before


def test_a_directory_without_packages_is_an_error(tool: Tool) -> None:
    done = tool.run("slim", ".")
    assert done.status == 1
    assert (
        done.error
        == f"""\
 !     Error: No package is installed in this directory.
 !
 !     {tool.desk}
 !     found no *.dist-info in it
 !
 !     Only these directories tell which files belong to which package.
 !
 !     To fix this:
 !     1. Give the site-packages directory itself:
 !        slugfit slim .venv/lib/python3.12/site-packages
 !        Python prints where it is:
 !        python -c 'import sysconfig; print(sysconfig.get_path("purelib"))'
 !
 !     For more information, see:
 !     https://github.com/slugfit/slugfit/blob/main/docs/errors.md#slimno-packages"""
    )


@pytest.mark.parametrize(
    ("python", "detail"),
    [
        (None, "not found: {root}/bin/python3"),
        ("/nowhere/python3", "/nowhere/python3 does not start:"),
        ("/bin/false", "/bin/false does not start:"),
    ],
)
def test_a_tree_whose_python_is_not_known_is_an_error(
    tool: Tool, python: str | None, detail: str
) -> None:
    target = tool.desk / "target"
    (target / "p-1.0.dist-info").mkdir(parents=True)
    given = ("--python", python) if python else ()
    done = tool.run("slim", "target", *given)
    assert done.status == 1
    assert "Error: Slugfit can't tell which Python imports these packages." in done.error
    assert detail.format(root=tool.desk.parent.parent) in done.error
    assert "slimpython-unknown" in done.error


def test_a_reader_that_leaves_before_the_end_is_no_bug(tool: Tool) -> None:
    (tool.desk / "site/p-1.dist-info").mkdir(parents=True)
    process = tool.start("slim", "site", "--python", sys.executable, "--dry-run")
    assert process.stdout
    assert process.stderr
    process.stdout.close()
    assert (process.wait(60), process.stderr.read()) == (1, "")
    process.stderr.close()

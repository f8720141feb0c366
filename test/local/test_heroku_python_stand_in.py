"""The stand-in for heroku/python leaves behind what the buildpacks after it must cope with."""

import json
import os
import stat
import subprocess
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from slugfit.base import heroku
from slugfit.local.python_discovery import (
    PythonNotFoundError,
    find_interpreter,
    running_interpreter,
)
from slugfit.local.python_runtime import prepare
from slugfit.local.stand_in import HEROKU_PYTHON, uv_binary
from support.heroku import App
from support.paths import PYTHONS
from support.snapshot import snapshot

RUNNING = running_interpreter()
SITE_PACKAGES = f"lib/python{RUNNING.series}/site-packages"
SERIES = [f"3.{minor}" for minor in heroku.PYTHONS]
WHEEL = "greeter-1.0-py3-none-any.whl"


def write_wheel(directory: Path) -> None:
    """Write a small package with a console script, which needs no package index."""
    info = "greeter-1.0.dist-info"
    files = {
        "greeter.py": "def main():\n    print('hello')\n",
        f"{info}/METADATA": "Metadata-Version: 2.1\nName: greeter\nVersion: 1.0\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/entry_points.txt": "[console_scripts]\ngreeter = greeter:main\n",
    }
    record = "".join(f"{name},,\n" for name in [*files, f"{info}/RECORD"])
    with zipfile.ZipFile(directory / WHEEL, "w") as wheel:
        for name, text in {**files, f"{info}/RECORD": record}.items():
            wheel.writestr(name, text)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An app with one requirement, that it carries itself."""
    directory = tmp_path_factory.mktemp("app")
    write_wheel(directory)
    (directory / "requirements.txt").write_text(f"./{WHEEL}\n")
    (directory / "Procfile").write_text("web: greeter\n")
    return directory


@pytest.fixture(scope="module")
def later(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A buildpack that tells what it finds, and installs a package as editable ones are."""
    directory = tmp_path_factory.mktemp("buildpack") / "later"
    scripts = {
        "detect": "echo Later",
        "compile": (
            'echo "python $(command -v python pip)"\n'
            'env | grep -E "^(PYTHON|LD_)" | sort\n'
            'echo "$1/src" >"$(echo "$1"/.heroku/python/lib/python3.*/site-packages)/later.pth"'
        ),
    }
    for name, body in scripts.items():
        script = directory / "bin" / name
        script.parent.mkdir(parents=True, exist_ok=True)
        script.write_text(f"#!/usr/bin/env bash\n{body}\n")
        script.chmod(0o755)
    return directory


@pytest.fixture(scope="module")
def app(source: Path, later: Path) -> Iterator[App]:
    """The app, built by the stand-in and the buildpack after it."""
    with App(source, buildpacks=[HEROKU_PYTHON, later]) as app:
        app.deploy()
        yield app


def test_an_app_is_installed_by_the_path_it_has_at_run_time(app: App) -> None:
    python = app.app_dir / ".heroku" / "python"
    assert python.is_symlink()
    assert python.readlink() == app.build_dir / ".heroku" / "python"
    script = app.build_dir / ".heroku" / "python" / "bin" / "greeter"
    assert script.read_text().startswith(f"#!{python}/bin/python")
    assert app.run("greeter").output == "hello\n"


def test_site_packages_are_below_the_prefix_and_pip_is_there(app: App) -> None:
    question = "import sys, greeter, pip; print(sys.prefix); print(greeter.__file__)"
    python = app.app_dir / ".heroku" / "python"
    assert app.run(f"python -c '{question}'").output == (
        f"{python}\n{python}/{SITE_PACKAGES}/greeter.py\n"
    )
    packages = app.build_dir / ".heroku" / "python" / SITE_PACKAGES
    assert list(packages.glob("__pycache__/greeter.cpython-*.pyc"))


def test_the_cached_tree_shares_its_inodes_with_the_build(app: App) -> None:
    built, cached = app.build_dir / ".heroku/python", app.cache_dir / ".heroku/python"
    before, after = snapshot(cached), snapshot(built)
    assert [name for name in after if name not in before] == [f"{SITE_PACKAGES}/later.pth"]
    assert all(after[name] == entry for name, entry in before.items())
    files = [cached / name for name in before if stat.S_ISREG(before[name].mode)]
    assert all(path.samefile(built / path.relative_to(cached)) for path in files)


def test_later_buildpacks_find_python_and_its_variables(app: App) -> None:
    assert (
        "python /app/.heroku/python/bin/python\n"
        "/app/.heroku/python/bin/pip\n"
        "LD_LIBRARY_PATH=/app/.heroku/python/lib\n"
        "PYTHONHOME=/app/.heroku/python\n"
        "PYTHONPATH=/tmp/build_<hash>\n"
        "PYTHONUNBUFFERED=1\n"
    ) in app.transcript


def test_a_boot_rewrites_the_build_directory_in_pth_files(app: App) -> None:
    printed = app.run(f"cat .heroku/python/{SITE_PACKAGES}/later.pth").output
    assert printed == f"{app.app_dir}/src\n"


def test_a_rebuild_restores_the_cache_and_a_change_discards_it(
    source: Path, tmp_path: Path
) -> None:
    elsewhere = "3.13" if RUNNING.series != "3.13" else "3.12"
    nowhere = {"PATH": "", "HOME": str(tmp_path)}
    with App(source, buildpacks=[HEROKU_PYTHON], environ=nowhere) as app:
        (app.source_dir / ".python-version").write_text(f"{elsewhere}\n")
        app.deploy()
        assert (
            f"-----> Using Python {RUNNING.version}\n"
            f" !     Notice: .python-version asks for Python {elsewhere}, which is not installed on"
            " this machine.\n"
            f"-----> Installing Python {RUNNING.version}\n"
        ) in app.output
        (app.source_dir / ".python-version").unlink()
        (app.source_dir / "runtime.txt").write_text(f"python-{RUNNING.version}\n")
        app.push()
        assert (
            f"-----> Using Python {RUNNING.version} specified in runtime.txt\n"
            "-----> Restoring cache\n"
            f"-----> Using cached install of Python {RUNNING.version}\n"
        ) in app.output
        (app.source_dir / "requirements.txt").write_text("# nothing\n")
        app.push()
        assert (
            "-----> Discarding cache since:\n"
            "       - The contents of requirements.txt changed\n"
            f"-----> Installing Python {RUNNING.version}\n"
        ) in app.output
        assert app.reports["heroku/python"] == {
            "package_manager": "pip",
            "python_version": RUNNING.version,
        }


def test_ci_installs_test_requirements_and_caches_on_another_filesystem(source: Path) -> None:
    with App(source, buildpacks=[HEROKU_PYTHON], allow_failure=True) as app:
        (app.source_dir / "requirements.txt").write_text("")
        (app.source_dir / "requirements-test.txt").write_text(f"./{WHEEL}\n")
        test = {"environments": {"test": {"scripts": {"test": "greeter"}}}}
        (app.source_dir / "app.json").write_text(json.dumps(test))
        run = app.run_ci()
        assert run.output.endswith("-----> Running tests\nhello\n")
        again = run.run_again()
        assert "-----> Restoring cache\n" in again.output
        assert again.output.endswith("-----> Running tests\nhello\n")


REFUSALS: tuple[tuple[dict[str, str], str], ...] = (
    ({"requirements.txt": "", "uv.lock": ""}, "The app has several package manager files."),
    ({"requirements.txt": "", "Pipfile": ""}, "The app has a Pipfile, but no Pipfile.lock."),
    ({"setup.py": ""}, "The app has no package manager file."),
    ({"pyproject.toml": ""}, "The app has no package manager file."),
    ({"uv.lock": ""}, "Apps that use uv need a .python-version file."),
    (
        {"requirements.txt": "", "runtime.txt": "python-3.9.1"},
        "Heroku does not have the requested Python version.",
    ),
    ({"Pipfile.lock": "{"}, "A local build can't install from Pipfile.lock."),
)


@pytest.mark.parametrize(("files", "summary"), REFUSALS)
def test_what_heroku_refuses_ends_the_build(
    tmp_path: Path, files: dict[str, str], summary: str
) -> None:
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    with App(tmp_path, buildpacks=[HEROKU_PYTHON], allow_failure=True) as app:
        app.deploy()
    assert (
        "-----> Using buildpacks:\n"
        "       1. heroku/python\n"
        "-----> Python app detected\n"
        f" !     Error: {summary}\n"
    ) in app.output
    assert app.output.endswith(
        " !     Push rejected, failed to compile heroku/python app.\n\n !     Push failed\n"
    )


def test_what_slugignore_deletes_decides_nothing(source: Path) -> None:
    with App(source, buildpacks=[HEROKU_PYTHON]) as app:
        (app.source_dir / "poetry.lock").touch()
        (app.source_dir / ".slugignore").write_text("poetry.lock\n")
        app.deploy()
        assert (
            "-----> Installing dependencies using 'pip install -r requirements.txt'" in app.output
        )


def test_a_uv_app_has_no_pip(source: Path) -> None:
    with App(source, buildpacks=[HEROKU_PYTHON]) as app:
        (app.source_dir / "requirements.txt").unlink()
        (app.source_dir / ".python-version").write_text(RUNNING.series)
        (app.source_dir / "pyproject.toml").write_text(
            '[project]\nname = "tiny"\nversion = "1"\nrequires-python = ">=3.10"\n'
            f'dependencies = ["greeter"]\n[tool.uv.sources]\ngreeter = {{ path = "{WHEEL}" }}\n'
        )
        lock(app.source_dir)
        app.deploy()
        assert "-----> Installing dependencies using 'uv sync --locked" in app.output
        assert app.run("greeter; python -c 'import pip'").output.startswith("hello\nTraceback")
        assert (app.cache_dir / ".heroku" / "python-uv" / "uv").exists()


def lock(project: Path) -> None:
    """Write the project's `uv.lock`."""
    uv = uv_binary(os.environ)
    assert uv is not None
    python = str(RUNNING.executable)
    command = [uv, "lock", "--offline", "--quiet", "--python", python]
    subprocess.run(command, cwd=project, check=True)


@pytest.mark.parametrize("series", SERIES)
def test_a_prepared_python_runs_wherever_it_is_moved(series: str, tmp_path: Path) -> None:
    try:
        runtime = prepare(find_interpreter(series, os.environ), PYTHONS)
    except PythonNotFoundError as missing:
        pytest.skip(str(missing))
    moved = tmp_path / "moved"
    subprocess.run(["cp", "--archive", runtime.path, moved], check=True)
    question = (
        "import bz2, ctypes, hashlib, json, lzma, sqlite3, ssl, sys, sysconfig, venv, zlib;"
        "print(sys.prefix, sysconfig.get_path('purelib'), sys.path[-1], sep='\\n')"
    )
    answer = subprocess.run(
        [moved / "bin" / "python", "-c", question],
        env={"LD_LIBRARY_PATH": str(moved / "lib")},
        capture_output=True,
        text=True,
        check=True,
    )
    packages = f"{moved}/lib/python{series}/site-packages"
    assert answer.stdout == f"{moved}\n{packages}\n{packages}\n"
    assert list(moved.glob(f"lib/python{series}/ensurepip/_bundled/pip-*.whl"))

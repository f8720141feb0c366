"""bin/slugfit build: what `make demo` does with the example app, with the user's own."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from slugfit.base.heroku import PYTHONS
from slugfit.local.buildpack import SLUGFIT
from slugfit.local.environment import PLAIN_PATH
from slugfit.local.python_discovery import (
    PythonNotFoundError,
    find_interpreter,
    running_interpreter,
)
from support.paths import FIXTURES
from support.tool import Tool

SERIES = f"{sys.version_info[0]}.{sys.version_info[1]}"
VERSION = ".".join(map(str, sys.version_info[:3]))
ERRORS = "https://github.com/slugfit/slugfit/blob/main/docs/errors.md"

FIRST_BUILD = f"""\
-----> Building on the Heroku-24 stack
-----> Using buildpacks:
       1. heroku/python
       2. slugfit
-----> Python app detected
-----> Using Python {VERSION} specified in the --python option
-----> Saving cache
-----> Slugfit app detected
-----> Reading configuration from defaults and config vars
-----> Stripping site-packages
"""
REBUILD = f"""\
-----> Building on the Heroku-24 stack
-----> Using buildpacks:
       1. heroku/python
       2. slugfit
-----> Python app detected
-----> Using Python {VERSION} specified in the --python option
-----> Restoring cache
-----> Using cached install of Python {VERSION}
"""


@pytest.fixture
def app(tool: Tool) -> Path:
    """An app in a repository, beside things that are not in it."""
    app = tool.desk / "my app"
    shutil.copytree(FIXTURES / "settings_absent", app)
    (app / ".gitignore").write_text(".venv/\n*.secret\n")
    (app / ".slugignore").write_text("*.ipynb\n")
    for name in (".venv/bin/python", "keys.secret", "notes.ipynb", "new.py"):
        (app / name).parent.mkdir(parents=True, exist_ok=True)
        (app / name).write_text("")
    subprocess.run(["git", "init", "--quiet", app], check=True)
    return app


def error(*lines: str) -> str:
    return "\n".join(f" !     {line}".rstrip() for line in lines)


def test_an_app_is_built_as_on_heroku_and_again_from_the_cache(tool: Tool, app: Path) -> None:
    (tool.desk / "vars").write_text(
        "export GREETING='hello there' # and more\nHF_TOKEN=hf_7Yq3wK0\n"
    )
    vars_ = ("--env-file", "vars", "--env", "SLUGFIT_BUDGET_LIMIT=90MB")
    command = 'echo "${GREETING} ${HF_TOKEN}"; ls -A; exit 3'
    built = tool.run("build", "my app", "--python", SERIES, *vars_, "--run", command)
    assert (built.status, built.stderr) == (3, "")
    assert built.log.startswith(FIRST_BUILD)
    assert "       Limit: 90.0 MB compressed\n" in built.stdout
    _, _, ran = built.stdout.partition(f"-----> Running {command}\n")
    listed, _, kept = ran.partition("-----> Saved the built app: ")
    assert listed.split() == [
        *(
            "hello",
            "there",
            "[redacted]",
            ".gitignore",
            ".heroku",
            ".profile.d",
            ".slugfit",
            ".slugignore",
        ),
        *("Procfile", "new.py", "requirements.txt"),
    ]

    into = Path(kept.splitlines()[0])
    assert json.loads((into / ".slugfit/report.json").read_text())["slug"]["compressed_bytes"]
    assert kept.splitlines()[1] == f"       slugfit report {into}"
    assert tool.run("why", "--in", str(into), "pip").status == 0

    again = tool.run("build", "my app", "--python", SERIES, "--into", "built")
    assert (again.status, again.stderr) == (0, "")
    assert again.log.startswith(REBUILD)
    assert (tool.desk / "built/.slugfit/report.json").is_file()
    assert sorted(path.name for path in into.parent.iterdir()) == ["app", "cache"]


def test_a_build_that_fails_ends_with_1_and_keeps_nothing(tool: Tool, app: Path) -> None:
    arguments = ("--python", SERIES, "--env", "SLUGFIT_BUDGET_LIMIT=1MB", "--into", "built")
    failed = tool.run("build", "my app", *arguments)
    assert failed.status == 1
    assert failed.stdout.endswith(" !     Push failed\n")
    assert "MB over its limit." in failed.stdout
    assert not (tool.desk / "built").exists()


@pytest.mark.parametrize(
    ("lock", "export"),
    [
        ("poetry.lock", "poetry export --output requirements.txt && rm poetry.lock"),
        ("Pipfile.lock", "pipenv requirements >requirements.txt && rm Pipfile Pipfile.lock"),
    ],
)
def test_what_only_heroku_can_install_from_is_exported(tool: Tool, lock: str, export: str) -> None:
    (tool.desk / lock).write_text("")
    refused = tool.run("build")
    assert refused.status == 1
    assert refused.error == error(
        f"Error: A local build can't install from {lock}.",
        "",
        f"{tool.desk}/{lock}",
        "",
        "It supports pip and uv.",
        "",
        "To fix this:",
        "1. In a copy of the app, export its requirements:",
        f"   {export}",
        "",
        "For more information, see:",
        f"{ERRORS}#buildno-requirements",
    )


@pytest.mark.parametrize(
    ("files", "summary"),
    [
        ({"setup.py": ""}, "The app has no package manager file."),
        ({"requirements.txt": "", "uv.lock": ""},
         "The app has several package manager files."),
        ({"uv.lock": ""}, "Apps that use uv need a .python-version file."),
        ({"requirements.txt": "", ".python-version": "3.99"},
         "Heroku does not have the requested Python version."),
    ],
)  # fmt: skip
def test_build_and_predict_refuse_what_heroku_refuses(
    tool: Tool, files: dict[str, str], summary: str
) -> None:
    for name, text in files.items():
        (tool.desk / name).write_text(text)
    for command in ("build", "predict", "check"):
        refused = tool.run(command)
        assert refused.status == 1
        assert refused.error.splitlines()[0] == error(f"Error: {summary}")


def elsewhere(tool: Tool) -> str:
    """A version of Python that Heroku has, and this machine, as the tool sees it, does not."""
    for minor in PYTHONS:
        try:
            find_interpreter(f"3.{minor}", {"PATH": PLAIN_PATH, "HOME": str(tool.home)})
        except PythonNotFoundError:
            return f"3.{minor}"
    pytest.skip("every Python that Heroku has is here")


def test_a_python_that_is_not_here_is_named(tool: Tool, app: Path) -> None:
    series = elsewhere(tool)
    (app / "runtime.txt").write_text(f"python-{series}.1\n")
    refused = tool.run("build", "my app")
    assert refused.status == 1
    assert refused.error == error(
        f"Error: Python {series} is not installed on this machine.",
        "",
        f"no Python {series} on PATH or in ~/.pyenv/versions",
        "",
        "To fix this:",
        f"1. Install it: pyenv install {series}",
        f"   or: apt install python{series} python{series}-venv",
        f"2. Use one that is installed: slugfit build --python {SERIES}",
        "",
        "For more information, see:",
        f"{ERRORS}#buildpython-missing",
    )


def test_a_lock_of_uv_needs_uv(tool: Tool, app: Path) -> None:
    (app / "requirements.txt").rename(app / "uv.lock")
    (app / ".python-version").write_text(SERIES)
    # Beside the Python of the tests there is one.
    python = str(running_interpreter().executable)
    refused = tool.run("build", "my app", SLUGFIT_PYTHON=python)
    assert refused.status == 1
    assert refused.error == error(
        "Error: The app has a uv.lock, but uv is not on PATH.",
        "",
        "To fix this:",
        "1. Install it: pip install uv",
        "",
        "For more information, see:",
        f"{ERRORS}#builduv-missing",
    )


@pytest.mark.parametrize("into", ["taken", "my app", "my app/built", "."])
def test_only_what_a_build_has_made_is_replaced(tool: Tool, app: Path, into: str) -> None:
    (tool.desk / "taken").mkdir()
    (tool.desk / "taken" / "file").write_text("")
    refused = tool.run("build", "my app", "--into", into)
    assert refused.status == 1
    assert refused.error == error(
        "Error: The built app can't be saved there.",
        "",
        str((tool.desk / into).resolve()),
        "",
        "A build overwrites only an earlier build, and never writes into the app.",
        "",
        "To fix this:",
        "1. Choose a new or empty directory outside the app: --into DIR",
        "",
        "For more information, see:",
        f"{ERRORS}#buildinto-taken",
    )


def test_config_vars_that_can_not_be_read_are_told_without_their_values(
    tool: Tool, app: Path
) -> None:
    (tool.desk / "vars").write_text("GOOD=1\nhunter22\n'A'=2\nB=\"no end\n")
    refused = tool.run("build", "my app", "--env-file", "vars")
    assert refused.status == 1
    assert refused.error == error(
        "Error: These config vars can't be read.",
        "",
        "vars",
        "line 2: not KEY=VALUE",
        "line 3: not KEY=VALUE",
        "line 4: not KEY=VALUE",
        "",
        "To fix this:",
        "1. Write one per line, with or without quotes:",
        "   AWS_REGION=eu-west-1",
        '   GREETING="two\\nlines"',
        "",
        "For more information, see:",
        f"{ERRORS}#buildenv-unreadable",
    )


def test_what_a_registry_has_of_this_repository_builds(
    tool: Tool, app: Path, tmp_path: Path
) -> None:
    tarball = SLUGFIT.copy_to(tmp_path / "tarball", read_only=False).path
    assert sorted(path.name for path in tarball.iterdir()) == ["bin", "buildpack.toml", "lib"]
    elsewhere = replace(tool, program=tarball / "bin/slugfit")
    built = elsewhere.run("build", "my app", "--python", SERIES)
    assert (built.status, built.stderr) == (0, "")
    assert built.log.startswith(FIRST_BUILD)


@pytest.mark.parametrize("arguments", ["--stack heroku-20", "--env"])
def test_what_is_not_understood_ends_with_2_and_the_usage(tool: Tool, arguments: str) -> None:
    refused = tool.run("build", *arguments.split())
    assert (refused.status, refused.stdout) == (2, "")
    assert refused.stderr.startswith("usage: slugfit build")

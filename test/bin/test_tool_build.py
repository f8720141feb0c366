"""bin/slugfit build: what `make demo` does with the example app, with the user's own."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from slugfit.local.heroku.buildpack import SLUGFIT
from slugfit.local.heroku.python_discovery import running_interpreter
from support.paths import FIXTURES
from support.tool import Tool

SERIES = f"{sys.version_info[0]}.{sys.version_info[1]}"
VERSION = ".".join(map(str, sys.version_info[:3]))
README = "https://github.com/slugfit/slugfit"

FIRST_BUILD = f"""\
-----> Building on the Heroku-24 stack
-----> Using buildpacks:
       1. heroku/python
       2. slugfit
-----> Python app detected
-----> No Python version was specified. Using Python {VERSION}
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
-----> No Python version was specified. Using Python {VERSION}
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
    listed, _, kept = ran.partition("-----> Kept the app as it was built: ")
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


def test_an_app_without_requirements_is_told_what_to_write(tool: Tool) -> None:
    (tool.desk / "poetry.lock").write_text("")
    refused = tool.run("build")
    assert refused.status == 1
    assert refused.error == error(
        "Error: There is no requirements.txt or uv.lock in the app.",
        "",
        str(tool.desk),
        "found: poetry.lock",
        "",
        "The local Heroku installs packages with pip or uv.",
        "",
        "To fix this:",
        "1. Write one:",
        "   poetry export --output requirements.txt",
        "",
        "For more information, see:",
        f"{README}#buildno-requirements",
    )


def test_a_python_that_is_not_here_is_named(tool: Tool, app: Path) -> None:
    (app / ".python-version").write_text("3.99\n")
    refused = tool.run("build", "my app")
    assert refused.status == 1
    assert refused.error == error(
        "Error: Python 3.99 is not installed on this machine.",
        "",
        "no Python 3.99 on PATH or in ~/.pyenv/versions",
        "",
        "To fix this:",
        "1. Install it: pyenv install 3.99",
        "   or: apt install python3.99 python3.99-venv",
        f"2. Build with one that is: slugfit build --python {SERIES}",
        "",
        "For more information, see:",
        f"{README}#buildpython-missing",
    )


def test_a_lock_of_uv_needs_uv(tool: Tool, app: Path) -> None:
    (app / "uv.lock").write_text("")
    # Beside the Python of the tests there is one.
    python = str(running_interpreter().executable)
    refused = tool.run("build", "my app", SLUGFIT_PYTHON=python)
    assert refused.status == 1
    assert refused.error == error(
        "Error: The app has a uv.lock, and there is no uv on PATH.",
        "",
        "To fix this:",
        "1. Install it: pip install uv",
        "",
        "For more information, see:",
        f"{README}#builduv-missing",
    )


@pytest.mark.parametrize("into", ["taken", "my app", "my app/built", "."])
def test_only_what_a_build_has_made_is_replaced(tool: Tool, app: Path, into: str) -> None:
    (tool.desk / "taken").mkdir()
    (tool.desk / "taken" / "file").write_text("")
    refused = tool.run("build", "my app", "--into", into)
    assert refused.status == 1
    assert refused.error == error(
        "Error: The built app can not go there.",
        "",
        str((tool.desk / into).resolve()),
        "",
        "It replaces only what an earlier build has put there, and is no part of the app.",
        "",
        "To fix this:",
        "1. Name a directory beside the app, which is empty or not there: --into DIR",
        "",
        "For more information, see:",
        f"{README}#buildinto-taken",
    )


def test_config_vars_that_can_not_be_read_are_told_without_their_values(
    tool: Tool, app: Path
) -> None:
    (tool.desk / "vars").write_text("GOOD=1\nhunter22\n'A'=2\nB=\"no end\n")
    refused = tool.run("build", "my app", "--env-file", "vars")
    assert refused.status == 1
    assert refused.error == error(
        "Error: These config vars can not be read.",
        "",
        "vars",
        "line 2: not KEY=VALUE",
        "line 3: not KEY=VALUE",
        "line 4: not KEY=VALUE",
        "",
        "To fix this:",
        "1. Write one a line, without or with quotes:",
        "   AWS_REGION=eu-west-1",
        '   GREETING="two\\nlines"',
        "",
        "For more information, see:",
        f"{README}#buildenv-unreadable",
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


@pytest.mark.parametrize("arguments", ["--python 4", "--stack heroku-20", "--env"])
def test_what_is_not_understood_ends_with_2_and_the_usage(tool: Tool, arguments: str) -> None:
    refused = tool.run("build", *arguments.split())
    assert (refused.status, refused.stdout) == (2, "")
    assert refused.stderr.startswith("usage: slugfit build")

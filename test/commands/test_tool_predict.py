"""`slugfit predict` and `slugfit check` as processes, and the action for GitHub around `check`."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from slugfit.local.environment import PLAIN_PATH
from slugfit.local.index_access import index_settings
from support.package_index import Package, PackageIndex
from support.paths import REPOSITORY
from support.tool import Tool

ACTION = REPOSITORY / "bin/action/action.yml"
CODE = "".join(f"def function_{n}():\n    return {n}\n" for n in range(300))
PACKAGES = (
    Package("demo", "1.0", {"demo.py": CODE}, ("helper>=1",)),
    Package("helper", "1.2", {"helper.py": CODE}),
    Package("old", "1.0", {"old.py": ""}, ("helper<1",)),
)


@pytest.fixture
def index() -> Iterator[PackageIndex]:
    with PackageIndex(PACKAGES) as index:
        yield index


@pytest.fixture(scope="session")
def provided(tool_cache: Path) -> None:
    """Install what the commands run on, before the index becomes one of three packages."""
    subprocess.run(
        [REPOSITORY / "bin/slugfit", "predict", tool_cache],
        env={
            "PATH": PLAIN_PATH,
            "HOME": str(tool_cache),
            "SLUGFIT_PYTHON": sys.executable,
            "SLUGFIT_CACHE_DIR": str(tool_cache),
            **index_settings(os.environ),
        },
        capture_output=True,
        check=False,
    )


@pytest.fixture
def app(tool: Tool, provided: None) -> Path:
    """An app that requires a package of the index."""
    (tool.desk / "requirements.txt").write_text("demo\n")
    (tool.desk / ".python-version").write_text("3.12\n")
    return tool.desk


def settings(index: PackageIndex) -> dict[str, str]:
    """The variables of somebody whose pip uses the index."""
    return {"PIP_INDEX_URL": index.simple, "UV_DEFAULT_INDEX": index.simple, "UV_HTTP_RETRIES": "0"}


def test_an_app_is_predicted(tool: Tool, app: Path, index: PackageIndex) -> None:
    done = tool.run("predict", **settings(index))
    assert (done.status, done.error) == (0, "")
    lines = done.stdout.splitlines()
    assert "-----> Predicting the slug: Python 3.12, heroku-24, requirements.txt" in lines
    assert any(re.match(r"       Python +13\.5 MB +38\.3 MB$", line) for line in lines)
    assert lines[-1] == "-----> About 18.9 MB: within the budget of 1.00 GB"


def test_as_data_nothing_else_is_printed(tool: Tool, app: Path, index: PackageIndex) -> None:
    done = tool.run("predict", ".", "--json", "--stack", "heroku-22", **settings(index))
    data = json.loads(done.stdout)
    assert (data["stack"], data["python_version"], data["at_least"]) == ("heroku-22", "3.12", False)
    assert {"demo", "helper", "Python", "pip"} <= {item["name"] for item in data["items"]}


def test_requirements_that_contradict_end_it(tool: Tool, app: Path, index: PackageIndex) -> None:
    (app / "requirements.txt").write_text("demo\nold\n")
    done = tool.run("predict", **settings(index))
    assert (done.status, done.log) == (1, "")
    assert "Error: The app's requirements cannot be met together." in done.error


def test_an_app_without_requirements_ends_it(tool: Tool, app: Path, index: PackageIndex) -> None:
    (app / "requirements.txt").unlink()
    done = tool.run("check", **settings(index))
    assert done.status == 1
    assert "Error: The app has no package manager file." in done.error


@pytest.mark.parametrize(("budget", "status"), [("300MB", 0), ("1MB", 1)])
def test_check_holds_the_forecast_to_a_budget(
    tool: Tool, app: Path, index: PackageIndex, budget: str, status: int
) -> None:
    done = tool.run("check", "--budget", budget, **settings(index))
    held = "over" if status else "within"
    assert done.status == status
    assert f"-----> About 18.9 MB: {held} the budget of {budget[:-2]}" in done.stdout


def test_check_can_not_tell_what_it_did_not_count(tool: Tool, app: Path) -> None:
    (app / "requirements.txt").write_text("demo\nlost\n")
    lost = Package("lost", "1.0", source=b"no archive at all")
    with PackageIndex([*PACKAGES, lost]) as index:
        done = tool.run("check", **settings(index))
        allowed = tool.run("check", "--allow-unknown", **settings(index))
        over = tool.run("check", "--allow-unknown", "--budget", "1MB", **settings(index))
    assert (done.status, allowed.status, over.status) == (3, 0, 1)
    lines = done.stdout.splitlines()
    assert "       Not counted:" in lines
    assert lines[lines.index("       Not counted:") + 1].startswith("         lost 1.0: ")
    verdict = "-----> At least 18.9 MB: can't tell whether it is within the budget of 1.00 GB"
    assert verdict in lines
    assert verdict in allowed.stdout.splitlines()


def test_check_takes_the_apps_own_limit(tool: Tool, app: Path, index: PackageIndex) -> None:
    (app / "slugfit.toml").write_text('[budget]\nlimit = "2MB"\n')
    assert tool.run("check", **settings(index)).status == 1


@pytest.mark.parametrize("arguments", [("--budget", "huge"), ("--stack", "cedar"), ("a", "b")])
def test_what_is_not_understood_is_refused(
    tool: Tool, provided: None, arguments: tuple[str, ...]
) -> None:
    assert tool.run("check", *arguments).status == 2


def test_in_github_actions_a_run_is_annotated(tool: Tool, app: Path, index: PackageIndex) -> None:
    summary = tool.home / "summary.md"
    github = {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(summary)}
    done = tool.run("check", "--budget", "1MB", **github, **settings(index))
    assert done.stdout.splitlines()[-1] == (
        "       ::error title=Slugfit::About 18.9 MB: over the budget of 1.0 MB"
    )
    assert summary.read_text().startswith(
        "### Slugfit: About 18.9 MB: over the budget of 1.0 MB\n\n| largest items | compressed |\n"
    )


def test_markdown_is_printed_alone(tool: Tool, app: Path, index: PackageIndex) -> None:
    done = tool.run("check", "--markdown", **settings(index))
    assert done.stdout.startswith("### Slugfit: About 18.9 MB: within the budget of 1.00 GB\n")


def test_the_password_of_an_index_is_not_told(tool: Tool, app: Path) -> None:
    with PackageIndex(PACKAGES, login="anna:very-secret") as index:
        (app / "requirements.txt").write_text(f"--index-url {index.simple}\nnosuch\n")
        done = tool.run("predict", **settings(index))
    assert done.status == 1
    assert "very-secret" not in done.stdout + done.stderr


def command_of_the_action() -> str:
    """What its one step runs."""
    block = ACTION.read_text().partition("run: |\n")[2]
    return textwrap.dedent(block)


def test_the_action_has_the_shape_of_one() -> None:
    text = ACTION.read_text()
    for key in ("name: ", "description: ", "inputs:", "runs:", "  using: composite", "  steps:"):
        assert re.search(f"^{key}", text, re.MULTILINE)
    inputs = re.findall(r"^  (\w+):$", text.partition("inputs:")[2].partition("runs:")[0], re.M)
    assert inputs == ["app", "budget", "python", "stack"]
    for name in inputs:
        assert f"INPUT_{name.upper()}: ${{{{ inputs.{name} }}}}" in text
    assert "${{" not in command_of_the_action()  # what is in an input is never run


@pytest.mark.parametrize(("budget", "status"), [("", 0), ("1MB", 1)])
def test_the_action_runs_the_check(
    tool: Tool, app: Path, index: PackageIndex, budget: str, status: int
) -> None:
    env = {
        "PATH": PLAIN_PATH,
        "HOME": str(tool.home),
        "SLUGFIT": str(ACTION.parent / "../slugfit"),
        "SLUGFIT_PYTHON": sys.executable,
        "SLUGFIT_CACHE_DIR": str(tool.cache),
        "INPUT_APP": ".",
        "INPUT_BUDGET": budget,
        "INPUT_PYTHON": "3.12",
        "INPUT_STACK": "heroku-24",
        **settings(index),
    }
    # As GitHub starts a step's `shell: bash`.
    bash = ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", "-c", command_of_the_action()]
    done = subprocess.run(bash, cwd=app, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == status, done.stderr
    assert "About 18.9 MB" in done.stdout

"""bin/slugfit finds a Python of its own, and hands over to a command.

What the commands do is tested elsewhere: most runs here are of a copy whose `lock` is a trial.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from slugfit import VERSION
from slugfit.local.python_discovery import (
    PythonNotFoundError,
    find_interpreter,
    running_interpreter,
)
from slugfit.local.python_runtime import prepare
from support.paths import PYTHONS, REPOSITORY

ERRORS = "https://github.com/slugfit/slugfit/blob/main/docs/errors.md"
TRIAL = """
import json, os, signal, sys, time
from slugfit.base.errors import Explanation, Failure


class Refused(Failure):
    id = "trial::refused"

    def explain(self):
        return Explanation("The trial is refused.", fixes=("Try something else.",))


def add_arguments(parser):
    parser.add_argument("how")


def run(args, context):
    if args.how == "describe":
        seen = {"environ": dict(context.environ), "cwd": os.getcwd()}
        print(json.dumps({**seen, "cache": str(context.cache), "path": sys.path}))
    elif args.how == "install":
        context.dependencies.provide()
    elif args.how == "refuse":
        raise Refused
    elif args.how == "stumble":
        raise ValueError("https://host/?token=hunter22")
    elif args.how == "wait":
        print("waiting", flush=True)
        time.sleep(60)
    return 0
"""


class Tool:
    """A copy of bin/slugfit and all it needs, with a home of its own."""

    def __init__(self, root: Path) -> None:
        self.home = root / "ho me"
        self.home.mkdir()
        self.script = root / "slug fit" / "bin" / "slugfit"
        for directory in ("bin", "lib"):
            shutil.copytree(
                REPOSITORY / directory,
                self.script.parent.parent / directory,
                ignore=shutil.ignore_patterns("__pycache__"),
            )
        lib = self.script.parent.parent / "lib"
        (lib / "slugfit" / "commands" / "lock.py").write_text(TRIAL)

    def environment(self, **more: str) -> dict[str, str]:
        environ = {"PATH": os.defpath, "HOME": str(self.home), "SLUGFIT_PYTHON": sys.executable}
        return {name: value for name, value in {**environ, **more}.items() if value}

    def run(
        self, *arguments: str, script: str = "", cwd: str = "/", **more: str
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [script or self.script, *arguments],
            env=self.environment(**more),
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture
def tool(tmp_path: Path) -> Tool:
    return Tool(tmp_path)


def red(*lines: str) -> str:
    shown = [f"\033[1;31m !{'     ' if line else ''}{line}\033[0m\n" for line in lines]
    return "\n" + "".join(shown) + "\n"


def unsupported(where: str) -> str:
    return red(
        "Error: Slugfit needs Python 3.10 or later.",
        "",
        where,
        "",
        "To fix this:",
        "1. Install one. On Debian and Ubuntu: apt install python3 python3-venv",
        "2. Or name one: SLUGFIT_PYTHON=/path/to/python3 slugfit …",
        "",
        "For more information, see:",
        f"{ERRORS}#bootpython-unsupported",
    )


# --- what it is asked -----------------------------------------------------------------------


def test_the_help_names_every_command(tool: Tool) -> None:
    finished = tool.run("--help")
    assert (finished.returncode, finished.stderr) == (0, "")
    assert "fetch" in finished.stdout
    assert "lock" in finished.stdout


@pytest.mark.parametrize("command", ["fetch", "lock"])
def test_a_command_helps_without_installing_anything(tool: Tool, command: str) -> None:
    finished = tool.run(command, "--help")
    assert (finished.returncode, finished.stderr) == (0, "")
    assert finished.stdout.startswith(f"usage: slugfit {command}")
    assert list(tool.home.iterdir()) == []


def test_it_tells_its_version(tool: Tool) -> None:
    assert tool.run("--version").stdout == f"slugfit {VERSION}\n"


@pytest.mark.parametrize("arguments", ["", "unknown", "build --stack", "fetch", "lock a b"])
def test_what_is_not_understood_ends_with_2_and_the_usage(tool: Tool, arguments: str) -> None:
    finished = tool.run(*arguments.split())
    assert (finished.returncode, finished.stdout) == (2, "")
    assert finished.stderr.startswith("usage: slugfit")


# --- where it is, and which Python it takes -------------------------------------------------


def test_it_works_through_a_symbolic_link_from_any_directory(tool: Tool, tmp_path: Path) -> None:
    (tmp_path / "one").symlink_to(tool.script)
    (tmp_path / "two").symlink_to("one")
    finished = tool.run("lock", "describe", script=f"{tmp_path}/two", cwd=str(tmp_path))
    assert json.loads(finished.stdout)["cwd"] == str(tmp_path)


def test_python3_on_path_is_taken_when_none_is_named(tool: Tool, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python3").symlink_to(sys.executable)
    path = f"{tmp_path}/bin:{os.defpath}"
    described = json.loads(tool.run("lock", "describe", SLUGFIT_PYTHON="", PATH=path).stdout)
    assert described["environ"]["PATH"] == path


@pytest.mark.parametrize("series", ["3.6", "3.7", "3.8", "3.9"])
def test_a_python3_that_is_too_old_is_passed_over(tool: Tool, tmp_path: Path, series: str) -> None:
    try:
        old = find_interpreter(series, os.environ)
    except PythonNotFoundError as absent:
        pytest.skip(str(absent))
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python3").symlink_to(old.executable)
    # The first that would be tried is a shim for a version that is not there.
    (tmp_path / "bin" / "python3.14").write_text("#!/bin/sh\nexit 127\n")
    (tmp_path / "bin" / "python3.14").chmod(0o755)
    (tmp_path / "bin" / "python3.12").symlink_to(sys.executable)
    finished = tool.run("--version", SLUGFIT_PYTHON="", PATH=f"{tmp_path}/bin:/usr/bin:/bin")
    assert (finished.stdout, finished.stderr) == (f"slugfit {VERSION}\n", "")


def test_a_named_python_that_is_too_old_is_not_replaced_by_another(tool: Tool) -> None:
    try:
        old = find_interpreter("3.9", os.environ)
    except PythonNotFoundError as absent:
        pytest.skip(str(absent))
    finished = tool.run("--version", SLUGFIT_PYTHON=str(old.executable))
    assert (finished.returncode, finished.stdout) == (1, "")
    assert finished.stderr == unsupported(str(old.executable))


def test_a_named_python_that_is_not_there_is_told(tool: Tool) -> None:
    finished = tool.run("--version", SLUGFIT_PYTHON="/nonexistent/python3")
    assert (finished.returncode, finished.stdout) == (1, "")
    assert finished.stderr == unsupported("/nonexistent/python3")


def test_without_any_python_it_says_what_to_install(tool: Tool, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    for program in ("bash", "cat", "env", "readlink"):
        (tmp_path / "bin" / program).symlink_to(shutil.which(program) or "")
    finished = tool.run("--version", SLUGFIT_PYTHON="", PATH=f"{tmp_path}/bin")
    assert (finished.returncode, finished.stdout) == (1, "")
    assert finished.stderr == unsupported("python3, python3.14 … python3.10 on PATH")


# --- what a command gets --------------------------------------------------------------------


def test_a_command_gets_the_whole_environment(tool: Tool) -> None:
    given = {"AWS_PROFILE": "models", "HF_TOKEN": "token", "PYTHONPATH": "/invalid"}
    described = json.loads(tool.run("lock", "describe", **given).stdout)
    assert described["environ"].items() >= given.items()
    assert "/invalid" not in described["path"]
    assert sysconfig.get_path("purelib") not in described["path"]


@pytest.mark.parametrize(
    ("given", "cache"),
    [
        ({}, "{home}/.cache/slugfit"),
        ({"XDG_CACHE_HOME": "/var/caches"}, "/var/caches/slugfit"),
        ({"XDG_CACHE_HOME": "/var/caches", "SLUGFIT_CACHE_DIR": "/mine"}, "/mine"),
        ({"SLUGFIT_CACHE_DIR": "here"}, "/here"),
    ],
)
def test_the_cache_is_the_users(tool: Tool, given: dict[str, str], cache: str) -> None:
    described = json.loads(tool.run("lock", "describe", **given).stdout)
    assert described["cache"] == cache.format(home=tool.home)


# --- how it ends ----------------------------------------------------------------------------


def test_a_failure_reads_as_in_a_build_and_ends_with_1(tool: Tool) -> None:
    finished = tool.run("lock", "refuse")
    assert (finished.returncode, finished.stdout) == (1, "")
    assert finished.stderr == red(
        "Error: The trial is refused.",
        "",
        "To fix this:",
        "1. Try something else.",
        "",
        "For more information, see:",
        f"{ERRORS}#trialrefused",
    )


def test_a_bug_is_told_without_secrets_and_without_heroku(tool: Tool) -> None:
    finished = tool.run("lock", "stumble")
    assert finished.returncode == 1
    assert "Internal error: The command stopped unexpectedly." in finished.stderr
    assert "ValueError: https://host/?[redacted]" in finished.stderr
    assert "hunter22" not in finished.stderr
    assert "heroku" not in finished.stderr


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_it_without_a_traceback(
    tool: Tool, number: signal.Signals, code: int
) -> None:
    with subprocess.Popen(
        [tool.script, "lock", "wait"],
        env=tool.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "waiting\n"
        # To the process that was started alone: it became the Python.
        process.send_signal(number)
        _, said = process.communicate(timeout=20)
    assert (process.returncode, said) == (code, "")


def test_a_failed_installation_leaves_nothing_behind(tool: Tool) -> None:
    finished = tool.run("lock", "install", PIP_INDEX_URL="file:///nonexistent")
    helper = tool.home / ".cache" / "slugfit" / "helper"
    assert finished.stdout == (f"-----> Installing Slugfit's own dependencies into {helper}\n")
    assert finished.returncode == 1
    assert "Error: Slugfit's own dependencies could not be installed." in finished.stderr
    assert not helper.exists()


# --- a Python without a pip of its own ------------------------------------------------------


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """A Python as Debian has it without python3-venv: no ensurepip, and no pip."""
    whole, tree = prepare(running_interpreter(), PYTHONS).path, tmp_path / "bare"
    [library] = whole.glob("lib/python3*")
    (tree / "lib" / library.name / "site-packages").mkdir(parents=True)
    for entry in library.iterdir():
        if entry.name not in ("ensurepip", "site-packages"):
            (tree / "lib" / library.name / entry.name).symlink_to(entry)
    for shared in whole.glob("lib/lib*"):
        (tree / "lib" / shared.name).symlink_to(shared)
    (tree / "bin").mkdir()
    shutil.copy(whole / "bin" / "python3", tree / "bin" / "python3")
    return tree


def test_a_python_without_pip_is_told_what_to_install(tool: Tool, bare: Path) -> None:
    python = bare / "bin" / "python3"
    libraries = str(bare / "lib")
    finished = tool.run("lock", "install", SLUGFIT_PYTHON=str(python), LD_LIBRARY_PATH=libraries)
    assert finished.returncode == 1
    assert finished.stderr == red(
        "Error: This Python has no pip.",
        "",
        str(python),
        "",
        "Slugfit uses pip to install its own dependencies into a cache.",
        "",
        "To fix this:",
        "1. On Debian and Ubuntu:",
        "   apt install python3-venv",
        "2. Or use a Python that has pip:",
        "   SLUGFIT_PYTHON=/path/to/python3 slugfit …",
        "",
        "For more information, see:",
        f"{ERRORS}#bootpip-missing",
    )


def test_a_pip_that_is_installed_serves_as_well(tool: Tool, bare: Path) -> None:
    [packages] = bare.glob("lib/python3*/site-packages")
    (packages / "pip").symlink_to(Path(sysconfig.get_path("purelib"), "pip"))
    finished = tool.run(
        "lock",
        "install",
        SLUGFIT_PYTHON=str(bare / "bin" / "python3"),
        LD_LIBRARY_PATH=str(bare / "lib"),
        PIP_INDEX_URL="file:///nonexistent",
    )
    assert "ERROR: No matching distribution found for " in finished.stderr

"""The circumstances that Heroku builds under: mounts, environments, package managers, Pythons."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from slugfit.app.python_version import PythonVersion
from slugfit.base.heroku import PYTHONS
from slugfit.local.buildpack import SLUGFIT, Buildpack
from slugfit.local.python_discovery import (
    PythonNotFoundError,
    find_interpreter,
    running_interpreter,
)
from slugfit.local.stand_in import HEROKU_PYTHON
from support.fixtures import BUCKET, PLAIN, PLAIN_KEY, MakeApp, own_log
from support.heroku import App
from support.paths import DIGITS
from support.s3 import S3Server

MODEL = (DIGITS / "digits.tflite").read_bytes()

HOSTILE = {
    "PYTHONPATH": "/invalid",
    "PYTHONHOME": "/invalid",
    "PYTHONSTARTUP": "/invalid",
    "PIP_TARGET": "/invalid",
    "PIP_REQUIRE_VIRTUALENV": "1",
    "AWS_PROFILE": "invalid",
    "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
}


def test_what_earlier_buildpacks_export_does_not_reach_the_helper(
    s3: S3Server, tmp_path: Path
) -> None:
    """Not even at its first boot, when pip installs its dependencies."""
    hostile = tmp_path / "hostile"
    (hostile / "bin").mkdir(parents=True)
    exports = "".join(f"export {name}={value}\\n" for name, value in HOSTILE.items())
    export = f"""printf '{exports}' >"${{0%/bin/*}}/export\""""
    scripts = {"detect": "echo hostile", "compile": export}
    for name, script in scripts.items():
        (hostile / "bin" / name).write_text(f"#!/usr/bin/env bash\n{script}\n")
        (hostile / "bin" / name).chmod(0o755)
    buildpacks: list[Buildpack | Path] = [HEROKU_PYTHON, hostile, SLUGFIT]
    with App("settings_in_pyproject", buildpacks=buildpacks, config=s3.config) as app:
        app.deploy()
        assert (app.build_dir / "models/digits.tflite").read_bytes() == MODEL


def test_a_build_in_the_app_directory_with_its_cache_elsewhere_copies_the_model(
    s3: S3Server,
) -> None:
    with App("settings_in_pyproject", config=s3.config, in_app_dir=True) as app:
        for build in (app.deploy, app.push):
            build()
            placed = app.build_dir / "models/digits.tflite"
            assert placed.read_bytes() == MODEL
            if app.cache_dir.stat().st_dev != app.build_dir.stat().st_dev:
                assert placed.stat().st_nlink == 1
        assert "-----> Using cached models/digits.tflite" in own_log(app)


def test_heroku_ci_runs_the_apps_tests_on_what_production_would_run(s3: S3Server) -> None:
    with App("flask_tflite", config=s3.config) as app:
        run = app.run_ci()
        assert run.succeeded
        assert "-----> Fetching models/digits.tflite (92.0 KB)\n" in run.output
        assert "\nOK\n" in run.output
        again = run.run_again()
        assert again.succeeded
        assert "-----> Using cached models/digits.tflite (92.0 KB)\n" in again.output


def test_heroku_ci_warns_of_a_budget_that_only_a_slug_can_break(make_app: MakeApp) -> None:
    app = make_app("budget_exceeded")
    (app.source_dir / "app.json").write_text(
        json.dumps({"environments": {"test": {"scripts": {"test": "true"}}}})
    )
    run = app.run_ci()
    assert run.succeeded, run.output
    assert " !     Warning: The slug exceeds its warning level of 1.0 MB.\n" in run.output


def test_an_app_that_uses_uv_has_no_pip_and_needs_none(s3: S3Server) -> None:
    with App("settings_in_pyproject", config=s3.config) as app:
        (app.source_dir / "requirements.txt").unlink()
        (app.source_dir / ".python-version").write_text(running_interpreter().series)
        (app.source_dir / "uv.lock").write_text(
            'version = 1\nrequires-python = ">=3.10"\n\n'
            '[[package]]\nname = "settings-in-pyproject"\nversion = "1.0"\n'
            'source = { virtual = "." }\n'
        )
        pyproject = app.source_dir / "pyproject.toml"
        with_python = "[project]\nrequires-python = '>=3.10'"
        pyproject.write_text(pyproject.read_text().replace("[project]", with_python))
        app.deploy()
        assert not list((app.build_dir / ".heroku/python").glob("lib/*/site-packages/pip"))
        assert (app.build_dir / "models/digits.tflite").read_bytes() == MODEL


@pytest.mark.parametrize("minor", PYTHONS)
def test_the_helper_boots_under_every_python_that_heroku_offers(s3: S3Server, minor: int) -> None:
    series = f"3.{minor}"
    try:
        find_interpreter(series, os.environ)
    except PythonNotFoundError as absent:
        pytest.skip(str(absent))
    config = {**s3.config, "SLUGFIT_MODELS": f"s3://{BUCKET}/{PLAIN_KEY}"}
    config |= {"SLUGFIT_STRIP_LEVEL": "off"}  # elsewhere, and by analysis for each Python
    with App("settings_absent", python=PythonVersion(minor), config=config) as app:
        app.deploy()
        assert (app.build_dir / "models/labels.txt").read_bytes() == PLAIN
        assert app.reports["slugfit"]["python_version"].startswith(f"{series}.")
        helper = app.cache_dir / "slugfit/helper"
        assert sorted(name.partition("-")[0] for name in os.listdir(helper)) == ["base", "s3"]
        assert size_of(helper) < 25_000_000


def test_a_second_build_boots_the_helper_without_the_network(s3: S3Server) -> None:
    nowhere = dict.fromkeys(("PIP_INDEX_URL", "HTTPS_PROXY", "HTTP_PROXY"), "http://127.0.0.1:1")
    with App("settings_absent") as app:
        app.deploy()
        cache = app.cache_dir
        with App("settings_absent", cache_dir=cache, build_env=nowhere) as second:
            second.deploy()
            assert own_log(second).startswith("-----> Reading configuration")


def test_the_buildpack_may_be_read_only(make_app: MakeApp) -> None:
    app = make_app("settings_absent", buildpacks_read_only=True)
    app.deploy()
    assert app.succeeded, app.output


def size_of(directory: Path) -> int:
    return sum(os.lstat(path).st_size for path in directory.rglob("*"))

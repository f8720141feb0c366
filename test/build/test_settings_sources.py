"""Where a build's settings come from: a file, pyproject.toml, config vars, or nowhere."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest

from support.fixtures import BUCKET, PLAIN, PLAIN_KEY, MakeApp, own_log
from support.heroku import App
from support.paths import DIGITS
from support.s3 import S3Server

MODEL = (DIGITS / "digits.tflite").read_bytes()
SHA256 = "a66e4cc617b94fee816bb48e7bbedfea4af13ac85f0a7fc1c0fa839c65b67111"


def report_of(app: App) -> dict[str, Any]:
    report: dict[str, Any] = json.loads((app.build_dir / ".slugfit/report.json").read_text())
    return report


def test_without_any_configuration_the_slug_is_stripped_and_measured(make_app: MakeApp) -> None:
    app = make_app("settings_absent")
    app.deploy()
    assert own_log(app) == (
        "-----> Reading configuration from defaults and config vars\n"
        "-----> Stripping site-packages\n"
        "<table>\n"
        "       Verified <packages> by importing it\n"
        "-----> Measuring the slug\n"
        "<table>\n"
        "\n"
        "<table>\n"
        "       Slug: <size> compressed, <size> unpacked\n"
        "       Before stripping: <size> compressed, <size> unpacked\n"
        "       Boot: about <time> to download (at <size>/s) and unpack the slug\n"
        "       Limit: <size> compressed"
    )
    assert report_of(app)["slug"]["limit_bytes"] == 1_000_000_000
    assert report_of(app)["slug"]["warn_bytes"] == 300_000_000


def test_pyproject_toml_configures_the_build_as_slugfit_toml_does(
    make_app: MakeApp, s3: S3Server
) -> None:
    app = make_app("settings_in_pyproject", config=s3.config)
    app.deploy()
    log = own_log(app)
    assert log.startswith(
        "-----> Reading configuration from pyproject.toml\n"
        "-----> Fetching models/digits.tflite (<size>)\n"
        "       from s3://slugfit-models/digits/digits.tflite\n"
        "       <size> in <time>, <rate>\n"
        "       To pin this content, add below its source:\n"
        f'       sha256 = "{SHA256}"\n'
        "       models/digits.tflite: Not loaded: check.load is false.\n"
        "-----> Measuring the slug\n"
    )
    assert (app.build_dir / "models/digits.tflite").read_bytes() == MODEL


def test_config_vars_alone_can_drive_a_build(make_app: MakeApp, s3: S3Server) -> None:
    source, pin = f"s3://{BUCKET}/{PLAIN_KEY}", hashlib.sha256(PLAIN).hexdigest()
    models = f"\n{source} -> weights/a b.txt sha256={pin}\n{source}\n"
    app = make_app(
        "settings_absent",
        config={
            **s3.config,
            "SLUGFIT_MODELS": models,
            "SLUGFIT_STRIP_LEVEL": "off",
            "SLUGFIT_BUDGET_LIMIT": "500MB",
            "SLUGFIT_BUDGET_WARN": "10MB\n",
        },
    )
    app.deploy()
    report = report_of(app)
    assert [model["path"] for model in report["models"]] == [
        "weights/a b.txt",
        "models/labels.txt",
    ]
    assert (app.build_dir / "weights/a b.txt").read_bytes() == PLAIN
    assert report["strip"]["level"] == "off"
    assert report["slug"]["limit_bytes"] == 500_000_000
    assert " !     Warning: The slug exceeds its warning level of 10.0 MB.\n" in app.output


def test_config_vars_win_over_the_file(make_app: MakeApp) -> None:
    app = make_app("budget_exceeded", config={"SLUGFIT_BUDGET_LIMIT": "100MB"})
    app.deploy()
    assert app.succeeded
    assert report_of(app)["slug"]["limit_bytes"] == 100_000_000


@pytest.mark.parametrize("addon", ["BUCKETEER", "CLOUDCUBE"])
def test_the_keys_of_an_add_on_open_its_bucket(make_app: MakeApp, s3: S3Server, addon: str) -> None:
    keys = {
        "BUCKETEER": {
            "BUCKETEER_AWS_ACCESS_KEY_ID": s3.access_key,
            "BUCKETEER_AWS_SECRET_ACCESS_KEY": s3.secret_key,
            "BUCKETEER_AWS_REGION": "us-east-1",
            "BUCKETEER_BUCKET_NAME": BUCKET,
        },
        "CLOUDCUBE": {
            "CLOUDCUBE_ACCESS_KEY_ID": s3.access_key,
            "CLOUDCUBE_SECRET_ACCESS_KEY": s3.secret_key,
            "CLOUDCUBE_URL": f"https://{BUCKET}.s3.amazonaws.com/cube",
        },
    }
    config = keys[addon] | {
        "AWS_ENDPOINT_URL": s3.endpoint,
        # For other buckets: the add-on's own key goes first for its own.
        "AWS_ACCESS_KEY_ID": "AKIAOTHER",
        "AWS_SECRET_ACCESS_KEY": "of another account",
        "SLUGFIT_MODELS": f"s3://{BUCKET}/{PLAIN_KEY}",
    }
    app = make_app("settings_absent", config=config)
    app.deploy()
    assert app.succeeded, app.output
    assert (app.build_dir / "models/labels.txt").read_bytes() == PLAIN


def test_a_file_of_the_app_is_linked_to_where_the_app_expects_the_model(make_app: MakeApp) -> None:
    app = make_app("model_in_the_app")
    app.deploy()
    assert "-----> Checking models/tiny.bin (35 B), a file of the app\n" in app.output
    placed, source = app.build_dir / "models/tiny.bin", app.build_dir / "weights/tiny.bin"
    assert placed.samefile(source)
    assert not (app.cache_dir / "slugfit/models").exists()


def test_a_slug_over_its_warning_level_is_warned_of_and_released(make_app: MakeApp) -> None:
    app = make_app("budget_warned")
    app.deploy()
    assert app.succeeded
    assert (
        " !     Warning: The slug exceeds its warning level of 1.0 MB.\n !\n !     It is "
    ) in app.output
    assert app.reports["slugfit"]["over_warning_level"] is True

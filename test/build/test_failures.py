"""Bad input, as a whole build meets it: the words, exit 1, cache and app as they were."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from support.fixtures import BUCKET, KEY, MakeApp, own_log, without_record
from support.heroku import SLUGFIT, App
from support.http import Reply, ScriptedServer
from support.paths import FIXTURES, REPOSITORY
from support.processes import free_port
from support.s3 import S3Server
from support.snapshot import Entry, snapshot

EXPECTED = Path(__file__).parent / "failures"
WEIGHTS = b"weights" * 1000
LOGIN_PAGE = b"\n<!DOCTYPE html>\n<html><title>Log in</title></html>\n"


class Case(NamedTuple):
    """A build that fails as failures/<name>.txt says."""

    name: str
    failure: str
    fixture: str = "settings_absent"
    models: str = ""
    config: dict[str, str] = {}  # noqa: RUF012 -- a NamedTuple's default, never changed


IN_S3 = f"s3://{BUCKET}/{KEY}"
CASES = [
    Case("malformed_toml", "settings::malformed-toml", "settings_malformed"),
    Case("invalid_settings", "settings::invalid", "settings_invalid"),
    Case(
        "invalid_config_vars",
        "settings::invalid",
        models="models.tflite\n../up -> x\ns3://b/k -> /x sha256=1",
        config={"SLUGFIT_BUDGET_LIMIT": "300", "SLUGFIT_STRIP_LEVEL": "full"},
    ),
    Case("two_files", "settings::configured-twice", "settings_in_two_files"),
    Case("lfs_pointer", "fetch::lfs-pointer", "model_lfs_pointer"),
    Case("path_through_symlink", "plan::path-leaves-app", "model_path_through_symlink"),
    Case("path_taken", "plan::path-taken", "model_path_taken"),
    Case("source_absent", "plan::source-missing", "model_source_absent"),
    Case(
        "wrong_checksum",
        "fetch::checksum-mismatch",
        models=f"{IN_S3} -> m.tflite sha256={'0' * 64}",
    ),
    Case("object_missing", "fetch::object-missing", models=f"s3://{BUCKET}/gone.tflite"),
    Case("bucket_missing", "fetch::object-missing", models="s3://no-such-bucket/m.tflite"),
    Case(
        "access_denied",
        "fetch::access-denied",
        models=IN_S3,
        config={"AWS_SECRET_ACCESS_KEY": "not/the+right=key"},
    ),
    Case(
        "store_unreachable",
        "fetch::unreachable",
        models=IN_S3,
        config={"AWS_ENDPOINT_URL_S3": "http://127.0.0.1:{closed}"},
    ),
    Case("page_missing", "fetch::object-missing", models="{web}/gone?X-Amz-Signature=hidden"),
    Case("page_denied", "fetch::access-denied", models="{web}/denied?X-Amz-Signature=hidden"),
    Case("page_truncated", "fetch::truncated", models="{web}/cut?X-Amz-Signature=hidden"),
    Case("page_is_html", "fetch::html-page", models="{web}/page?X-Amz-Signature=hidden"),
    Case("server_fails", "fetch::server-failed", models="{web}/down?X-Amz-Signature=hidden"),
    Case("server_rejects", "fetch::request-rejected", models="{web}/teapot?X-Amz-Signature=hidden"),
    Case("second_model_missing", "fetch::object-missing", models=f"{IN_S3}\ns3://{BUCKET}/gone"),
    Case("over_budget", "budget::over-limit", "budget_exceeded"),
]


@pytest.fixture(scope="module")
def web() -> Iterator[ScriptedServer]:
    table = {
        "/cut": Reply(WEIGHTS, truncate_at=100),
        "/denied": Reply(status=403),
        "/down": Reply(status=503),
        "/page": Reply(LOGIN_PAGE),
        "/teapot": Reply(status=418),
    }
    with ScriptedServer(table) as server:
        yield server


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_failure_says_what_to_do_and_leaves_everything_as_it_was(
    case: Case, make_app: MakeApp, s3: S3Server, web: ScriptedServer
) -> None:
    values = {"web": web.url(""), "closed": str(free_port())}
    config = {**s3.config, **{k: v.format(**values) for k, v in case.config.items()}}
    if case.models:
        config["SLUGFIT_MODELS"] = case.models.format(**values)
    app = make_app(case.fixture, config=config)
    before = snapshot(app.cache_dir / "slugfit")

    app.deploy()

    assert not app.succeeded
    log = re.sub(r"(?<=127\.0\.0\.1:)\d+", "<port>", own_log(app))
    assert log + "\n" == (EXPECTED / f"{case.name}.txt").read_text()
    assert app.reports["slugfit"]["failure_reason"] == case.failure
    assert_unchanged(app, before)
    for secret in (s3.secret_key, s3.access_key, "not/the+right=key", "hidden"):
        assert secret not in app.raw_output
        assert secret not in json.dumps(app.reports)


def assert_unchanged(app: App, cache_before: dict[str, Entry]) -> None:
    """Cache, app and installed Python are as they were before our compile."""
    assert without_record(snapshot(app.cache_dir / "slugfit")) == cache_before
    assert {
        path: entry._replace(mtime_ns=0)
        for path, entry in snapshot(app.build_dir).items()
        if not path.startswith((".heroku", ".profile.d"))
    } == {path: entry._replace(mtime_ns=0) for path, entry in snapshot(app.source_dir).items()}
    # heroku/python has cached what it installed, before our compile.
    installed = snapshot(app.build_dir / ".heroku/python")
    assert installed == snapshot(app.cache_dir / ".heroku/python")


def test_without_heroku_python_the_build_says_which_buildpack_to_add(tmp_path: Path) -> None:
    with App("settings_absent", buildpacks=[SLUGFIT], allow_failure=True) as app:
        app.deploy()
        assert own_log(app) + "\n" == (EXPECTED / "python_missing.txt").read_text()
        assert app.reports["slugfit"] == {
            "failure_reason": "boot::python-missing",
            "failure_detail": "The app has no .heroku/python/bin/python.",
        }
        assert list(snapshot(app.cache_dir)) == ["slugfit", "slugfit/record.json"]


def test_a_failed_first_build_leaves_not_even_the_helper_behind(tmp_path: Path) -> None:
    with App("settings_malformed", allow_failure=True) as app:
        app.deploy()
        assert list(snapshot(app.cache_dir / "slugfit")) == ["record.json"]


def test_a_full_disk_is_named_and_nothing_half_written_stays(
    make_app: MakeApp, tmp_path: Path
) -> None:
    """On a real filesystem of 24 MB, in a mount namespace of the test's own."""
    app = make_app("settings_absent")
    app.deploy()
    assert app.succeeded
    with ScriptedServer({"/big": Reply(os.urandom(16_000_000))}) as web:
        (app.env_dir / "SLUGFIT_MODELS").write_text(web.url("/big"))
        small = tmp_path / "small"
        small.mkdir()
        script = """
            mount -t tmpfs -o size=24m tmpfs "$1"
            cp -r "$2/slugfit" "$1/"
            rm -rf "$3/.slugfit"
            status=0
            "$4/bin/compile" "$3" "$1" "$5" 2>&1 || status=$?
            echo "status $status"
            find "$1/slugfit/models" -type f
        """
        places = [small, app.cache_dir, app.build_dir, REPOSITORY, app.env_dir]
        done = subprocess.run(
            ["unshare", "--user", "--map-root-user", "--mount", "bash", "-c", script, "-", *places],
            env={"PATH": "/usr/bin:/bin", "HOME": str(app.app_dir)},
            capture_output=True,
            text=True,
            check=False,
        )
    log = re.sub(r"\x1b\[[0-9;]*m", "", done.stdout)
    assert " !     Error: No space left on the build machine's disk.\n" in log, done.stderr
    assert "files::no-space".replace(":", "") in log
    assert log.endswith("status 1\n")


def test_detect_says_on_stderr_why_an_app_is_not_for_us(tmp_path: Path) -> None:
    app = tmp_path / "app"
    shutil.copytree(FIXTURES / "no_python_files", app)
    done = subprocess.run(
        [REPOSITORY / "bin/detect", app], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert " !     Error: This is no Python app.\n" in done.stderr

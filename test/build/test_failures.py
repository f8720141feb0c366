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

from slugfit.local.buildpack import SLUGFIT
from slugfit.local.servers import free_port
from slugfit.stores import FIRST_BYTES
from support.fixtures import BUCKET, KEY, MakeApp, own_log, without_partial, without_record
from support.heroku import App
from support.http import Reply, ScriptedServer
from support.paths import DIGITS, FIXTURES, REPOSITORY
from support.s3 import S3Server
from support.shelf import Shelf
from support.snapshot import Entry, snapshot
from support.workbench import Workbench

EXPECTED = Path(__file__).parent / "failures"
WEIGHTS = b"weights" * 1000
LOGIN_PAGE = b"\n<!DOCTYPE html>\n<html><title>Log in</title></html>\n"


class Case(NamedTuple):
    """A build that fails as failures/<name>.txt says.

    `leaves` is what the next build goes on with: the sizes of what was fetched.
    """

    name: str
    failure: str
    fixture: str = "settings_absent"
    models: str = ""
    config: dict[str, str] = {}  # noqa: RUF012 -- a NamedTuple's default, never changed
    leaves: tuple[int, ...] = ()


IN_S3 = f"s3://{BUCKET}/{KEY}"
IN_WEB = "{web}/%s?X-Amz-Signature=hidden"
# To try six times takes longer than a test should.
HASTY = {"SLUGFIT_FETCH_DEADLINE": "2s"}
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
    Case("lock_outdated", "lock::outdated", "lock_outdated"),
    Case("lock_conflict", "lock::conflict", "lock_conflict"),
    Case("lock_malformed", "lock::malformed", "lock_malformed"),
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
    Case("bucket_missing", "fetch::bucket-missing", models="s3://no-such-bucket/m.tflite"),
    Case("directory_missing", "fetch::nothing-there", models=f"s3://{BUCKET}/gone/"),
    Case(
        "directory_checksum",
        "fetch::checksum-mismatch",
        models=f"s3://{BUCKET}/plain/ -> m sha256={'0' * 64}",
    ),
    Case(
        "access_denied",
        "fetch::access-denied",
        models=IN_S3,
        config={"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""},
    ),
    Case(
        "key_unknown",
        "fetch::credentials-wrong",
        models=IN_S3,
        config={"AWS_ACCESS_KEY_ID": "AKIANOSUCHKEY"},
    ),
    Case(
        "secret_wrong",
        "fetch::credentials-wrong",
        models=IN_S3,
        config={"AWS_SECRET_ACCESS_KEY": "not/the+right=key"},
    ),
    Case(
        "store_unreachable",
        "fetch::unreachable",
        models=IN_S3,
        config={"AWS_ENDPOINT_URL_S3": "http://127.0.0.1:{closed}", **HASTY},
    ),
    Case("archive_unreadable", "unpack::not-an-archive", "model_archive"),
    Case("page_missing", "fetch::object-missing", models=IN_WEB % "gone"),
    Case("page_denied", "fetch::access-denied", models=IN_WEB % "denied"),
    Case("page_truncated", "fetch::truncated", models=IN_WEB % "cut", config=HASTY),
    Case("page_is_html", "fetch::html-page", models=IN_WEB % "page"),
    Case("server_fails", "fetch::server-failed", models=IN_WEB % "down", config=HASTY),
    Case("server_rejects", "fetch::request-rejected", models=IN_WEB % "teapot"),
    Case(
        "out_of_time",
        "fetch::out-of-time",
        models="{slow}/slow.bin",
        config=HASTY,
        leaves=(FIRST_BYTES,),
    ),
    Case(
        "second_model_missing",
        "fetch::object-missing",
        models=f"{IN_S3}\ns3://{BUCKET}/gone",
        leaves=((DIGITS / "digits.tflite").stat().st_size,),
    ),
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


@pytest.fixture(scope="module")
def slow() -> Iterator[Shelf]:
    """A server from which something comes at once, and then nothing more."""
    with Shelf({"slow.bin": bytes(2 * FIRST_BYTES)}) as shelf:
        shelf.held_from = FIRST_BYTES
        yield shelf
        shelf.let_go()


@pytest.fixture(scope="module")
def python(booted: App) -> dict[str, Entry]:
    """The installed Python, from which those of the builds are hard links."""
    return snapshot(booted.build_dir / ".heroku")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_failure_says_what_to_do_and_leaves_everything_as_it_was(  # noqa: PLR0913, PLR0917
    case: Case,
    tmp_path: Path,
    booted: App,
    python: dict[str, Entry],
    s3: S3Server,
    web: ScriptedServer,
    slow: Shelf,
) -> None:
    s3.put(BUCKET, "m.tgz", WEIGHTS)
    bench = Workbench(tmp_path, booted, case.fixture)
    places = {"web": web.url(""), "slow": slow.at("")[:-1], "closed": str(free_port())}
    config = {**s3.config, **{k: v.format(**places) for k, v in case.config.items()}}
    before = snapshot(bench.own_cache)

    build = bench.compile(config, models=case.models.format(**places))

    assert build.status == 1
    log = re.sub(r"(?<=127\.0\.0\.1:)\d+", "<port>", build.log)
    assert log + "\n" == (EXPECTED / f"{case.name}.txt").read_text()
    assert bench.record["failure_reason"] == case.failure
    assert_unchanged(bench, before, python, case.leaves)
    for secret in (s3.secret_key, s3.access_key, "not/the+right=key", "NOSUCHKEY", "hidden"):
        assert secret not in build.raw
        assert secret not in json.dumps(bench.record)


def assert_unchanged(
    bench: Workbench,
    cache_before: dict[str, Entry],
    python: dict[str, Entry],
    leaves: tuple[int, ...],
) -> None:
    """Cache, app and installed Python are as they were before our compile."""
    cache = without_record(snapshot(bench.own_cache))
    if leaves:
        sizes = [size for name, size in bench.left.items() if not name.endswith(".json")]
        assert sizes == [*leaves]
        cache = without_partial(cache)
    assert cache == cache_before
    assert {
        path: entry for path, entry in snapshot(bench.app).items() if not path.startswith(".heroku")
    } == snapshot(bench.source)
    # heroku/python's cache shares its files with the app.
    assert snapshot(bench.app / ".heroku") == python


def test_a_slug_over_its_budget_is_told_item_by_item(make_app: MakeApp) -> None:
    app = make_app("budget_exceeded")
    before = snapshot(app.cache_dir / "slugfit")
    app.deploy()
    assert not app.succeeded
    assert own_log(app) + "\n" == (EXPECTED / "over_budget.txt").read_text()
    assert app.reports["slugfit"]["failure_reason"] == "budget::over-limit"
    assert without_record(snapshot(app.cache_dir / "slugfit")) == before
    # heroku/python has cached what it installed, before our compile.
    installed = snapshot(app.build_dir / ".heroku/python")
    assert installed == snapshot(app.cache_dir / ".heroku/python")
    files = {path for path in snapshot(app.build_dir) if not path.startswith((".heroku", ".pro"))}
    assert files == snapshot(app.source_dir).keys()


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
    """On a real filesystem of 16 MB, in a mount namespace of the test's own."""
    app = make_app("settings_absent")
    app.deploy()
    assert app.succeeded
    with ScriptedServer({"/big": Reply(os.urandom(16_000_000))}) as web:
        (app.env_dir / "SLUGFIT_MODELS").write_text(web.url("/big"))
        small = tmp_path / "small"
        small.mkdir()
        script = """
            mount -t tmpfs -o size=16m tmpfs "$1"
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

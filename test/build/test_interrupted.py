"""Builds that end before their time: SIGTERM, as Heroku sends it, and SIGKILL."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from slugfit.base.changes import Changes
from slugfit.stores import FIRST_BYTES
from support.chance import chance
from support.fixtures import MakeApp, without_partial, without_record
from support.http import Reply, ScriptedServer
from support.paths import REPOSITORY
from support.shelf import Shelf
from support.snapshot import Entry, snapshot
from support.workbench import Workbench

LARGE = chance(6).randbytes(3 * FIRST_BYTES)


@pytest.fixture
def shelf() -> Iterator[Shelf]:
    """A server from which the first part of a model arrives, and then nothing more."""
    with Shelf({"model.bin": LARGE, "dir/config.json": b"{}"}) as shelf:
        shelf.held_from = FIRST_BYTES
        yield shelf
        shelf.let_go()


def start(bench: Workbench, models: str) -> subprocess.Popen[str]:
    """Start a build, and come back when a fetch is recorded that it is in the middle of."""
    build = bench.start({}, models=models)
    deadline = time.monotonic() + 60
    while not recorded(bench):
        assert time.monotonic() < deadline, "the build fetches nothing"
        time.sleep(0.01)
    return build


def recorded(bench: Workbench) -> list[Path]:
    return list((bench.own_cache / "models/partial").glob("*.json"))


def state(bench: Workbench) -> tuple[dict[str, Entry], dict[str, Entry]]:
    cache = without_partial(without_record(snapshot(bench.own_cache)))
    return snapshot(bench.app), cache


def before(bench: Workbench) -> tuple[dict[str, Entry], dict[str, Entry]]:
    """What there is when a build begins: a refused one leaves it so."""
    assert bench.compile({"SLUGFIT_NONSENSE": "1"}).status == 1
    return state(bench)


def asked_from(shelf: Shelf) -> list[int]:
    """Where the ranges begin that were asked for."""
    ranges = (request.headers.get("Range", "bytes=0-") for request in shelf.requests)
    return sorted(int(asked.removeprefix("bytes=").partition("-")[0]) for asked in ranges)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_after_a_build_that_was_ended_the_next_one_fetches_the_rest(
    bench: Workbench, shelf: Shelf, number: signal.Signals
) -> None:
    untouched = before(bench)
    with start(bench, shelf.at("model.bin")) as build:
        os.killpg(build.pid, number)
        build.wait(20)
    assert build.returncode == (143 if number == signal.SIGTERM else -signal.SIGKILL)
    assert state(bench) == untouched
    assert bench.left

    shelf.let_go()
    shelf.forget_requests()
    again = bench.compile({}, models=shelf.at("model.bin"))
    assert again.status == 0
    assert "       resuming after <size> from an earlier run\n" in again.log
    assert asked_from(shelf)[0] >= FIRST_BYTES
    assert (bench.app / "models/model.bin").read_bytes() == LARGE
    assert bench.contents == [LARGE]
    assert bench.left == {}


def test_after_a_build_that_was_killed_another_model_is_fetched_and_all_else_cleared_up(
    bench: Workbench, shelf: Shelf
) -> None:
    with start(bench, shelf.at("model.bin")) as build:
        os.killpg(build.pid, signal.SIGKILL)
        build.wait(20)
    with ScriptedServer({"/model.bin": Reply(b"whole")}) as web:
        assert bench.compile({}, models=web.url("/model.bin")).status == 0
    assert (bench.app / "models/model.bin").read_bytes() == b"whole"
    assert bench.contents == [b"whole"]
    assert bench.left == {}


def test_the_models_that_a_killed_build_had_before_are_used_again(
    bench: Workbench, shelf: Shelf
) -> None:
    first = shelf.at("dir/config.json")
    assert bench.compile({}, models=first).status == 0
    with start(bench, f"{first}\n{shelf.at('model.bin')}") as build:
        os.killpg(build.pid, signal.SIGKILL)
        build.wait(20)
    shelf.let_go()
    assert bench.compile({}, models=f"{first}\n{shelf.at('model.bin')}").status == 0
    assert bench.outcomes == ["unchanged", "fetched"]


def test_what_a_killed_build_had_set_aside_is_returned_first(make_app: MakeApp) -> None:
    app = make_app("settings_absent", allow_failure=False, config={"SLUGFIT_STRIP_LEVEL": "off"})
    app.deploy()
    package = next((app.build_dir / ".heroku/python").glob("lib/*/site-packages/pip"))
    untouched = snapshot(package)
    # As a killed build leaves it.
    removed = app.build_dir / ".slugfit/removed"
    changes = Changes(app.build_dir, removed, app.cache_dir / "slugfit/undo-app.jsonl")
    changes.set_aside(package / "__init__.py")
    changes.adding(package / "new.py")
    (package / "new.py").touch()
    done = subprocess.run(
        [REPOSITORY / "bin/compile", app.build_dir, app.cache_dir, app.env_dir],
        env={"HOME": str(app.app_dir), "PATH": os.defpath},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert snapshot(package) == untouched
    assert not removed.exists()

"""Builds that are ended at any moment, by every signal, leave app and cache as they were.

A build that is killed can't: the next one in the same directory puts everything right first.
SEED and KILLS vary what is tried; `make faults` tries 100.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.fixtures import BUCKET, PLAIN, PLAIN_KEY, without_partial, without_record
from support.heroku import App
from support.s3 import S3Server
from support.snapshot import Entry, snapshot
from support.workbench import Workbench

SEED = int(os.environ.get("SEED", "1"))
KILLS = int(os.environ.get("KILLS", "8"))
CONFIG = {"SLUGFIT_STRIP_LEVEL": "safe"}
ENDING = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT)
MODELS = f"s3://{BUCKET}/{PLAIN_KEY}"


@pytest.fixture(scope="module")
def store() -> Iterator[S3Server]:
    with S3Server() as server:
        server.create_bucket(BUCKET)
        server.put(BUCKET, PLAIN_KEY, PLAIN)
        yield server


@pytest.fixture(scope="module")
def booted(store: S3Server) -> Iterator[App]:
    """An app that was built before, as a Workbench wants it: with a Python that is whole."""
    config = {**store.config, "SLUGFIT_MODELS": MODELS, "SLUGFIT_STRIP_LEVEL": "off"}
    with App("settings_absent", config=config) as app:
        app.deploy()
        yield app


def files(tree: Path) -> dict[str, Entry]:
    """A snapshot, without what says how long the build took."""
    return {name: e for name, e in snapshot(tree).items() if name != ".slugfit/report.json"}


def cache(bench: Workbench) -> dict[str, Entry]:
    found = without_record(snapshot(bench.own_cache))
    assert not [name for name in found if name.startswith("undo")]
    return without_partial(found)


def end(build: subprocess.Popen[str], number: signal.Signals, pick: random.Random) -> None:
    """Send it to bin/compile or to all of the build, once or several times in a row."""
    times = pick.choice((1, 1, 3))
    to_all = number == signal.SIGKILL or pick.random() < 0.5
    for _ in range(times):
        if build.poll() is None:
            os.killpg(build.pid, number) if to_all else build.send_signal(number)
            time.sleep(pick.choice((0, 0.01, 0.1)))


def test_a_build_that_is_ended_at_any_moment_leaves_nothing(
    booted: App, store: S3Server, tmp_path: Path
) -> None:
    bench = Workbench(tmp_path, booted)
    config = {**store.config, **CONFIG}
    assert bench.compile(config, models=MODELS).status == 0
    begun = time.monotonic()
    assert bench.compile(config, models=MODELS).status == 0
    seconds = time.monotonic() - begun
    built = files(bench.app)
    ended = 0
    for kill in range(KILLS):
        pick = random.Random(f"{SEED} {kill}")  # noqa: S311 (a schedule)
        bench.renew()
        app, kept = files(bench.app), cache(bench)
        number = pick.choice((*ENDING, signal.SIGKILL))
        with bench.go_on(config, models=MODELS) as build:
            time.sleep(pick.uniform(0, seconds))
            end(build, number, pick)
            output, _ = build.communicate(timeout=60)
        what = (kill, number.name, build.returncode, output)
        if build.returncode == 0:
            assert files(bench.app).keys() == built.keys(), what
            continue
        ended += 1
        if number == signal.SIGKILL:
            with bench.go_on(config, models=MODELS) as build:
                output, _ = build.communicate(timeout=120)
            assert build.returncode == 0, output
            assert files(bench.app).keys() == built.keys(), what
            continue
        # Before its traps are set, bash ends by the signal itself.
        assert build.returncode in (128 + number, -number), what
        assert files(bench.app) == app, what
        assert cache(bench) == kept, what
    assert ended

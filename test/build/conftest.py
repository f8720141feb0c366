"""What whole builds share: an S3 server with the model in it, and a booted helper."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.fixtures import BUCKET, KEY, PLAIN, PLAIN_KEY, MakeApp
from support.heroku import App
from support.paths import DIGITS
from support.s3 import S3Server
from support.workbench import Workbench


@pytest.fixture(scope="session")
def s3_server() -> Iterator[S3Server]:
    with S3Server() as server:
        server.create_bucket(BUCKET)
        yield server


@pytest.fixture
def s3(s3_server: S3Server) -> S3Server:
    """The server, with the digits model in place and no requests seen."""
    s3_server.put(BUCKET, KEY, DIGITS / "digits.tflite")
    s3_server.put(BUCKET, PLAIN_KEY, PLAIN)
    s3_server.forget_requests()
    return s3_server


@pytest.fixture(scope="session")
def booted(s3_server: S3Server) -> Iterator[App]:
    """An app that was built before, with a file from S3."""
    s3_server.put(BUCKET, PLAIN_KEY, PLAIN)
    config = {**s3_server.config, "SLUGFIT_MODELS": f"s3://{BUCKET}/{PLAIN_KEY}"}
    with App("settings_absent", config=config) as app:
        app.deploy()
        yield app


@pytest.fixture(scope="session")
def booted_cache(booted: App) -> Path:
    """A build cache in which the helper's dependencies are installed, its client for S3, too."""
    return booted.cache_dir


@pytest.fixture
def bench(booted: App, tmp_path: Path) -> Workbench:
    """Our compile alone, on a cache where the helper has booted before."""
    return Workbench(tmp_path, booted)


@pytest.fixture
def make_app(booted_cache: Path, tmp_path: Path) -> Iterator[MakeApp]:
    """Makes apps that fail without raising, on a cache where a small app was built before."""
    apps: list[App] = []
    own = booted_cache / "slugfit"

    def make(fixture: str, **options: object) -> App:
        cache = tmp_path / f"cache-{len(apps)}"
        for directory in ("helper", "strip"):
            shutil.copytree(own / directory, cache / "slugfit" / directory)
        # What Python weighs is known.
        shutil.copy(own / "weights.json", cache / "slugfit")
        apps.append(App(fixture, **{"allow_failure": True, "cache_dir": cache, **options}))
        return apps[-1]

    yield make
    for app in apps:
        app.close()

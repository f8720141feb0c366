"""What the tests of the tool's commands share: an S3 server, and installed dependencies."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.paths import PYTHONS
from support.s3 import S3Server
from support.tool import BUCKET, Tool

# A shell has what it starts in the background ignore this, and so would the tool that is tested.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def s3_server() -> Iterator[S3Server]:
    with S3Server() as server:
        server.create_bucket(BUCKET)
        yield server


@pytest.fixture
def s3(s3_server: S3Server) -> S3Server:
    """The server, with no requests seen."""
    s3_server.forget_requests()
    return s3_server


@pytest.fixture(scope="session")
def tool_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where bin/slugfit installs its dependencies, for all tests of a session."""
    cache = tmp_path_factory.mktemp("tool-cache")
    # To make one takes long, and an App of any test makes the same.
    PYTHONS.mkdir(parents=True, exist_ok=True)
    (cache / "pythons").symlink_to(PYTHONS)
    return cache


@pytest.fixture
def tool(tmp_path: Path, tool_cache: Path, s3: S3Server) -> Tool:
    """bin/slugfit with the keys for the server, in an empty directory."""
    (tmp_path / "desk").mkdir()
    (tmp_path / "home").mkdir()
    return Tool(tmp_path / "desk", tmp_path / "home", tool_cache, s3.config)

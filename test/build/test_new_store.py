"""A store is a file, and a line in the list: one more, and builds fetch from it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from filecmp import dircmp
from pathlib import Path

import pytest

from support.chance import chance
from support.heroku import App
from support.paths import REPOSITORY
from support.servers import CannedServer, RangeServer
from support.workbench import Workbench

FILES = REPOSITORY / "test/stores/new_store"
MODEL = chance().randbytes(20_000_000)
TOKEN = "reader:op3n-5e5ame"
MODELS = "depot://north/m.bin -> models/m.bin"


@pytest.fixture(scope="module")
def buildpack(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the buildpack, to which the store is added."""
    root = tmp_path_factory.mktemp("buildpack")
    for part in ("bin", "lib"):
        shutil.copytree(
            REPOSITORY / part, root / part, ignore=shutil.ignore_patterns("__pycache__")
        )
    for file in ("depot.py", "depot_client.py"):
        shutil.copy(FILES / file, root / "lib/slugfit/stores")
    registry = root / "lib/slugfit/stores/registry.py"
    text = registry.read_text().replace("    WEB,\n", "    WEB,\n    DEPOT,\n")
    imported = "from slugfit.stores.gcs import GCS\n"
    text = text.replace(imported, f"from slugfit.stores.depot import DEPOT\n{imported}")
    registry.write_text(text)
    return root


@pytest.fixture
def bench(booted: App, buildpack: Path, tmp_path: Path) -> Workbench:
    return Workbench(tmp_path, booted, program=buildpack / "bin/compile")


@pytest.fixture
def depot() -> Iterator[RangeServer]:
    with RangeServer(MODEL, {"ETag": '"1"'}) as server:
        yield server


def config(endpoint: str) -> dict[str, str]:
    return {"DEPOT_ENDPOINT": endpoint, "DEPOT_TOKEN": TOKEN}


def test_a_store_takes_its_files_and_a_line_in_the_list(buildpack: Path) -> None:
    rooms = dircmp(REPOSITORY / "lib/slugfit", buildpack / "lib/slugfit", ["__pycache__"])
    stores = rooms.subdirs["stores"]
    assert (stores.left_only, stores.right_only) == ([], ["depot.py", "depot_client.py"])
    assert stores.diff_files == ["registry.py"]
    others = [room for name, room in rooms.subdirs.items() if name != "stores"]
    assert [room.diff_files + room.right_only for room in others] == [[]] * len(others)


def test_a_build_fetches_from_a_new_store_and_asks_it_again_next_time(
    bench: Workbench, depot: RangeServer
) -> None:
    build = bench.compile(config(depot.url("/")), models=MODELS)
    assert build.log.startswith(
        "-----> Reading configuration from defaults and config vars\n"
        "-----> Fetching models/m.bin (<size>)\n"
        "       from depot://north/m.bin\n"
    )
    assert (bench.app / "models/m.bin").read_bytes() == MODEL
    # The large object took more than one connection, each with the token.
    assert len(depot.requests) > 1
    assert {request.path for request in depot.requests} == {"/north/m.bin"}
    assert {request.headers["Authorization"] for request in depot.requests} == {f"Bearer {TOKEN}"}
    depot.forget_requests()
    bench.compile(config(depot.url("/")), models=MODELS)
    assert depot.requests[0].headers["If-None-Match"] == '"1"'


def test_the_advice_and_the_secrets_of_a_new_store_are_its_own(bench: Workbench) -> None:
    said = f"no entry with {TOKEN}, nor with op3n-5e5ame"
    with CannedServer(f"HTTP/1.1 403 {said}\r\nContent-Length: 0\r\n\r\n".encode()) as server:
        build = bench.compile(config(server.url), models=MODELS)
    assert "op3n-5e5ame" not in build.raw
    assert (
        build.log.partition("\n\n")[2]
        == """\
 !     Error: The store denies access to a model.
 !
 !     depot://north/m.bin
 !     status: 403 no entry with [redacted], nor with [redacted]
 !
 !     To fix this:
 !     1. Ask the depot's keeper for a new token.
 !
 !     For more information, see:
 !     https://github.com/slugfit/slugfit/blob/main/docs/errors.md#fetchaccess-denied"""
    )


def test_the_config_vars_and_the_urls_of_a_new_store_are_checked(bench: Workbench) -> None:
    build = bench.compile({"DEPOT_ENDPOINT": "nowhere"}, models="depot://North/m.bin\nftp://h/m")
    assert build.log.startswith(
        """\
 !     Error: The configuration has 3 problems.
 !
 !     config var SLUGFIT_MODELS, line 1
 !       found:   "depot://North/m.bin"
 !       allowed: "depot://depot/file"
 !     config var SLUGFIT_MODELS, line 2
 !       found:   "ftp://h/m"
 !       allowed: "s3://bucket/key", "gs://bucket/object", "az://account/container/blob",
 !                "hf://org/name@revision/path", "https://host/path",
 !                "depot://depot/file",
 !                or a path inside the app
 !     config var DEPOT_ENDPOINT
 !       found:   "nowhere"
 !       allowed: a URL: https://host[:port]
"""
    )

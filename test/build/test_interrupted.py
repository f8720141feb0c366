"""Builds that end before their time: SIGTERM, as Heroku sends it, and SIGKILL."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from support.fixtures import MakeApp, without_record
from support.heroku import App
from support.http import Reply, ScriptedServer
from support.paths import REPOSITORY
from support.snapshot import Entry, snapshot

HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n"


@contextmanager
def stalling_server() -> Iterator[str]:
    """The URL of a model of which half arrives, and then nothing more."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection, suppress(ConnectionError):
                connection.recv(4096)
                connection.sendall(HEAD + b"w" * 500_000)
                connection.recv(1)  # until the client is gone

        threading.Thread(target=serve, daemon=True).start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/model.bin"


@pytest.fixture
def built(make_app: MakeApp) -> App:
    """An app that was built once, and whose build directory is as heroku/python left it."""
    app = make_app("settings_absent", allow_failure=False, config={"SLUGFIT_STRIP_LEVEL": "off"})
    app.deploy()
    (app.build_dir / ".slugfit/report.json").unlink()
    (app.build_dir / ".slugfit").rmdir()
    return app


def start(app: App, source: str) -> subprocess.Popen[str]:
    """Start our compile, and come back when it is in the middle of a fetch."""
    (app.env_dir / "SLUGFIT_MODELS").write_text(source)
    build = subprocess.Popen(
        [REPOSITORY / "bin/compile", app.build_dir, app.cache_dir, app.env_dir],
        env={"HOME": str(app.app_dir), "PATH": os.defpath},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    assert build.stdout is not None
    for line in build.stdout:
        if line.startswith("       from "):
            break
    deadline = time.monotonic() + 20
    while not unfinished(app):
        assert time.monotonic() < deadline, "the build fetches nothing"
        time.sleep(0.01)
    return build


def unfinished(app: App) -> list[Path]:
    return list((app.cache_dir / "slugfit/models").rglob("*.part"))


def state(app: App) -> tuple[dict[str, Entry], dict[str, Entry]]:
    return snapshot(app.build_dir), without_record(snapshot(app.cache_dir / "slugfit"))


def test_a_build_that_is_told_to_end_leaves_everything_as_it_was(built: App) -> None:
    before = state(built)
    with stalling_server() as source, start(built, source) as build:
        os.killpg(build.pid, signal.SIGTERM)
        assert build.wait(20) == 143
    assert state(built) == before


def test_after_a_build_that_was_killed_the_next_one_finishes_and_clears_up(
    built: App, tmp_path: Path
) -> None:
    with stalling_server() as source, start(built, source) as build:
        os.killpg(build.pid, signal.SIGKILL)
        assert build.wait(20) == -signal.SIGKILL
    assert len(unfinished(built)) == 1

    with ScriptedServer({"/model.bin": Reply(b"whole")}) as web:
        built.set_config({"SLUGFIT_MODELS": web.url("/model.bin")})
        built.push()
    assert (built.build_dir / "models/model.bin").read_bytes() == b"whole"
    files = [p for p in (built.cache_dir / "slugfit/models").rglob("*") if p.is_file()]
    assert sorted(path.read_bytes() for path in files if path.name != "index.json") == [b"whole"]


def test_what_a_killed_build_had_set_aside_is_returned_first(built: App) -> None:
    package = next((built.build_dir / ".heroku/python").glob("lib/*/site-packages/pip"))
    aside = built.build_dir / ".slugfit/removed" / package.relative_to(built.build_dir)
    before = snapshot(package)
    aside.mkdir(parents=True)
    (package / "__init__.py").rename(aside / "__init__.py")
    done = subprocess.run(
        [REPOSITORY / "bin/compile", built.build_dir, built.cache_dir, built.env_dir],
        env={"HOME": str(built.app_dir), "PATH": os.defpath},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert snapshot(package) == before
    assert not aside.exists()

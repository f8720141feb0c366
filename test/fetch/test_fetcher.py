"""Each planned step brings its model into the app, and the log tells how it came there."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from slugfit.base.errors import Failure
from slugfit.fetch.failures import ChecksumMismatch, HtmlPage, LfsPointer
from slugfit.fetch.fetcher import FetchedModel, warn_of_risks
from slugfit.fetch.plan import Cached
from slugfit.fetch.transfer.retries import TRIES
from slugfit.settings.model import ModelSettings
from slugfit.stores.failures import Truncated
from slugfit.stores.refusals import AccessDenied, ServerFailed, Unreachable
from support.build_log import BuildLog, error_text
from support.http import Reply, ScriptedServer, failing, redirect
from support.machine import Machine
from support.servers import CannedServer, chunked
from support.snapshot import snapshot
from support.sources import model_from

MODEL = b"TFL3" * 30_000
SHA256 = hashlib.sha256(MODEL).hexdigest()
ZEROS = "0" * 64
SIGNED = "?sig=5ecre7"
END = "       120.0 KB in 0.0 s\n"
PIN = f'       To pin this content, add below its source:\n       sha256 = "{SHA256}"\n'
POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with ScriptedServer({"/m.tflite": Reply(MODEL, etag='"v1"')}) as server:
        yield server


def model(source: str, sha256: str | None = None, path: str = "models/m.tflite") -> ModelSettings:
    return model_from(source, path, sha256)


def test_a_model_is_fetched_into_cache_and_app(machine: Machine, server: ScriptedServer) -> None:
    (fetched,) = machine.fetch(model(server.url("/m.tflite")))
    url = server.url("/m.tflite")
    expected = FetchedModel(url, "models/m.tflite", SHA256, len(MODEL), '"v1"', "fetched")
    assert fetched == expected
    assert (machine.app / "models/m.tflite").read_bytes() == MODEL
    assert (machine.app / "models/m.tflite").samefile(machine.store.path(SHA256))
    assert machine.log.alerts == ""
    assert (
        machine.log.steps
        == f"""\
-----> Fetching models/m.tflite (120.0 KB)
       from {url}
{END}{PIN}"""
    )


def test_a_pinned_model_is_fetched_without_advice(machine: Machine, server: ScriptedServer) -> None:
    machine.fetch(model(server.url("/m.tflite"), SHA256))
    assert (
        machine.log.steps
        == f"""\
-----> Fetching models/m.tflite (120.0 KB)
       from {server.url("/m.tflite")}
{END}"""
    )


def test_a_pinned_model_in_the_cache_needs_no_request(
    machine: Machine, server: ScriptedServer
) -> None:
    pinned = model(server.url("/m.tflite"), SHA256)
    machine.fetch(pinned)
    server.forget_requests()
    machine.renew_app()
    (again,) = machine.fetch(pinned)
    assert server.requests == []
    assert (again.outcome, again.sha256, again.etag) == ("cached", SHA256, '"v1"')
    assert (machine.app / "models/m.tflite").read_bytes() == MODEL
    assert machine.log.steps == "-----> Using cached models/m.tflite (120.0 KB)\n"


def test_a_pin_that_is_added_later_needs_no_request_either(
    machine: Machine, server: ScriptedServer
) -> None:
    machine.fetch(model(server.url("/m.tflite")))
    server.forget_requests()
    machine.renew_app()
    machine.fetch(model(server.url("/m.tflite"), SHA256))
    assert server.requests == []


def test_a_pinned_content_in_the_cache_serves_another_source_as_well(
    machine: Machine, server: ScriptedServer
) -> None:
    machine.fetch(model(server.url("/m.tflite"), SHA256))
    server.forget_requests()
    machine.renew_app()
    (again,) = machine.fetch(model(server.url("/mirror"), SHA256))
    assert server.requests == []
    assert (again.outcome, again.etag) == ("cached", None)


def test_the_etag_of_one_content_is_never_remembered_for_another(
    machine: Machine, server: ScriptedServer
) -> None:
    server.set("/other", Reply(b"other"))
    first, other = server.url("/m.tflite"), model(server.url("/other"), path="models/other")
    machine.fetch(model(first), other)
    machine.renew_app()
    machine.fetch(model(first, hashlib.sha256(b"other").hexdigest()), other)
    machine.renew_app()
    machine.fetch(model(first), other)
    assert (machine.app / "models/m.tflite").read_bytes() == MODEL


def test_a_model_without_a_pin_is_asked_for_again(machine: Machine, server: ScriptedServer) -> None:
    machine.fetch(model(server.url("/m.tflite")))
    server.forget_requests()
    machine.renew_app()
    (again,) = machine.fetch(model(server.url("/m.tflite")))
    assert [request.headers["If-None-Match"] for request in server.requests] == ['"v1"']
    assert (again.outcome, again.sha256) == ("unchanged", SHA256)
    assert (machine.app / "models/m.tflite").read_bytes() == MODEL
    assert (
        machine.log.steps
        == f"""\
-----> Using cached models/m.tflite (120.0 KB)
       {server.url("/m.tflite")} has not changed
{PIN}"""
    )


def test_a_model_that_changed_is_fetched_and_the_old_one_leaves(
    machine: Machine, server: ScriptedServer
) -> None:
    machine.fetch(model(server.url("/m.tflite")))
    machine.renew_app()
    server.set("/m.tflite", Reply(b"v2", etag='"v2"'))
    (again,) = machine.fetch(model(server.url("/m.tflite")))
    assert (again.outcome, again.bytes, again.etag) == ("fetched", 2, '"v2"')
    assert (machine.app / "models/m.tflite").read_bytes() == b"v2"
    assert [p.name for p in machine.store.path("").iterdir()] == [again.sha256]


def test_a_store_without_etags_is_asked_for_everything(
    machine: Machine, server: ScriptedServer
) -> None:
    server.set("/m.tflite", Reply(MODEL))
    for _ in range(2):
        machine.renew_app()
        (fetched,) = machine.fetch(model(server.url("/m.tflite")))
        assert (fetched.outcome, fetched.etag) == ("fetched", None)
    assert ["If-None-Match" in request.headers for request in server.requests] == [False, False]


@pytest.mark.parametrize("sha256", [None, SHA256])
def test_a_damaged_content_in_the_cache_is_fetched_anew(
    machine: Machine, server: ScriptedServer, sha256: str | None
) -> None:
    machine.fetch(model(server.url("/m.tflite"), sha256))
    machine.store.path(SHA256).unlink()
    machine.store.path(SHA256).write_bytes(b"rotten")
    server.forget_requests()
    machine.renew_app()
    (again,) = machine.fetch(model(server.url("/m.tflite"), sha256))
    assert again.outcome == "fetched"
    assert ["If-None-Match" in request.headers for request in server.requests] == [False]
    assert (machine.app / "models/m.tflite").read_bytes() == MODEL
    assert machine.store.holds(SHA256)


def test_a_content_that_was_cached_before_survives_a_build_that_fails_later(
    machine: Machine, server: ScriptedServer
) -> None:
    machine.fetch(model(server.url("/m.tflite")))
    before = snapshot(machine.cache / "models/sha256").keys()
    machine.renew_app()
    server.set("/m.tflite", Reply(MODEL, etag='"v2"'))
    machine.begin()
    machine.take(model(server.url("/m.tflite")))
    machine.undo()
    assert snapshot(machine.cache / "models/sha256").keys() == before
    assert machine.store.holds(SHA256)


def test_a_fetch_that_is_undone_leaves_nothing(machine: Machine, server: ScriptedServer) -> None:
    machine.begin()
    machine.take(model(server.url("/m.tflite")))
    machine.undo()
    assert list(machine.app.iterdir()) == []
    assert list(machine.cache.iterdir()) == []


def test_two_models_with_one_content_are_one_file_in_the_cache(
    machine: Machine, server: ScriptedServer
) -> None:
    server.set("/twin", Reply(MODEL))
    machine.fetch(
        model(server.url("/m.tflite"), path="a/m"), model(server.url("/twin"), path="b/m")
    )
    assert [p.name for p in machine.store.path("").iterdir()] == [SHA256]
    assert (machine.app / "a/m").read_bytes() == (machine.app / "b/m").read_bytes() == MODEL


def test_a_size_that_the_store_does_not_tell_is_left_out(machine: Machine) -> None:
    with CannedServer(chunked(MODEL)) as server:
        (fetched,) = machine.fetch(model(server.url + "/m.tflite", SHA256))
    assert (fetched.bytes, fetched.etag) == (len(MODEL), None)
    assert (
        machine.log.steps
        == f"""\
-----> Fetching models/m.tflite
       from {server.url}/m.tflite
{END}"""
    )


def test_a_store_that_fails_at_first_is_patiently_asked(
    machine: Machine, server: ScriptedServer
) -> None:
    server.set("/m.tflite", failing(2, Reply(MODEL), 503))
    (fetched,) = machine.fetch(model(server.url("/m.tflite"), SHA256))
    assert fetched.outcome == "fetched"
    assert (len(server.requests), len(machine.sleeps)) == (3, 2)
    assert (
        machine.log.steps
        == f"""\
-----> Fetching models/m.tflite (120.0 KB)
       from {server.url("/m.tflite")}
{END}"""
    )


@pytest.mark.parametrize(
    ("reply", "expected", "requests"),
    [
        (Reply(status=403), AccessDenied, 1),
        (Reply(status=500), ServerFailed, TRIES),
        (Reply(hang_up=True), Unreachable, TRIES),
        (Reply(MODEL, truncate_at=1000), Truncated, TRIES),
        (Reply(b"<!doctype html>"), HtmlPage, 1),
        (Reply(POINTER), LfsPointer, 1),
        (Reply(b"another model"), ChecksumMismatch, 1),
    ],
)
def test_a_fetch_that_fails_leaves_app_and_cache_alone_and_shows_no_secret(
    machine: Machine,
    server: ScriptedServer,
    reply: Reply,
    expected: type[Failure],
    requests: int,
) -> None:
    server.set("/bad", reply)
    failure = machine.failure(model(server.url("/bad" + SIGNED), SHA256))
    assert type(failure) is expected
    assert len(server.requests) == requests
    machine.log.output.failure(failure)
    told = error_text(failure) + str(failure) + machine.log.steps + machine.log.alerts
    assert server.url("/bad") in told
    assert "5ecre7" not in told


def test_a_fetch_that_fails_leaves_earlier_models_in_the_cache(
    machine: Machine, server: ScriptedServer
) -> None:
    machine.fetch(model(server.url("/m.tflite")))
    machine.renew_app()
    machine.failure(
        model(server.url("/m.tflite")), model(server.url("/missing"), path="models/other")
    )
    machine.renew_app()
    (again,) = machine.fetch(model(server.url("/m.tflite")))
    assert again.outcome == "unchanged"


def test_a_signature_in_a_source_is_used_and_not_shown(
    machine: Machine, server: ScriptedServer
) -> None:
    server.set("/old", redirect("/m.tflite" + SIGNED))
    for _ in range(2):
        machine.renew_app()
        (fetched,) = machine.fetch(model(server.url("/old" + SIGNED)))
        shown = machine.log.steps + machine.log.alerts + repr(fetched)
        assert "5ecre7" not in shown
        assert server.url("/old") in machine.log.steps
    assert server.requests[0].path == "/old" + SIGNED
    texts = [p.read_bytes() for p in machine.cache.rglob("*.json")]
    assert texts
    assert not any(b"5ecre7" in text for text in texts)


def test_a_file_of_the_app_is_checked_and_stays_where_it_is(machine: Machine) -> None:
    (machine.app / "m.tflite").write_bytes(MODEL)
    before = snapshot(machine.app)
    (linked,) = machine.fetch(model("m.tflite", SHA256, path="m.tflite"))
    expected = FetchedModel("m.tflite", "m.tflite", SHA256, len(MODEL), None, "linked")
    assert linked == expected
    assert snapshot(machine.app) == before
    assert list(machine.cache.iterdir()) == []
    assert machine.log.steps == "-----> Checking m.tflite (120.0 KB), a file of the app\n"


def test_a_file_of_the_app_is_linked_to_another_path(machine: Machine) -> None:
    (machine.app / "data").mkdir()
    (machine.app / "data/raw").write_bytes(MODEL)
    machine.fetch(model("data/raw"))
    assert (machine.app / "models/m.tflite").samefile(machine.app / "data/raw")


def test_a_symbolic_link_of_the_app_is_followed_to_its_file(machine: Machine) -> None:
    (machine.app / "v2.tflite").write_bytes(MODEL)
    (machine.app / "latest.tflite").symlink_to("v2.tflite")
    machine.fetch(model("latest.tflite", SHA256))
    assert (machine.app / "models/m.tflite").read_bytes() == MODEL


@pytest.mark.parametrize(
    ("content", "expected"),
    [(POINTER, LfsPointer), (b"<html>", HtmlPage), (b"another model", ChecksumMismatch)],
)
def test_a_file_of_the_app_that_is_no_model_is_refused(
    machine: Machine, content: bytes, expected: type[Failure]
) -> None:
    (machine.app / "m.tflite").write_bytes(content)
    failure = machine.failure(model("m.tflite", ZEROS))
    assert type(failure) is expected
    assert "\nm.tflite\n" in error_text(failure)


def test_only_sources_outside_the_app_are_remembered(
    machine: Machine, server: ScriptedServer
) -> None:
    (machine.app / "own").write_bytes(MODEL)
    machine.begin()
    models = (model("own", path="own"), model(server.url("/m.tflite" + SIGNED)))
    machine.take(*models)
    url = server.url("/m.tflite" + SIGNED)
    assert machine.fetcher.used == {url: Cached(SHA256, len(MODEL), '"v1"')}


def test_plain_http_is_warned_of() -> None:
    log = BuildLog()
    warn_of_risks([model("http://host/m.tflite" + SIGNED)], log.output)
    assert log.steps == ""
    assert (
        log.alerts
        == """\

 !     Warning: A model is fetched without encryption.
 !
 !     http://host/m.tflite
 !
 !     Anyone between the server and the build can read it, and replace it.
 !
 !     Use https:// if the server offers it; pin the content with sha256 if not.

"""
    )


def test_a_pin_takes_half_of_that_worry_away() -> None:
    log = BuildLog()
    warn_of_risks([model("http://host/m.tflite", SHA256)], log.output)
    assert "\n !     Anyone between the server and the build can read it.\n" in log.alerts


@pytest.mark.parametrize("source", ["hf://org/name/m", "hf://org/name@main/dir/"])
def test_a_branch_that_its_owner_can_move_is_warned_of(source: str) -> None:
    log = BuildLog()
    warn_of_risks([model(source)], log.output)
    assert (
        log.alerts
        == f"""\

 !     Warning: A model follows a branch that its owner can move.
 !
 !     {source.replace("name/", "name@main/")}
 !
 !     The next build may get another model.
 !
 !     Name a commit instead of the branch, pin the content with sha256, or commit a
 !     slugfit.lock: bin/slugfit lock

"""
    )


@pytest.mark.parametrize(
    ("source", "sha256"),
    [
        ("https://host/m", None),
        ("s3://bucket/m", None),
        ("models/m", None),
        ("http/m", None),
        ("hf://org/name@v1.0/m", None),
        ("hf://org/name/m", SHA256),
    ],
)
def test_other_sources_are_not_warned_of(source: str, sha256: str | None) -> None:
    log = BuildLog()
    warn_of_risks([model(source, sha256)], log.output)
    assert (log.steps, log.alerts) == ("", "")

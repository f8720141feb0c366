"""The models in the build cache, from one build to the next."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from slugfit.stores import FIRST_BYTES
from support.chance import chance
from support.fixtures import BUCKET, without_partial, without_record
from support.heroku import App
from support.http import Reply, ScriptedServer
from support.s3 import S3Server
from support.shelf import Shelf
from support.snapshot import snapshot
from support.workbench import Workbench

OLD, NEW = b"old weights" * 100, b"new weights" * 120
LARGE = chance(5).randbytes(2 * FIRST_BYTES)
# Long enough for every answer, too short to wait for one that does not come.
HASTY = {"SLUGFIT_FETCH_DEADLINE": "2s"}


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@pytest.fixture
def web() -> Iterator[ScriptedServer]:
    with ScriptedServer({"/m.bin": Reply(OLD, etag='"old"')}) as server:
        yield server


@pytest.fixture
def shelf() -> Iterator[Shelf]:
    with Shelf({"m.bin": OLD, "large.bin": LARGE}) as shelf:
        yield shelf


def test_an_unpinned_model_is_revalidated_by_its_etag(
    bench: Workbench, web: ScriptedServer
) -> None:
    models = web.url("/m.bin")
    assert bench.compile({}, models=models).status == 0
    web.forget_requests()
    again = bench.compile({}, models=models)
    assert [request.headers.get("If-None-Match") for request in web.requests] == ['"old"']
    assert bench.outcomes == ["unchanged"]
    assert (
        f"-----> Using cached models/m.bin (<size>)\n       {web.url('/m.bin')} has not changed\n"
        in again.log
    )
    assert (bench.app / "models/m.bin").read_bytes() == OLD


def test_an_object_that_was_replaced_is_fetched_and_the_old_content_dropped(
    bench: Workbench, web: ScriptedServer
) -> None:
    bench.compile({}, models=web.url("/m.bin"))
    web.set("/m.bin", Reply(NEW, etag='"new"'))
    bench.compile({}, models=web.url("/m.bin"))
    assert bench.outcomes == ["fetched"]
    assert (bench.app / "models/m.bin").read_bytes() == NEW
    assert bench.contents == [NEW]


def test_an_object_in_s3_is_revalidated_too(bench: Workbench, s3: S3Server) -> None:
    s3.put(BUCKET, "m.bin", OLD)
    bench.compile(s3.config, models=f"s3://{BUCKET}/m.bin")
    bench.compile(s3.config, models=f"s3://{BUCKET}/m.bin")
    assert bench.outcomes == ["unchanged"]
    s3.put(BUCKET, "m.bin", NEW)
    bench.compile(s3.config, models=f"s3://{BUCKET}/m.bin")
    assert bench.outcomes == ["fetched"]
    assert (bench.app / "models/m.bin").read_bytes() == NEW


def test_a_poisoned_content_heals_itself(bench: Workbench, web: ScriptedServer) -> None:
    pinned = f"{web.url('/m.bin')} -> m.bin sha256={sha256(OLD)}"
    bench.compile({}, models=pinned)
    content = bench.own_cache / "models/sha256" / sha256(OLD)
    content.write_bytes(OLD[:-1] + b"?")
    web.forget_requests()
    bench.compile({}, models=pinned)
    assert len(web.requests) == 1
    assert (bench.app / "m.bin").read_bytes() == OLD
    assert bench.contents == [OLD]


def test_a_damaged_index_costs_a_fetch_and_nothing_else(
    bench: Workbench, web: ScriptedServer
) -> None:
    models = web.url("/m.bin")
    bench.compile({}, models=models)
    (bench.own_cache / "models/index.json").write_text('{"schema_version": 2, "sources": 3}')
    bench.compile({}, models=models)
    assert bench.outcomes == ["fetched"]
    bench.compile({}, models=models)
    assert bench.outcomes == ["unchanged"]


def test_a_model_that_the_configuration_no_longer_names_leaves_the_cache(
    bench: Workbench, web: ScriptedServer
) -> None:
    bench.compile({}, models=web.url("/m.bin"))
    assert bench.contents == [OLD]
    bench.compile({})
    assert bench.contents == []
    assert not (bench.app / "models").exists()


# --- what is the same -----------------------------------------------------------------------


def test_one_content_under_two_names_is_stored_once_and_fetched_once_it_is_pinned(
    bench: Workbench, web: ScriptedServer
) -> None:
    line = web.url("/m.bin") + " -> {} sha256=" + sha256(OLD)
    bench.compile({}, models=line.format("a.bin"))
    web.forget_requests()
    bench.compile({}, models=line.format("a.bin") + "\n" + line.format("b.bin"))
    assert web.requests == []
    assert bench.contents == [OLD]
    assert (bench.app / "b.bin").samefile(bench.app / "a.bin")


def test_the_same_weights_from_two_sources_are_stored_once(
    bench: Workbench, web: ScriptedServer
) -> None:
    web.set("/twin.bin", Reply(OLD, etag='"twin"'))
    models = f"{web.url('/m.bin')} -> a.bin\n{web.url('/twin.bin')} -> b.bin"
    bench.compile({}, models=models)
    assert bench.outcomes == ["fetched", "fetched"]
    assert bench.contents == [OLD]
    assert (bench.app / "b.bin").samefile(bench.app / "a.bin")
    bench.compile({}, models=models)
    assert bench.outcomes == ["unchanged", "unchanged"]


def test_two_models_of_one_unpinned_source_are_fetched_once(
    bench: Workbench, web: ScriptedServer
) -> None:
    models = f"{web.url('/m.bin')} -> a.bin\n{web.url('/m.bin')} -> b.bin"
    for outcome in ("fetched", "unchanged"):
        web.forget_requests()
        bench.compile({}, models=models)
        assert len(web.requests) == 1
        assert bench.outcomes == [outcome, "cached"]
        assert (bench.app / "b.bin").read_bytes() == OLD


def test_of_what_exceeds_the_limit_nothing_is_kept(bench: Workbench, shelf: Shelf) -> None:
    models = f"{shelf.at('large.bin')}\n{shelf.at('m.bin')}"
    first = bench.compile({"SLUGFIT_CACHE_LIMIT": "1MB"}, models=models)
    assert first.log.endswith(
        "       Not kept in the build cache, which is limited to <size>: " + shelf.at("large.bin")
    )
    assert (bench.app / "models/large.bin").read_bytes() == LARGE
    assert bench.contents == [OLD]
    bench.compile({"SLUGFIT_CACHE_LIMIT": "1MB"}, models=models)
    assert bench.outcomes == ["fetched", "unchanged"]


# --- many files -----------------------------------------------------------------------------


FILES = {"config.json": b"{}", "onnx/model.bin": OLD, "onnx/a b.txt": b"words"}


@pytest.fixture
def prefix(s3: S3Server) -> Iterator[str]:
    for path, content in FILES.items():
        s3.put(BUCKET, f"many/{path}", content)
    yield f"s3://{BUCKET}/many/"
    for path in FILES:
        s3.delete(BUCKET, f"many/{path}")


def files_in(directory: Path) -> dict[str, bytes]:
    files = (path for path in directory.rglob("*") if path.is_file())
    return {str(path.relative_to(directory)): path.read_bytes() for path in files}


def asked(s3: S3Server) -> list[str]:
    return sorted(request.path.partition("?")[0] for request in s3.requests)


def test_a_directory_is_a_model(bench: Workbench, s3: S3Server, prefix: str) -> None:
    first = bench.compile(s3.config, models=f"{prefix} -> models/many")
    assert (first.status, files_in(bench.app / "models/many")) == (0, FILES)
    paths = [f"/{BUCKET}", *sorted(f"/{BUCKET}/many/{path}" for path in FILES)]
    assert asked(s3) == [path.replace(" ", "%20") for path in paths]
    assert first.log == TRANSCRIPT.format(sha256=bench.report["models"][0]["sha256"])
    assert bench.report["models"][0]["files"] == 3

    s3.forget_requests()
    bench.compile(s3.config, models=f"{prefix} -> models/many")
    assert (bench.outcomes, asked(s3)) == (["unchanged"], [f"/{BUCKET}"])
    assert files_in(bench.app / "models/many") == FILES

    s3.put(BUCKET, "many/config.json", b"[]")
    s3.forget_requests()
    bench.compile(s3.config, models=f"{prefix} -> models/many")
    assert bench.outcomes == ["fetched"]
    assert asked(s3) == [f"/{BUCKET}", f"/{BUCKET}/many/config.json"]
    assert files_in(bench.app / "models/many") == {**FILES, "config.json": b"[]"}


TRANSCRIPT = """\
-----> Reading configuration from defaults and config vars
-----> Fetching models/many (<size>)
       from s3://slugfit-models/many/
       <size> in <time>, <rate>
       To pin this content, add below its source:
       sha256 = "{sha256}"
-----> Measuring the slug
<table>

<table>
       Slug: <size> compressed, <size> unpacked
       Boot: about <time> to download (at <size>/s) and unpack the slug
       Limit: <size> compressed"""


def test_a_pinned_directory_is_asked_for_once(bench: Workbench, s3: S3Server, prefix: str) -> None:
    listed = sorted((path, sha256(content)) for path, content in FILES.items())
    pin = sha256("".join(f"{digest}  {path}\n" for path, digest in listed).encode())
    models = f"{prefix} -> many sha256={pin}"
    assert bench.compile(s3.config, models=models).status == 0
    s3.forget_requests()
    bench.compile(s3.config, models=models)
    assert (bench.outcomes, s3.requests) == (["cached"], [])
    assert files_in(bench.app / "many") == FILES


@pytest.fixture
def archive() -> bytes:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w:gz") as packed:
        for path, content in FILES.items():
            info = tarfile.TarInfo(path)
            info.size = len(content)
            packed.addfile(info, io.BytesIO(content))
    return target.getvalue()


def test_an_archive_is_unpacked_cached_and_pinned_by_its_own_checksum(
    bench: Workbench, s3: S3Server, archive: bytes
) -> None:
    s3.put(BUCKET, "m.tgz", archive)
    unpinned = f'[[models]]\nsource = "s3://{BUCKET}/m.tgz"\nunpack = true\n'
    (bench.source / "slugfit.toml").write_text(unpinned)
    first = bench.compile(s3.config)
    assert files_in(bench.app / "models/m") == FILES
    assert "       unpacked 3 files, <size>\n" in first.log
    assert f'       sha256 = "{sha256(archive)}"\n' in first.log
    assert bench.left == {}

    s3.forget_requests()
    bench.compile(s3.config)
    assert (bench.outcomes, len(s3.requests)) == (["unchanged"], 1)

    (bench.source / "slugfit.toml").write_text(f'{unpinned}sha256 = "{sha256(archive)}"\n')
    s3.forget_requests()
    bench.compile(s3.config)
    assert (bench.outcomes, s3.requests) == (["cached"], [])
    assert files_in(bench.app / "models/m") == FILES


# --- the lock -------------------------------------------------------------------------------


def lock(url: str, content: bytes) -> str:
    entry = f'source = "{url}"\nsize = {len(content)}\nsha256 = "{sha256(content)}"\n'
    return f"version = 1\n\n[[models]]\n{entry}"


def test_with_a_lock_a_build_takes_what_is_in_it_and_nothing_else(
    bench: Workbench, web: ScriptedServer
) -> None:
    url = web.url("/m.bin")
    (bench.source / "slugfit.lock").write_text(lock(url, OLD))
    first = bench.compile({}, models=url)
    assert first.status == 0
    assert "To pin this content" not in first.log

    web.set("/m.bin", Reply(NEW, etag='"new"'))
    web.forget_requests()
    assert bench.compile({}, models=url).status == 0
    assert (bench.outcomes, web.requests) == (["cached"], [])

    (bench.source / "slugfit.lock").write_text(lock(url, b"another"))
    refused = bench.compile({}, models=url)
    assert refused.status == 1
    assert bench.record["failure_reason"] == "fetch::checksum-mismatch"

    (bench.source / "slugfit.lock").write_text(lock(url, NEW))
    assert bench.compile({}, models=url).status == 0
    assert (bench.app / "models/m.bin").read_bytes() == NEW


@pytest.mark.parametrize(
    ("models", "reason"),
    [
        ("{url} -> m\n{url}2 -> n", "lock::outdated"),
        ("{url} -> m sha256=" + "0" * 64, "lock::conflict"),
    ],
)
def test_a_lock_that_does_not_fit_the_configuration_ends_the_build(
    bench: Workbench, web: ScriptedServer, models: str, reason: str
) -> None:
    url = web.url("/m.bin")
    (bench.source / "slugfit.lock").write_text(lock(url, OLD))
    assert bench.compile({}, models=models.format(url=url)).status == 1
    assert bench.record["failure_reason"] == reason
    assert web.requests == []


# --- builds that fail -----------------------------------------------------------------------


def test_a_failed_build_keeps_the_models_of_the_last_good_one(
    bench: Workbench, web: ScriptedServer
) -> None:
    bench.compile({}, models=web.url("/m.bin"))
    before = without_record(snapshot(bench.own_cache))
    web.set("/m.bin", Reply(NEW, etag='"new"'))
    failed = bench.compile({}, models=f"{web.url('/m.bin')}\n{web.url('/gone')}")
    assert failed.status == 1
    assert "-----> Fetching models/m.bin (<size>)\n" in failed.log
    assert without_record(snapshot(bench.own_cache)) == before


def test_of_a_build_that_failed_at_the_second_model_the_first_is_kept(
    bench: Workbench, shelf: Shelf
) -> None:
    models = f"{shelf.at('m.bin')}\n{shelf.at('large.bin')}"
    before = without_record(snapshot(bench.own_cache))
    shelf.trouble = {"large.bin": [-5_000_000] + [503] * 100}
    assert bench.compile(HASTY, models=models).status == 1
    assert bench.record["failure_reason"] == "fetch::server-failed"
    assert without_partial(without_record(snapshot(bench.own_cache))) == before
    assert sorted(bench.left.values())[-2:] == [len(OLD), max(bench.left.values())]

    shelf.trouble = {}
    shelf.forget_requests()
    again = bench.compile({}, models=models)
    assert again.status == 0
    assert again.log.count("       resuming after <size> from an earlier run\n") == 2
    first, *rest = shelf.requests
    assert first.headers["If-None-Match"]
    ranges = [request.headers["Range"].removeprefix("bytes=") for request in rest]
    assert min(int(range_.partition("-")[0]) for range_ in ranges) >= 4_000_000
    assert (bench.app / "models/large.bin").read_bytes() == LARGE
    assert bench.contents == sorted([OLD, LARGE])
    assert bench.left == {}


@pytest.mark.parametrize("damaged", ["the bytes", "the record", "its version"])
def test_what_was_left_and_is_damaged_is_fetched_anew(
    bench: Workbench, shelf: Shelf, damaged: str
) -> None:
    shelf.trouble = {"large.bin": [-5_000_000] + [503] * 100}
    bench.compile(HASTY, models=shelf.at("large.bin"))
    [part] = [path for path in (bench.own_cache / "models/partial").iterdir() if not path.suffix]
    record = part.with_name(f"{part.name}.json")
    if damaged == "the bytes":
        part.write_bytes(b"?" + part.read_bytes()[1:])
    elif damaged == "the record":
        record.write_bytes(b"{")
    else:
        fields = json.loads(record.read_text())
        fields["version"]["size"] += 1
        record.write_text(json.dumps(fields))
    shelf.trouble = {}
    assert bench.compile({}, models=shelf.at("large.bin")).status == 0
    assert (bench.app / "models/large.bin").read_bytes() == LARGE


def test_what_was_left_of_an_object_that_was_replaced_is_not_used(
    bench: Workbench, shelf: Shelf
) -> None:
    shelf.trouble = {"large.bin": [-5_000_000] + [503] * 100}
    bench.compile(HASTY, models=shelf.at("large.bin"))
    shelf.trouble = {}
    shelf.files["large.bin"] = new = LARGE[::-1]
    assert bench.compile({}, models=shelf.at("large.bin")).status == 0
    assert (bench.app / "models/large.bin").read_bytes() == new


# --- two builds at once ---------------------------------------------------------------------


def test_two_builds_on_one_cache_wait_for_each_other(
    bench: Workbench, booted: App, tmp_path: Path, shelf: Shelf
) -> None:
    (tmp_path / "other").mkdir()
    other = Workbench(tmp_path / "other", booted)
    other.cache = bench.cache
    models = f"{shelf.at('m.bin')} sha256={sha256(OLD)}\n{shelf.at('large.bin')}"
    shelf.held_from = FIRST_BYTES
    with bench.start({}, models=models) as first:
        assert first.stdout is not None
        while "from" not in first.stdout.readline():
            pass
        with other.start({}, models=models) as second:
            assert second.stdout is not None
            waiting = second.stdout.readline()
            shelf.let_go()
            _, said = first.communicate(timeout=60), second.communicate(timeout=60)[0]
    assert waiting == "-----> Waiting for another build on this cache\n"
    assert (first.returncode, second.returncode) == (0, 0)
    assert "Using cached models/m.bin" in said
    assert other.outcomes == ["cached", "unchanged"]
    for app in (bench.app, other.app):
        assert (app / "models/large.bin").read_bytes() == LARGE
    assert bench.contents == sorted([OLD, LARGE])

"""A model of many files, from a store's directory or from an archive, is one unit in every way."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from slugfit.fetch.archives.failures import ArchiveUnreadable
from slugfit.fetch.failures import ChecksumMismatch, NothingThere
from slugfit.fetch.manifest import Manifest, ManifestFile
from slugfit.settings.model import ModelSettings
from slugfit.stores.hub import HUB, HubSettings
from slugfit.stores.refusals import AccessDenied
from slugfit.stores.store import StoreSettings
from support.http import Reply, ScriptedServer
from support.hub import HubServer
from support.machine import Machine
from support.snapshot import snapshot
from support.sources import model_from

REPO = "acme/tiny"
SOURCE = f"hf://{REPO}/"
FILES = {
    "config.json": b"{}",
    "onnx/model.onnx": b"weights" * 1000,
    "onnx/twin.onnx": b"weights" * 1000,
    "tokenizer/vocab.txt": b"words",
}
SIZE = sum(map(len, FILES.values()))


@pytest.fixture
def hub() -> Iterator[HubServer]:
    with HubServer() as hub:
        hub.commit(REPO, FILES)
        yield hub


@pytest.fixture
def machine(tmp_path: Path, hub: HubServer) -> Machine:
    machine = Machine(tmp_path)
    machine.stores = StoreSettings().having(HUB, HubSettings(hub.endpoint, hub.token))
    return machine


def many(sha256: str | None = None, path: str = "models/tiny", **options: object) -> ModelSettings:
    return model_from(SOURCE, path, sha256, **options)


def manifest_of(files: dict[str, bytes]) -> Manifest:
    return Manifest.of(
        tuple(ManifestFile(path, hashlib.sha256(data).hexdigest()) for path, data in files.items())
    )


def placed(machine: Machine, path: str = "models/tiny") -> dict[str, bytes]:
    root = machine.app / path
    files = [file for file in root.rglob("*") if file.is_file()]
    return {str(file.relative_to(root)): file.read_bytes() for file in files}


def stored(machine: Machine) -> int:
    return len(list(machine.store.path("").iterdir()))


def listings(hub: HubServer) -> int:
    return sum("/tree/" in request.path for request in hub.requests)


def downloads(hub: HubServer) -> set[str]:
    paths = [request.path for request in hub.requests if "/resolve/" in request.path]
    return {path.partition("/resolve/")[2].partition("/")[2] for path in paths}


SHA256 = manifest_of(FILES).sha256


def test_a_directory_of_a_store_is_a_directory_of_the_app(machine: Machine) -> None:
    (fetched,) = machine.fetch(many())
    assert placed(machine) == FILES
    assert (fetched.outcome, fetched.sha256, fetched.bytes) == ("fetched", SHA256, SIZE)
    assert fetched.files == 4
    assert (
        machine.log.steps
        == f"""\
-----> Fetching models/tiny (14.0 KB)
       from hf://{REPO}@main/
       14.0 KB in 0.0 s
       To pin this content, add below its source:
       sha256 = "{SHA256}"
"""
    )


def test_its_files_are_stored_once_and_linked(machine: Machine) -> None:
    machine.fetch(many())
    model, twin = machine.app / "models/tiny/onnx/model.onnx", "models/tiny/onnx/twin.onnx"
    assert model.samefile(machine.app / twin)
    assert model.samefile(machine.store.path(hashlib.sha256(model.read_bytes()).hexdigest()))
    assert stored(machine) == 3 + 2  # the list of the files, and what is known of each


def test_a_pinned_directory_in_the_cache_needs_no_request(machine: Machine, hub: HubServer) -> None:
    machine.fetch(many(SHA256))
    hub.forget_requests()
    machine.renew_app()
    (again,) = machine.fetch(many(SHA256))
    assert hub.requests == []
    assert (again.outcome, again.bytes, again.files) == ("cached", SIZE, 4)
    assert placed(machine) == FILES
    assert machine.log.steps == "-----> Using cached models/tiny (14.0 KB)\n"


def test_its_pin_serves_another_source_as_well(machine: Machine, hub: HubServer) -> None:
    machine.fetch(many(SHA256))
    hub.forget_requests()
    machine.renew_app()
    mirror = model_from("hf://acme/mirror/", "models/tiny", SHA256)
    (again,) = machine.fetch(mirror)
    assert (hub.requests, again.outcome, again.bytes) == ([], "cached", SIZE)


def test_a_directory_without_a_pin_is_listed_and_nothing_more(
    machine: Machine, hub: HubServer
) -> None:
    machine.fetch(many())
    hub.forget_requests()
    machine.renew_app()
    (again,) = machine.fetch(many())
    assert (listings(hub), downloads(hub), again.outcome) == (1, set(), "unchanged")
    assert placed(machine) == FILES
    assert f"       hf://{REPO}@main/ has not changed\n" in machine.log.steps


def test_of_a_directory_that_changed_only_what_changed_is_fetched(
    machine: Machine, hub: HubServer
) -> None:
    machine.fetch(many())
    hub.commit(REPO, {"config.json": b"[1]", "new.txt": b"new"})
    hub.forget_requests()
    machine.renew_app()
    (again,) = machine.fetch(many())
    assert downloads(hub) == {"config.json", "new.txt"}
    assert placed(machine) == {**FILES, "config.json": b"[1]", "new.txt": b"new"}
    assert (again.outcome, again.files) == ("fetched", 5)
    assert stored(machine) == 4 + 2
    assert "       resuming after 14.0 KB from an earlier run\n" in machine.log.steps


def test_a_new_pin_fetches_no_more_than_that_either(machine: Machine, hub: HubServer) -> None:
    machine.fetch(many(SHA256))
    hub.commit(REPO, {"config.json": b"[1]"})
    hub.forget_requests()
    machine.renew_app()
    machine.fetch(many(manifest_of({**FILES, "config.json": b"[1]"}).sha256))
    assert downloads(hub) == {"config.json"}


def test_a_damaged_file_alone_is_fetched_anew(machine: Machine, hub: HubServer) -> None:
    machine.fetch(many(SHA256))
    damaged = machine.store.path(hashlib.sha256(b"words").hexdigest())
    damaged.unlink()
    damaged.write_bytes(b"rotten")
    hub.forget_requests()
    machine.renew_app()
    (again,) = machine.fetch(many(SHA256))
    assert (downloads(hub), again.outcome) == ({"tokenizer/vocab.txt"}, "fetched")
    assert placed(machine) == FILES
    assert damaged.read_bytes() == b"words"


def test_globs_choose_the_files_and_are_part_of_what_is_cached(
    machine: Machine, hub: HubServer
) -> None:
    machine.fetch(many(include=("*.json", "onnx"), exclude=("**/twin.*",)))
    assert set(placed(machine)) == {"config.json", "onnx/model.onnx"}
    machine.renew_app()
    hub.forget_requests()
    (again,) = machine.fetch(many(include=("*.json",)))
    assert again.outcome == "fetched"
    assert set(placed(machine)) == {"config.json"}


def test_two_models_of_one_directory_are_fetched_once(machine: Machine, hub: HubServer) -> None:
    _, second = machine.fetch(many(), many(path="models/again"))
    assert (listings(hub), second.outcome) == (1, "cached")
    assert placed(machine) == placed(machine, "models/again") == FILES


def test_another_content_than_the_pin_names_is_refused(machine: Machine) -> None:
    failure = machine.failure(many("0" * 64))
    assert isinstance(failure, ChecksumMismatch)
    assert (failure.found, failure.received) == (SHA256, SIZE)


def test_an_empty_directory_is_refused(machine: Machine) -> None:
    assert isinstance(machine.failure(many(include=("*.gguf",))), NothingThere)


def test_a_build_that_fails_later_leaves_what_the_next_one_goes_on_with(
    machine: Machine, hub: HubServer
) -> None:
    machine.begin()
    with ScriptedServer() as web, pytest.raises(Exception, match="not where"):
        machine.take(many(), model_from(web.url("/gone"), "models/gone"))
    machine.undo()
    assert list(machine.app.iterdir()) == []
    assert [path.name for path in (machine.cache / "models").iterdir()] == ["partial"]
    hub.forget_requests()
    (again,) = machine.fetch(many())
    assert (listings(hub), downloads(hub), again.outcome) == (1, set(), "fetched")
    assert placed(machine) == FILES
    assert not (machine.cache / "models/partial").exists()


def test_a_failed_build_leaves_the_cached_directory_as_it_was(
    machine: Machine, hub: HubServer
) -> None:
    machine.fetch(many())
    machine.renew_app()
    before = snapshot(machine.cache)
    hub.commit(REPO, {"config.json": b"[1]"})
    machine.begin()
    machine.take(many())
    machine.undo()
    after = snapshot(machine.cache)
    assert {path: after[path] for path in after if "partial" not in path} == before


# --- archives -------------------------------------------------------------------------------


def packed(files: dict[str, bytes]) -> bytes:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w:gz") as archive:
        for path, content in files.items():
            info = tarfile.TarInfo(path)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return target.getvalue()


ARCHIVE = packed(FILES)
ARCHIVE_SHA256 = hashlib.sha256(ARCHIVE).hexdigest()


@pytest.fixture
def web() -> Iterator[ScriptedServer]:
    with ScriptedServer({"/m.tgz": Reply(ARCHIVE, etag='"1"')}) as web:
        yield web


def archive(web: ScriptedServer, sha256: str | None = None) -> ModelSettings:
    return model_from(web.url("/m.tgz"), "models/tiny", sha256, unpack=True)


def test_an_archive_becomes_a_directory_and_is_pinned_as_what_was_fetched(
    machine: Machine, web: ScriptedServer
) -> None:
    (fetched,) = machine.fetch(archive(web))
    assert placed(machine) == FILES
    assert (fetched.sha256, fetched.bytes, fetched.files) == (ARCHIVE_SHA256, SIZE, 4)
    assert (
        machine.log.steps
        == f"""\
-----> Fetching models/tiny ({len(ARCHIVE)} B)
       from {web.url("/m.tgz")}
       {len(ARCHIVE)} B in 0.0 s
       unpacked 4 files, 14.0 KB
       To pin this content, add below its source:
       sha256 = "{ARCHIVE_SHA256}"
"""
    )


def test_the_archive_itself_is_not_kept(machine: Machine, web: ScriptedServer) -> None:
    machine.fetch(archive(web))
    assert stored(machine) == 3 + 1
    assert sorted(path.name for path in (machine.cache / "models").iterdir()) == [
        "index.json",
        "sha256",
    ]


@pytest.mark.parametrize("sha256", [None, ARCHIVE_SHA256], ids=["unpinned", "pinned"])
def test_an_archive_in_the_cache_is_used_again(
    machine: Machine, web: ScriptedServer, sha256: str | None
) -> None:
    machine.fetch(archive(web, sha256))
    web.forget_requests()
    machine.renew_app()
    (again,) = machine.fetch(archive(web, sha256))
    assert again.outcome == ("cached" if sha256 else "unchanged")
    assert len(web.requests) == (0 if sha256 else 1)
    assert placed(machine) == FILES


def test_its_pin_serves_another_address_as_well(machine: Machine, web: ScriptedServer) -> None:
    machine.fetch(archive(web, ARCHIVE_SHA256))
    web.forget_requests()
    machine.renew_app()
    mirror = model_from(web.url("/mirror"), "models/tiny", ARCHIVE_SHA256, unpack=True)
    (again,) = machine.fetch(mirror)
    assert (web.requests, again.outcome) == ([], "cached")


def test_an_archive_that_lost_a_file_in_the_cache_is_fetched_anew(
    machine: Machine, web: ScriptedServer
) -> None:
    machine.fetch(archive(web, ARCHIVE_SHA256))
    machine.store.path(hashlib.sha256(b"words").hexdigest()).unlink()
    machine.renew_app()
    (again,) = machine.fetch(archive(web, ARCHIVE_SHA256))
    assert (again.outcome, placed(machine)) == ("fetched", FILES)


def test_unpacked_and_as_it_is_an_archive_is_two_sources(
    machine: Machine, web: ScriptedServer
) -> None:
    as_it_is = model_from(web.url("/m.tgz"), "models/m.tgz")
    machine.fetch(archive(web), as_it_is)
    assert (machine.app / "models/m.tgz").read_bytes() == ARCHIVE
    index = json.loads((machine.cache / "models/index.json").read_text())
    assert len(index["sources"]) == 2


@pytest.mark.parametrize("content", [b"weights", packed({})], ids=["no archive", "empty"])
def test_what_is_no_archive_is_refused_and_leaves_nothing(
    machine: Machine, web: ScriptedServer, content: bytes
) -> None:
    web.set("/m.tgz", Reply(content, etag='"2"'))
    assert isinstance(machine.failure(archive(web)), ArchiveUnreadable)


def test_without_a_token_a_private_directory_is_denied(machine: Machine, hub: HubServer) -> None:
    hub.restrict(REPO, "private")
    machine.stores = StoreSettings().having(HUB, HubSettings(hub.endpoint))
    assert isinstance(machine.failure(many()), AccessDenied)

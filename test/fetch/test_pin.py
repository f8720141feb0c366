"""The lock is of what the models are now, found out by fetching all of each."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from slugfit.base.http import Network
from slugfit.fetch.failures import ChecksumMismatch
from slugfit.fetch.lockfile import Locked
from slugfit.fetch.manifest import Manifest, ManifestFile
from slugfit.fetch.pin import pin_models
from slugfit.fetch.transfer.retries import Clock, Deadline
from slugfit.fetch.transfer.transfer import Transfer
from slugfit.settings.model import ModelSettings, Settings
from slugfit.stores import FIRST_BYTES
from slugfit.stores.hub import HUB, HubSettings
from slugfit.stores.refusals import ServerFailed
from slugfit.stores.store import StoreSettings
from support.build_log import BuildLog
from support.chance import Haste, chance
from support.hub import HubServer
from support.shelf import Shelf, etag_of
from support.sources import model_from

MODEL = b"TFL3" * 1000
SHA256 = hashlib.sha256(MODEL).hexdigest()
LARGE = chance(4).randbytes(FIRST_BYTES + 1_000_000)
REPO = "acme/tiny"
FILES = {"config.json": b"{}", "sub/model.onnx": b"weights"}


@pytest.fixture
def shelf() -> Iterator[Shelf]:
    with Shelf({"m.tflite": MODEL, "large.bin": LARGE}) as shelf:
        yield shelf


@pytest.fixture
def hub() -> Iterator[HubServer]:
    with HubServer() as hub:
        hub.commit(REPO, FILES)
        yield hub


class Bench:
    def __init__(self, work: Path) -> None:
        self.work = work
        self.stores = StoreSettings()
        self.log = BuildLog()

    def lock(self, *models: ModelSettings) -> tuple[Locked, ...]:
        clock = Clock(monotonic=lambda: 0.0, sleep=lambda seconds: None, rng=Haste())
        transfer = Transfer(Network(), clock, Deadline(clock, 60))
        settings = Settings(models=models, stores=self.stores)
        return pin_models(settings, self.work, transfer, self.log.output)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path / "work")


def test_a_file_is_locked_with_its_size_and_checksum(bench: Bench, shelf: Shelf) -> None:
    url = shelf.at("m.tflite")
    locked = bench.lock(model_from(f"{url}?sig=5ecre7", "models/m"))
    assert locked == (Locked(url, 4000, SHA256, etag_of(MODEL)),)
    assert bench.log.steps == (
        f"-----> Fetching models/m (4.0 KB)\n       from {url}\n       4.0 KB in 0.0 s\n"
        f"       sha256 {SHA256}\n"
    )
    assert list(bench.work.iterdir()) == []


def test_a_directory_is_locked_as_a_whole_and_its_globs_with_it(
    bench: Bench, hub: HubServer
) -> None:
    bench.stores = StoreSettings().having(HUB, HubSettings(hub.endpoint))
    whole, part = bench.lock(
        model_from(f"hf://{REPO}/", "a"), model_from(f"hf://{REPO}/", "b", include=("sub",))
    )
    listed = [ManifestFile(path, hashlib.sha256(data).hexdigest()) for path, data in FILES.items()]
    assert (whole.source, whole.size) == (f"hf://{REPO}@main/", 9)
    assert whole.sha256 == Manifest.of(tuple(listed)).sha256
    assert part.sha256 == Manifest.of(tuple(listed[1:])).sha256
    assert (whole.include, part.include) == ((), ("sub",))
    assert list(bench.work.iterdir()) == []


def test_an_archive_is_locked_as_it_is(bench: Bench, shelf: Shelf) -> None:
    (locked,) = bench.lock(model_from(shelf.at("m.tflite"), "m", unpack=True))
    assert locked.sha256 == SHA256


def test_files_of_the_app_are_locked_by_its_repository(bench: Bench) -> None:
    assert bench.lock(model_from("models/m", "models/m")) == ()
    assert not bench.work.exists()


def test_one_source_of_two_models_is_fetched_once(bench: Bench, shelf: Shelf) -> None:
    url = shelf.at("m.tflite")
    locked = bench.lock(model_from(url, "a"), model_from(url, "b", SHA256))
    assert (len(locked), len(shelf.asked)) == (1, 1)


def test_another_content_than_the_configuration_pins_is_not_locked(
    bench: Bench, shelf: Shelf
) -> None:
    url = shelf.at("m.tflite")
    with pytest.raises(ChecksumMismatch):
        bench.lock(model_from(url, "a"), model_from(url, "b", "0" * 64))


def test_an_interrupted_run_is_gone_on_with(bench: Bench, shelf: Shelf) -> None:
    model = model_from(shelf.at("large.bin"), "m")
    shelf.trouble = {"large.bin": [-5_000_000] + [503] * 100}
    with pytest.raises(ServerFailed):
        bench.lock(model)
    shelf.trouble = {}
    (locked,) = bench.lock(model)
    assert locked.sha256 == hashlib.sha256(LARGE).hexdigest()
    assert " from an earlier run\n" in bench.log.steps
    assert list(bench.work.iterdir()) == []

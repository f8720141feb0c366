"""The lock is of what the models are now, found out by fetching all of each."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from slugfit.models.failures import ChecksumMismatch
from slugfit.models.lock import Locked
from slugfit.models.locking import lock_contents
from slugfit.models.manifest import File, Manifest
from slugfit.models.patience import Clock, Deadline
from slugfit.models.refusals import ServerFailed
from slugfit.models.sources import FIRST_BYTES
from slugfit.models.transfer import Transfer
from slugfit.models.wire import Network
from slugfit.settings.model import HubSettings, ModelSettings, Settings
from support.hub import HubServer
from unit.build_log import BuildLog
from unit.chance import Haste, chance
from unit.shelf import Shelf, etag_of

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
        self.hub = HubSettings()
        self.log = BuildLog()

    def lock(self, *models: ModelSettings) -> tuple[Locked, ...]:
        clock = Clock(monotonic=lambda: 0.0, sleep=lambda seconds: None, chance=Haste())
        transfer = Transfer(Network(), clock, Deadline(clock, 60))
        settings = Settings(models=models, hub=self.hub)
        return lock_contents(settings, self.work, transfer, self.log.output)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path / "work")


def test_a_file_is_locked_with_its_size_and_checksum(bench: Bench, shelf: Shelf) -> None:
    url = shelf.url("m.tflite")
    locked = bench.lock(ModelSettings(f"{url}?sig=5ecre7", "models/m"))
    assert locked == (Locked(url, 4000, SHA256, etag_of(MODEL)),)
    assert bench.log.steps == (
        f"-----> Fetching models/m (4.0 KB)\n       from {url}\n       4.0 KB in 0.0 s\n"
        f"       sha256 {SHA256}\n"
    )
    assert list(bench.work.iterdir()) == []


def test_a_directory_is_locked_as_a_whole_and_its_globs_with_it(
    bench: Bench, hub: HubServer
) -> None:
    bench.hub = HubSettings(hub.endpoint)
    whole, part = bench.lock(
        ModelSettings(f"hf://{REPO}/", "a"), ModelSettings(f"hf://{REPO}/", "b", include=("sub",))
    )
    listed = [File(path, hashlib.sha256(data).hexdigest()) for path, data in FILES.items()]
    assert (whole.source, whole.size) == (f"hf://{REPO}@main/", 9)
    assert whole.sha256 == Manifest.of(tuple(listed)).sha256
    assert part.sha256 == Manifest.of(tuple(listed[1:])).sha256
    assert (whole.include, part.include) == ((), ("sub",))
    assert list(bench.work.iterdir()) == []


def test_an_archive_is_locked_as_it_is(bench: Bench, shelf: Shelf) -> None:
    (locked,) = bench.lock(ModelSettings(shelf.url("m.tflite"), "m", unpack=True))
    assert locked.sha256 == SHA256


def test_files_of_the_app_are_locked_by_its_repository(bench: Bench) -> None:
    assert bench.lock(ModelSettings("models/m", "models/m")) == ()
    assert not bench.work.exists()


def test_one_source_of_two_models_is_fetched_once(bench: Bench, shelf: Shelf) -> None:
    url = shelf.url("m.tflite")
    locked = bench.lock(ModelSettings(url, "a"), ModelSettings(url, "b", SHA256))
    assert (len(locked), len(shelf.asked)) == (1, 1)


def test_another_content_than_the_configuration_pins_is_not_locked(
    bench: Bench, shelf: Shelf
) -> None:
    url = shelf.url("m.tflite")
    with pytest.raises(ChecksumMismatch):
        bench.lock(ModelSettings(url, "a"), ModelSettings(url, "b", "0" * 64))


def test_an_interrupted_run_is_gone_on_with(bench: Bench, shelf: Shelf) -> None:
    model = ModelSettings(shelf.url("large.bin"), "m")
    shelf.trouble = {"large.bin": [-5_000_000] + [503] * 100}
    with pytest.raises(ServerFailed):
        bench.lock(model)
    shelf.trouble = {}
    (locked,) = bench.lock(model)
    assert locked.sha256 == hashlib.sha256(LARGE).hexdigest()
    assert "left by an earlier run\n" in bench.log.steps
    assert list(bench.work.iterdir()) == []

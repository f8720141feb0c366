"""One model goes to where the user says, whole or not at all, and what is there stays till then."""

from __future__ import annotations

import errno
import hashlib
import io
import os
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from slugfit.base.errors import Failure
from slugfit.base.http import Network
from slugfit.fetch.archives.failures import ArchiveUnreadable
from slugfit.fetch.failures import ChecksumMismatch, NothingThere
from slugfit.fetch.fetch_to import fetch_to
from slugfit.fetch.transfer.retries import Clock, Deadline
from slugfit.fetch.transfer.transfer import Transfer
from slugfit.settings.failures import SettingsInvalid
from slugfit.settings.model import ModelSettings, Settings
from slugfit.stores import FIRST_BYTES
from slugfit.stores.hub import HUB, HubSettings
from slugfit.stores.refusals import ObjectMissing, ServerFailed
from slugfit.stores.store import StoreSettings
from support.build_log import BuildLog, error_text
from support.chance import Haste, chance
from support.hub import HubServer
from support.shelf import Shelf
from support.sources import model_from

MODEL = b"TFL3" * 1000
SHA256 = hashlib.sha256(MODEL).hexdigest()
LARGE = chance(4).randbytes(FIRST_BYTES + 1_000_000)
REPO = "acme/tiny"
FILES = {"config.json": b"{}", "sub/model.onnx": b"weights", "sub/a b": b""}


def packed(files: dict[str, bytes]) -> bytes:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w:gz") as archive:
        for path, content in files.items():
            info = tarfile.TarInfo(path)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return target.getvalue()


ARCHIVE = packed(FILES)


@pytest.fixture
def shelf() -> Iterator[Shelf]:
    files = {"dir/m.tflite": MODEL, "large.bin": LARGE, "m.tgz": ARCHIVE, "bad.tgz": b"weights"}
    with Shelf(files) as shelf:
        yield shelf


@pytest.fixture
def hub() -> Iterator[HubServer]:
    with HubServer() as hub:
        hub.commit(REPO, FILES)
        yield hub


class Desk:
    """An empty directory to which models are fetched."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.log = BuildLog()
        self.stores = StoreSettings()

    def fetch(self, model: ModelSettings) -> str:
        self.log = BuildLog()
        clock = Clock(monotonic=lambda: 0.0, sleep=lambda seconds: None, rng=Haste())
        transfer = Transfer(Network(), clock, Deadline(clock, 60))
        return fetch_to(Settings(models=(model,), stores=self.stores), transfer, self.log.output)

    def failure(self, model: ModelSettings) -> Failure:
        with pytest.raises(Failure) as caught:
            self.fetch(model)
        return caught.value

    @property
    def found(self) -> dict[str, bytes]:
        files = [path for path in self.root.rglob("*") if path.is_file()]
        return {str(path.relative_to(self.root)): path.read_bytes() for path in files}


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    (tmp_path / "desk").mkdir()
    monkeypatch.chdir(tmp_path / "desk")
    return Desk(tmp_path / "desk")


# --- one file -------------------------------------------------------------------------------


@pytest.mark.parametrize("dest", ["m.bin", "new/deep/m.bin", "./m.bin", "m.bin with blanks"])
def test_a_file_goes_where_the_user_says(desk: Desk, shelf: Shelf, dest: str) -> None:
    assert desk.fetch(model_from(shelf.at("dir/m.tflite"), dest)) == SHA256
    assert desk.found == {os.path.normpath(dest): MODEL}
    assert (desk.root / dest).stat().st_mode & 0o777 == 0o644
    assert desk.log.steps == (
        f"-----> Fetching {dest} (4.0 KB)\n       from {shelf.at('dir/m.tflite')}\n"
        "       4.0 KB in 0.0 s\n"
    )


@pytest.mark.parametrize("dest", ["there", "there/", "new/", "."])
def test_into_a_directory_it_goes_with_its_own_name(desk: Desk, shelf: Shelf, dest: str) -> None:
    (desk.root / "there").mkdir()
    desk.fetch(model_from(shelf.at("dir/m.tflite"), dest))
    assert desk.found == {os.path.normpath(f"{dest}/m.tflite"): MODEL}


def test_an_absolute_path_is_no_other(desk: Desk, shelf: Shelf, tmp_path: Path) -> None:
    desk.fetch(model_from(shelf.at("dir/m.tflite"), f"{tmp_path}/elsewhere"))
    assert (tmp_path / "elsewhere").read_bytes() == MODEL


def test_a_file_that_is_there_is_replaced_at_the_end(desk: Desk, shelf: Shelf) -> None:
    (desk.root / "m.bin").write_bytes(b"old")
    kept = desk.root / "kept"
    os.link(desk.root / "m.bin", kept)
    desk.fetch(model_from(shelf.at("dir/m.tflite"), "m.bin"))
    assert desk.found == {"m.bin": MODEL, "kept": b"old"}


def test_what_fails_leaves_the_file_that_is_there(desk: Desk, shelf: Shelf) -> None:
    (desk.root / "m.bin").write_bytes(b"old")
    wrong = model_from(shelf.at("dir/m.tflite"), "m.bin", "0" * 64)
    assert isinstance(desk.failure(wrong), ChecksumMismatch)
    gone = model_from(shelf.at("gone"), "m.bin")
    assert isinstance(desk.failure(gone), ObjectMissing)
    assert desk.found == {"m.bin": b"old"}


def test_an_interrupted_fetch_is_gone_on_with(desk: Desk, shelf: Shelf) -> None:
    model = model_from(shelf.at("large.bin"), "m.bin")
    shelf.trouble = {"large.bin": [-5_000_000] + [503] * 100}
    assert isinstance(desk.failure(model), ServerFailed)
    assert set(desk.found) == {".m.bin.slugfit-part", ".m.bin.slugfit-part.json"}
    shelf.trouble = {}
    shelf.forget_requests()
    desk.fetch(model)
    assert desk.found == {"m.bin": LARGE}
    assert " from an earlier run\n" in desk.log.steps
    ranges = [request.headers["Range"] for request in shelf.requests]
    assert min(int(asked[len("bytes=") :].partition("-")[0]) for asked in ranges) > 1_000_000


# --- a directory ----------------------------------------------------------------------------


def many(dest: str, sha256: str | None = None, include: tuple[str, ...] = ()) -> ModelSettings:
    return model_from(f"hf://{REPO}/", dest, sha256, include)


@pytest.mark.parametrize("dest", ["new", "new/deep", "there", "there/", "."])
def test_a_directory_goes_where_the_user_says(desk: Desk, hub: HubServer, dest: str) -> None:
    desk.stores = StoreSettings().having(HUB, HubSettings(hub.endpoint))
    (desk.root / "there").mkdir()
    sha256 = desk.fetch(many(dest))
    assert desk.found == {os.path.normpath(f"{dest}/{path}"): FILES[path] for path in FILES}
    assert desk.fetch(many(dest, sha256)) == sha256


def test_into_a_directory_with_files_it_goes_beside_and_over_them(
    desk: Desk, hub: HubServer
) -> None:
    desk.stores = StoreSettings().having(HUB, HubSettings(hub.endpoint))
    (desk.root / "config.json").write_bytes(b"old")
    (desk.root / "README").write_bytes(b"mine")
    below = next(name for name in FILES if "/" in name).partition("/")[0]
    (desk.root / below).mkdir()
    (desk.root / below / "README").write_bytes(b"mine")
    desk.fetch(many("."))
    assert desk.found == {**FILES, "README": b"mine", f"{below}/README": b"mine"}


def test_a_directory_that_fails_leaves_what_is_there(desk: Desk, hub: HubServer) -> None:
    desk.stores = StoreSettings().having(HUB, HubSettings(hub.endpoint))
    (desk.root / "config.json").write_bytes(b"old")
    assert isinstance(desk.failure(many(".", "0" * 64)), ChecksumMismatch)
    assert isinstance(desk.failure(many(".", include=("*.gguf",))), NothingThere)
    assert isinstance(desk.failure(many("new", "0" * 64)), ChecksumMismatch)
    assert desk.found == {"config.json": b"old"}


# --- an archive -----------------------------------------------------------------------------


@pytest.mark.parametrize("dest", ["new", "there", "."])
def test_an_archive_is_unpacked_where_the_user_says(desk: Desk, shelf: Shelf, dest: str) -> None:
    (desk.root / "there").mkdir()
    sha256 = desk.fetch(model_from(shelf.at("m.tgz"), dest, unpack=True))
    assert sha256 == hashlib.sha256(ARCHIVE).hexdigest()
    assert desk.found == {os.path.normpath(f"{dest}/{path}"): FILES[path] for path in FILES}


def test_what_is_no_archive_leaves_nothing(desk: Desk, shelf: Shelf) -> None:
    failure = desk.failure(model_from(shelf.at("bad.tgz"), "new", unpack=True))
    assert isinstance(failure, ArchiveUnreadable)
    assert desk.found == {}


# --- where nothing can be -------------------------------------------------------------------


def test_a_source_without_a_name_needs_one_in_the_path(desk: Desk, shelf: Shelf) -> None:
    for end in ("dir/", "dir/%2E%2E", "..%2F..%2Fup"):
        failure = desk.failure(model_from(f"{shelf.at('')}{end}", "."))
        assert (
            error_text(failure).split("\n\n")[1]
            == """\
DEST
  found:   ".": a directory
  allowed: a file: SOURCE does not end with a file name"""
        )
    assert shelf.asked == []
    assert desk.found == {}


@pytest.mark.parametrize("dest", ["file/m.bin", "n" * 256, "taken"])
def test_a_file_that_can_not_be_there_is_told_before_anything_is_fetched(
    desk: Desk, shelf: Shelf, dest: str
) -> None:
    (desk.root / "file").write_bytes(b"mine")
    (desk.root / "taken/m.tflite").mkdir(parents=True)
    failure = desk.failure(model_from(shelf.at("dir/m.tflite"), dest))
    assert isinstance(failure, SettingsInvalid)
    assert shelf.asked == []
    assert desk.found == {"file": b"mine"}


@pytest.mark.parametrize("unpack", [True, False])
def test_a_directory_in_place_of_a_file_is_told_before_anything_is_fetched(
    desk: Desk, shelf: Shelf, hub: HubServer, unpack: bool
) -> None:
    desk.stores = StoreSettings().having(HUB, HubSettings(hub.endpoint))
    (desk.root / "file").write_bytes(b"mine")
    model = model_from(shelf.at("m.tgz"), "file", unpack=True) if unpack else many("file")
    failure = desk.failure(model)
    assert isinstance(failure, SettingsInvalid)
    assert f'found:   "file": {os.strerror(errno.ENOTDIR)}' in error_text(failure)
    assert (shelf.asked, hub.requests) == ([], [])
    assert desk.found == {"file": b"mine"}

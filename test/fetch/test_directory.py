"""A directory of a store arrives whole or not at all, and what was there is not fetched again."""

from __future__ import annotations

import hashlib
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from slugfit.base.errors import Failure
from slugfit.base.http import Network
from slugfit.fetch.directory import ReceivedDirectory, WantedDirectory, fetch_directory
from slugfit.fetch.failures import (
    ChecksumMismatch,
    DeadlinePassed,
    HtmlPage,
    NameUnsafe,
    NothingThere,
    ObjectChanged,
)
from slugfit.fetch.manifest import Manifest, ManifestFile
from slugfit.fetch.partial_directory import PreviousFetch
from slugfit.fetch.transfer.retries import TRIES, Clock, Deadline
from slugfit.fetch.transfer.transfer import Transfer
from slugfit.stores import FIRST_BYTES
from slugfit.stores.refusals import AccessDenied, ObjectMissing, ServerFailed
from slugfit.stores.web import HttpUrl
from support.build_log import error_text
from support.chance import Haste, chance
from support.fetching import Silence
from support.shelf import Shelf

FILES = {
    "config.json": b"{}",
    "empty": b"",
    "sub/a b.bin": b"weights" * 100,
    "sub/dir/é.bin": b"more" * 1000,
    "sub/%41?#": b"percent",
}
LARGE = chance(2).randbytes(FIRST_BYTES + 1_000_000)


@pytest.fixture
def shelf() -> Iterator[Shelf]:
    with Shelf(FILES) as shelf:
        yield shelf


class Machine:
    """Fetches into one directory, run after run."""

    def __init__(self, part: Path) -> None:
        self.part = part
        self.watch = Silence()
        self.seconds = 60.0

    def fetch(self, wanted: WantedDirectory) -> ReceivedDirectory | None:
        clock = Clock(sleep=lambda seconds: None, rng=Haste())
        transfer = Transfer(Network(), clock, Deadline(clock, self.seconds))
        return fetch_directory(wanted, transfer, self.part, self.watch)

    def contents(self, wanted: WantedDirectory) -> dict[str, bytes]:
        """What arrived; the manifest says the same."""
        received = self.fetch(wanted)
        assert received is not None
        found = read_all(received.path)
        assert received.manifest == manifest_of(found)
        assert received.size == sum(map(len, found.values()))
        return found

    def failure(self, wanted: WantedDirectory) -> Failure:
        with pytest.raises(Failure) as caught:
            self.fetch(wanted)
        return caught.value


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path / "part")


def read_all(directory: Path) -> dict[str, bytes]:
    files = [path for path in directory.rglob("*") if path.is_file()]
    return {str(path.relative_to(directory)): path.read_bytes() for path in files}


def manifest_of(files: dict[str, bytes]) -> Manifest:
    return Manifest.of(
        tuple(ManifestFile(path, hashlib.sha256(data).hexdigest()) for path, data in files.items())
    )


# --- what arrives ---------------------------------------------------------------------------


@pytest.mark.parametrize("has_addresses", [True, False])
def test_all_files_arrive_each_with_one_request(
    machine: Machine, shelf: Shelf, has_addresses: bool
) -> None:
    shelf.has_addresses = has_addresses
    assert machine.contents(WantedDirectory(shelf)) == FILES
    assert sorted(shelf.asked) == sorted(FILES)
    assert shelf.listings == 1


def test_a_file_that_is_too_large_for_one_request_comes_in_parts(
    machine: Machine, shelf: Shelf
) -> None:
    shelf.files["large.bin"] = LARGE
    assert machine.contents(WantedDirectory(shelf)) == {**FILES, "large.bin": LARGE}
    assert len(shelf.asked) > len(FILES) + 1


def test_only_what_the_globs_let_through_is_fetched(machine: Machine, shelf: Shelf) -> None:
    wanted = WantedDirectory(shelf, include=("sub", "*.json"), exclude=("**/*.bin",))
    assert set(machine.contents(wanted)) == {"config.json", "sub/%41?#"}
    assert len(shelf.asked) == 2


def test_many_files_arrive_at_once(machine: Machine, shelf: Shelf) -> None:
    shelf.files = {f"{number}.bin": str(number).encode() for number in range(64)}
    shelf.slowness = 0.1
    begin = time.monotonic()
    assert machine.contents(WantedDirectory(shelf)) == shelf.files
    assert time.monotonic() - begin < 64 * 0.1 / 2


def test_of_a_directory_that_has_not_changed_nothing_is_fetched(
    machine: Machine, shelf: Shelf
) -> None:
    received = machine.fetch(WantedDirectory(shelf))
    assert received is not None
    shelf.forget_requests()
    assert machine.fetch(WantedDirectory(shelf, unless_etag=received.etag)) is None
    assert shelf.asked == []


@pytest.mark.parametrize(
    "changed",
    [
        {**FILES, "config.json": b"[]"},
        {**FILES, "new": b""},
        {path: content for path, content in FILES.items() if path != "empty"},
        {**{path: content for path, content in FILES.items() if path != "empty"}, "void": b""},
    ],
)
def test_any_change_changes_its_etag(
    machine: Machine, shelf: Shelf, changed: dict[str, bytes]
) -> None:
    first = machine.fetch(WantedDirectory(shelf))
    shelf.files = changed
    second = machine.fetch(WantedDirectory(shelf))
    assert first is not None
    assert second is not None
    assert first.etag != second.etag
    assert read_all(second.path) == changed


def test_the_right_checksum_lets_it_pass(machine: Machine, shelf: Shelf) -> None:
    sha256 = manifest_of(FILES).sha256
    assert machine.contents(WantedDirectory(shelf, sha256=sha256)) == FILES


def test_another_checksum_is_refused_and_nothing_is_left(machine: Machine, shelf: Shelf) -> None:
    failure = machine.failure(WantedDirectory(shelf, sha256="0" * 64))
    assert isinstance(failure, ChecksumMismatch)
    assert failure.found == manifest_of(FILES).sha256
    assert not machine.part.exists()


# --- what goes wrong ------------------------------------------------------------------------


def test_an_empty_directory_is_a_failure(machine: Machine, shelf: Shelf) -> None:
    shelf.files = {}
    failure = machine.failure(WantedDirectory(shelf))
    assert isinstance(failure, NothingThere)
    assert "left out" not in error_text(failure)
    assert not machine.part.exists()


def test_globs_that_let_nothing_through_are_told(machine: Machine, shelf: Shelf) -> None:
    failure = machine.failure(WantedDirectory(shelf, include=("*.onnx",)))
    assert isinstance(failure, NothingThere)
    assert "left out by include and exclude: 5\n" in error_text(failure)


@pytest.mark.parametrize(
    "paths",
    [
        ["../up"],
        ["/etc/passwd"],
        ["a//b"],
        ["a/./b"],
        ["a/../../b"],
        ["a", "a/b"],
        ["a/b/c", "a"],
        ["zero\0"],
        ["n" * 256],
    ],
)
def test_a_name_that_is_no_path_in_a_directory_is_refused(
    machine: Machine, shelf: Shelf, paths: list[str]
) -> None:
    shelf.files = dict.fromkeys(paths, b"weights")
    assert isinstance(machine.failure(WantedDirectory(shelf)), NameUnsafe)
    assert shelf.asked == []
    assert not machine.part.exists()


def test_a_file_that_is_left_out_may_have_any_name(machine: Machine, shelf: Shelf) -> None:
    shelf.files["a//b"] = b"weights"
    assert machine.contents(WantedDirectory(shelf, exclude=("a",))) == FILES


def test_a_server_that_fails_at_first_is_asked_again(machine: Machine, shelf: Shelf) -> None:
    shelf.trouble = {"config.json": [503, 503], "empty": [429], "sub/a b.bin": [-10, -20]}
    assert machine.contents(WantedDirectory(shelf)) == FILES


def test_a_server_that_goes_on_failing_ends_it_and_the_rest_is_kept(
    machine: Machine, shelf: Shelf
) -> None:
    shelf.trouble = {"config.json": [503] * (TRIES + 1)}
    assert isinstance(machine.failure(WantedDirectory(shelf)), ServerFailed)
    shelf.forget_requests()
    assert machine.contents(WantedDirectory(shelf)) == FILES
    assert "config.json" in shelf.asked
    assert machine.watch.there == sum(
        len(content) for path, content in FILES.items() if path not in shelf.asked
    )


def test_a_refusal_of_the_first_file_leaves_nothing(machine: Machine, shelf: Shelf) -> None:
    shelf.files = {"only": b"weights"}
    shelf.trouble = {"only": [403, 403]}
    assert isinstance(machine.failure(WantedDirectory(shelf)), AccessDenied)
    assert not machine.part.exists()


def test_a_page_among_the_files_is_named(machine: Machine, shelf: Shelf) -> None:
    shelf.files["sub/page"] = b"<!doctype html>"
    failure = machine.failure(WantedDirectory(shelf))
    assert isinstance(failure, HtmlPage)
    assert failure.source == HttpUrl(shelf.at("sub/page"))


def test_a_failure_ends_the_others_at_once(machine: Machine, shelf: Shelf) -> None:
    shelf.files = {f"{number}": b"w" for number in range(200)}
    shelf.trouble = {"0": [404, 404]}
    shelf.slowness = 0.05
    assert isinstance(machine.failure(WantedDirectory(shelf)), ObjectMissing)
    assert len(shelf.asked) < 100


def test_no_file_is_fetched_past_the_deadline(machine: Machine, shelf: Shelf) -> None:
    shelf.slowness = 10.0
    machine.seconds = 0.3
    begin = time.monotonic()
    assert isinstance(machine.failure(WantedDirectory(shelf)), DeadlinePassed)
    assert time.monotonic() - begin < 5.0


# --- what changes meanwhile -----------------------------------------------------------------


def test_a_file_that_changes_after_the_listing_is_listed_anew(
    machine: Machine, shelf: Shelf
) -> None:
    shelf.listed = {**FILES, "config.json": b"old", "sub/a b.bin": b"as long"}
    assert machine.contents(WantedDirectory(shelf)) == FILES
    assert shelf.listings == 2


def test_a_large_file_that_changes_after_the_listing_is_listed_anew(
    machine: Machine, shelf: Shelf
) -> None:
    shelf.files["large.bin"] = LARGE
    shelf.listed = {**shelf.files, "large.bin": bytes(len(LARGE))}
    assert machine.contents(WantedDirectory(shelf)) == shelf.files


def test_a_file_that_always_changes_is_given_up(machine: Machine, shelf: Shelf) -> None:
    class Restless:
        url = shelf.url

        def list(self):  # type: ignore[no-untyped-def] # as Shelf's
            shelf.listed = {**FILES, "config.json": b"old"}
            return shelf.list()

    assert isinstance(machine.failure(WantedDirectory(Restless())), ObjectChanged)


# --- what an earlier run has left -----------------------------------------------------------


def test_what_is_complete_is_not_fetched_again(machine: Machine, shelf: Shelf) -> None:
    machine.fetch(WantedDirectory(shelf))
    shelf.forget_requests()
    assert machine.contents(WantedDirectory(shelf)) == FILES
    assert shelf.asked == []
    assert machine.watch.there == sum(map(len, FILES.values()))


@pytest.mark.parametrize("damage", [b"[]", b""])
def test_what_was_damaged_meanwhile_is(machine: Machine, shelf: Shelf, damage: bytes) -> None:
    received = machine.fetch(WantedDirectory(shelf))
    assert received is not None
    (received.path / "config.json").write_bytes(damage)
    shelf.forget_requests()
    assert machine.contents(WantedDirectory(shelf)) == FILES
    assert shelf.asked == ["config.json"]


@pytest.mark.parametrize(
    "journal",
    [
        b"",
        b"\xff\xfe",
        b"{}\n[]\nnull\n1\n" + b"[" * 100_000,
        b'[["a"], 1, 2, 3]\n["config.json", 2, {}, 3]\n',
    ],
)
def test_without_a_journal_nothing_is_believed(
    machine: Machine, shelf: Shelf, journal: bytes
) -> None:
    machine.fetch(WantedDirectory(shelf))
    (machine.part / "journal").write_bytes(journal)
    shelf.forget_requests()
    assert machine.contents(WantedDirectory(shelf)) == FILES
    assert sorted(shelf.asked) == sorted(FILES)


def test_a_journal_that_breaks_off_is_gone_on_with(machine: Machine, shelf: Shelf) -> None:
    machine.fetch(WantedDirectory(shelf))
    journal = machine.part / "journal"
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join(lines[:-1]) + lines[-1][:20])
    for asked in (1, 0):
        shelf.forget_requests()
        assert machine.contents(WantedDirectory(shelf)) == FILES
        assert len(shelf.asked) == asked


def test_what_is_not_wanted_any_more_is_removed(machine: Machine, shelf: Shelf) -> None:
    machine.fetch(WantedDirectory(shelf))
    shelf.files = {"sub": b"now a file", "config.json": FILES["config.json"]}
    shelf.forget_requests()
    assert machine.contents(WantedDirectory(shelf)) == shelf.files
    assert shelf.asked == ["sub"]


def test_a_large_file_goes_on_where_it_broke_off(machine: Machine, shelf: Shelf) -> None:
    shelf.files = {"large.bin": LARGE}
    shelf.trouble = {"large.bin": [-5_000_000] + [503] * 100}
    assert isinstance(machine.failure(WantedDirectory(shelf)), ServerFailed)
    shelf.trouble = {}
    shelf.forget_requests()
    assert machine.contents(WantedDirectory(shelf)) == shelf.files
    ranges = [request.headers["Range"] for request in shelf.requests]
    assert min(int(asked[len("bytes=") :].partition("-")[0]) for asked in ranges) > 1_000_000


def test_two_runs_at_once_do_not_disturb_each_other(machine: Machine, shelf: Shelf) -> None:
    shelf.slowness = 0.2
    found: list[dict[str, bytes]] = []
    threads = [
        threading.Thread(target=lambda: found.append(machine.contents(WantedDirectory(shelf))))
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [FILES, FILES]
    assert len(shelf.asked) == len(FILES)


# --- what an earlier build has stored -------------------------------------------------------


@pytest.fixture
def previous(shelf: Shelf, tmp_path: Path) -> PreviousFetch:
    """The files, as a store has them: by their checksums."""
    first = Machine(tmp_path / "first")
    received = first.fetch(WantedDirectory(shelf))
    assert received is not None
    store = tmp_path / "store"
    store.mkdir()
    for file in received.manifest.files:
        os.link(received.path / file.path, store / file.sha256)
    shelf.forget_requests()
    return PreviousFetch(received.journal, store.joinpath)


def test_of_a_directory_one_of_whose_files_changed_only_that_is_fetched(
    machine: Machine, shelf: Shelf, previous: PreviousFetch
) -> None:
    shelf.files["sub/dir/é.bin"] = b"changed"
    assert machine.contents(WantedDirectory(shelf, previous=previous)) == shelf.files
    assert shelf.asked == ["sub/dir/é.bin"]


def test_what_is_stored_no_longer_or_damaged_is_fetched_too(
    machine: Machine, shelf: Shelf, previous: PreviousFetch
) -> None:
    previous.content(hashlib.sha256(FILES["config.json"]).hexdigest()).unlink()
    damaged = previous.content(hashlib.sha256(FILES["sub/%41?#"]).hexdigest())
    damaged.unlink()
    damaged.write_bytes(b"rotten")
    assert machine.contents(WantedDirectory(shelf, previous=previous)) == FILES
    assert sorted(shelf.asked) == ["config.json", "sub/%41?#"]
    assert damaged.read_bytes() == b"rotten"


def test_what_is_fetched_is_never_written_into_what_is_stored(
    machine: Machine, shelf: Shelf, previous: PreviousFetch
) -> None:
    machine.fetch(WantedDirectory(shelf, previous=previous))
    shelf.files = {path: content + b"!" for path, content in FILES.items()}
    assert machine.contents(WantedDirectory(shelf, previous=previous)) == shelf.files
    stored = [
        previous.content(hashlib.sha256(content).hexdigest()).read_bytes()
        for content in FILES.values()
    ]
    assert stored == [*FILES.values()]

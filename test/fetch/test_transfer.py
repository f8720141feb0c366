"""A transfer brings a file whole, checked and hashed, or leaves what the next can go on with."""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from slugfit.base.errors import Failure
from slugfit.base.files import NoSpace, sha256_of
from slugfit.base.http import Network
from slugfit.fetch.failures import (
    ChecksumMismatch,
    DeadlinePassed,
    HtmlPage,
    LfsPointer,
    ObjectChanged,
)
from slugfit.fetch.transfer.limits import TransferLimits
from slugfit.fetch.transfer.retries import Clock, Deadline
from slugfit.fetch.transfer.transfer import ReceivedObject, Transfer, WantedObject, move_to
from slugfit.stores import Address, Changed, ObjectStream, Retryable, Version
from slugfit.stores.failures import Truncated
from slugfit.stores.refusals import AccessDenied, ServerFailed, Unreachable
from slugfit.stores.web import HttpUrl
from slugfit.stores.web_client import HttpObject
from support.build_log import error_text
from support.chance import Haste
from support.faults import Answer, Cut, Fault, FaultProxy, Stall
from support.servers import RangeServer
from support.sources import url_of

DISPLAY = "https://host/model"
URL = url_of(DISPLAY)
MODEL = bytes(range(256)) * 5000
SHA256 = hashlib.sha256(MODEL).hexdigest()
UNREACHABLE = Retryable(Unreachable(URL, "reason: Connection refused"))
FAILING = Retryable(ServerFailed(URL, "status: 503 Service Unavailable"))
TRIES = 6
LIMITS = TransferLimits(
    first=100_000,
    piece=10_000,
    smallest_part=50_000,
    largest_part=100_000,
    connections=4,
    poll_seconds=0.002,
    save_seconds=0.01,
)


class Pieces:
    """A body that comes in pieces; an exception among them ends it."""

    def __init__(self, *pieces: bytes | BaseException) -> None:
        self._pieces = list(pieces)

    def read(self, size: int, /) -> bytes:
        if not self._pieces:
            return b""
        piece = self._pieces.pop(0)
        if isinstance(piece, BaseException):
            raise piece
        if len(piece) > size:
            self._pieces.insert(0, piece[size:])
        return piece[:size]


class Store:
    """A source with an answer for each try; the last one is for ever."""

    url = URL

    def __init__(self, *answers: ObjectStream | Exception | None) -> None:
        self._answers = list(answers)
        self.etags: list[str | None] = []

    @property
    def tries(self) -> int:
        return len(self.etags)

    @contextmanager
    def open(
        self, *, start: int = 0, version: Version | None = None, unless_etag: str | None = None
    ) -> Iterator[ObjectStream | None]:
        self.etags.append(unless_etag)
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(answer, Exception):
            raise answer
        yield answer


def whole(
    *pieces: bytes | BaseException,
    size: int | None = len(MODEL),
    etag: str | None = None,
    sha256: str | None = None,
) -> ObjectStream:
    """An answer of a store that serves no parts."""
    return ObjectStream(Version(size, etag, {}, sha256), Pieces(*(pieces or (MODEL,))))


class Bench:
    """A transfer into a directory, and all that it does on the way. Time passes by sleeping."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.target = directory / "model"
        self.part = directory / "model.part"
        self.sleeps: list[float] = []
        self.events: list[tuple[str, int | None]] = []
        self.passed = 0.0

    def begin(self, size: int | None, there: int) -> None:
        self.events += [("size", size), ("there", there)]

    def move(self, received: int) -> None:
        pass

    def end(self, received: int) -> None:
        self.events.append(("end", received))

    def fetch(
        self,
        source: Store | HttpObject,
        sha256: str | None = None,
        unless_etag: str | None = None,
        seconds: float = 1_200,
    ) -> ReceivedObject | None:
        clock = Clock(lambda: self.passed, lambda: self.passed, self._sleep, Haste())
        transfer = Transfer(Network(silence_seconds=1), clock, Deadline(clock, seconds), LIMITS)
        wanted = WantedObject(source, sha256, unless_etag)
        return transfer.fetch(wanted, self.part, self, move_to(self.target))

    def failure(
        self, source: Store | HttpObject, sha256: str | None = None, seconds: float = 1_200
    ) -> Failure:
        with pytest.raises(Failure) as caught:
            self.fetch(source, sha256, seconds=seconds)
        return caught.value

    def _sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        self.passed += seconds

    @property
    def files(self) -> list[str]:
        return sorted(path.name for path in self.directory.iterdir())


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


@pytest.fixture
def server() -> Iterator[RangeServer]:
    with RangeServer(MODEL, {"ETag": '"1"'}) as server:
        yield server


@pytest.fixture
def faults(server: RangeServer) -> Iterator[FaultProxy]:
    with FaultProxy(server.port) as faults:
        yield faults


def web(server: RangeServer | FaultProxy) -> HttpObject:
    return HttpObject(HttpUrl(server.url("/model")), lambda: 0.0)


def test_a_model_arrives_whole_and_hashed(bench: Bench) -> None:
    received = bench.fetch(Store(whole(etag='"1"')))
    assert received == ReceivedObject(SHA256, len(MODEL), '"1"')
    assert bench.files == ["model"]
    assert bench.target.read_bytes() == MODEL
    assert bench.target.stat().st_mode & 0o777 == 0o644
    assert bench.events == [("size", len(MODEL)), ("there", 0), ("end", len(MODEL))]
    assert bench.sleeps == []


def test_a_body_of_unknown_length_is_taken_as_it_comes(bench: Bench) -> None:
    assert bench.fetch(Store(whole(size=None))) == ReceivedObject(SHA256, len(MODEL), None)
    assert bench.events[0] == ("size", None)


def test_an_empty_body_is_an_empty_file(bench: Bench) -> None:
    received = bench.fetch(Store(whole(b"", size=0)))
    assert received == ReceivedObject(hashlib.sha256().hexdigest(), 0, None)
    assert bench.files == ["model"]


def test_an_unchanged_object_brings_nothing(bench: Bench) -> None:
    store = Store(None)
    assert bench.fetch(store, unless_etag='"1"') is None
    assert store.etags == ['"1"']
    assert (bench.files, bench.events, bench.sleeps) == ([], [], [])


def test_a_file_that_is_there_already_is_replaced_by_a_new_one(bench: Bench) -> None:
    bench.target.write_bytes(b"rotten")
    (bench.directory / "twin").hardlink_to(bench.target)
    bench.fetch(Store(whole()))
    assert bench.target.read_bytes() == MODEL
    assert (bench.directory / "twin").read_bytes() == b"rotten"


def test_a_store_that_fails_twice_is_asked_a_third_time(bench: Bench) -> None:
    store = Store(UNREACHABLE, FAILING, whole())
    assert bench.fetch(store, unless_etag='"1"') == ReceivedObject(SHA256, len(MODEL), None)
    assert store.etags == ['"1"'] * 3
    assert len(bench.sleeps) == 2


def test_a_fetch_is_announced_once_whichever_try_brings_the_answer(bench: Bench) -> None:
    bench.fetch(Store(FAILING, whole(MODEL[:1000]), FAILING, whole()))
    assert [event for event, _ in bench.events] == ["size", "there", "end"]


def test_a_store_that_fails_for_ever_is_given_up(bench: Bench) -> None:
    store = Store(FAILING)
    assert bench.failure(store) is FAILING.failure
    assert (store.tries, len(bench.sleeps), bench.files) == (TRIES, TRIES - 1, [])


def test_a_refusal_is_not_tried_again(bench: Bench) -> None:
    store = Store(AccessDenied(URL, "status: 403 Forbidden"))
    assert isinstance(bench.failure(store), AccessDenied)
    assert (store.tries, bench.sleeps, bench.files) == (1, [], [])


def test_a_body_that_breaks_off_is_fetched_again(bench: Bench) -> None:
    cut = Retryable(Truncated(URL, len(MODEL), "reason: it broke off"))
    store = Store(whole(MODEL[:1000], cut), whole())
    assert bench.fetch(store) == ReceivedObject(SHA256, len(MODEL), None)
    assert store.tries == 2


def test_bytes_that_no_version_vouches_for_are_no_progress(bench: Bench) -> None:
    store = Store(*(whole(MODEL[:length]) for length in range(1000, 1000 + TRIES)))
    failure = bench.failure(store)
    assert store.tries == TRIES
    assert bench.files == []
    assert failure.kind == "upstream"
    assert (
        error_text(failure)
        == """\
Error: A model arrives incomplete.

https://host/model
announced: 1280000 bytes
received: 1005 bytes

This is often temporary. Build again; if it persists, check:
1. that the upload of the model finished;
2. a proxy or CDN in front of the store, which may cut long responses.

For more information, see:
https://github.com/slugfit/slugfit/blob/main/docs/errors.md#fetchtruncated
"""
    )


def test_more_than_announced_is_not_read(bench: Bench) -> None:
    assert bench.fetch(Store(whole(MODEL + b"!"))) == ReceivedObject(SHA256, len(MODEL), None)
    assert bench.target.read_bytes() == MODEL


def test_a_body_of_unknown_length_that_breaks_off_says_so() -> None:
    text = error_text(Truncated(URL, None, "reason: it broke off"))
    assert "announced: unknown\nreason: it broke off\n" in text


def test_another_content_than_the_pinned_one_is_refused_at_once(bench: Bench) -> None:
    store = Store(whole())
    failure = bench.failure(store, sha256="0" * 64)
    assert (store.tries, bench.sleeps, bench.files) == (1, [], [])
    assert (
        error_text(failure)
        == f"""\
Error: A model does not match its checksum.

https://host/model
expected sha256: {"0" * 64}
found sha256:    {SHA256}
received:        1.3 MB

The object was replaced, or the checksum belongs to another file.

To fix this:
1. If the new object is the right one, write its checksum into the configuration:
   sha256 = "{SHA256}"
2. Or, if a slugfit.lock has the old one, write the lock again:
   bin/slugfit lock
3. If not, upload the right object again.

For more information, see:
https://github.com/slugfit/slugfit/blob/main/docs/errors.md#fetchchecksum-mismatch
"""
    )


def test_another_content_than_the_pinned_one_is_not_even_fetched_if_the_store_knows(
    bench: Bench,
) -> None:
    failure = bench.failure(Store(whole(AssertionError("read"), sha256="1" * 64)), sha256=SHA256)
    assert isinstance(failure, ChecksumMismatch)
    assert failure.found == "1" * 64
    assert bench.files == []


def test_content_that_is_not_what_the_store_says_is_refused(bench: Bench) -> None:
    failure = bench.failure(Store(whole(sha256="1" * 64)))
    assert isinstance(failure, ChecksumMismatch)
    assert (failure.expected, failure.found) == ("1" * 64, SHA256)


def test_the_pinned_content_is_accepted(bench: Bench) -> None:
    assert bench.fetch(Store(whole()), sha256=SHA256) == ReceivedObject(SHA256, len(MODEL), None)


@pytest.mark.parametrize(
    ("content", "failure"),
    [
        (b"version https://git-lfs.github.com/spec/v1\noid", LfsPointer),
        (b"<!doctype html>", HtmlPage),
    ],
)
@pytest.mark.parametrize("sha256", [None, "0" * 64])
def test_what_is_no_model_is_refused_at_once_however_it_is_cut_up(
    bench: Bench, content: bytes, failure: type[Failure], sha256: str | None
) -> None:
    store = Store(whole(*(bytes([byte]) for byte in content), size=len(content)))
    assert isinstance(bench.failure(store, sha256), failure)
    assert (store.tries, bench.files) == (1, [])


def test_an_object_that_changes_again_and_again_is_given_up(bench: Bench) -> None:
    store = Store(Changed())
    failure = bench.failure(store)
    assert isinstance(failure, ObjectChanged)
    assert (store.tries, bench.files) == (4, [])


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_named_and_nothing_is_left_on_it(
    bench: Bench, server: RangeServer, number: int
) -> None:
    def deliver(part: Path, sha256: str) -> None:
        raise OSError(number, "no room")

    clock = Clock()
    transfer = Transfer(Network(), clock, Deadline(clock, 60), LIMITS)
    with pytest.raises(NoSpace) as caught:
        transfer.fetch(WantedObject(web(server)), bench.part, bench, deliver)
    assert caught.value.path == bench.directory
    assert bench.files == []


def test_an_object_that_is_larger_than_the_disk_is_not_begun(bench: Bench) -> None:
    huge = whole(AssertionError("read"), size=2**60)
    assert isinstance(bench.failure(Store(huge)), NoSpace)
    assert bench.files == []


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(143), RuntimeError("a bug")])
def test_what_can_not_be_gone_on_with_is_not_left(bench: Bench, error: BaseException) -> None:
    with pytest.raises(type(error)):
        bench.fetch(Store(whole(MODEL[:1000], error)))
    assert bench.files == []


def test_a_body_is_never_held_in_memory(bench: Bench) -> None:
    seen: list[int] = []

    class Long(Pieces):
        def read(self, size: int, /) -> bytes:
            # What came before is on the disk by now.
            seen.append(bench.part.stat().st_size)
            return b"x" * size if len(seen) < 100 else b""

    bench.fetch(Store(ObjectStream(Version(None), Long())))
    assert seen == [LIMITS.piece * number for number in range(100)]


def test_a_deadline_that_passes_keeps_what_came(bench: Bench, faults: FaultProxy) -> None:
    faults.set([None, *[Stall(10_000, 30)] * 50])
    clock = Clock()
    transfer = Transfer(Network(), clock, Deadline(clock, 0.3), LIMITS)
    with pytest.raises(DeadlinePassed) as caught:
        transfer.fetch(WantedObject(web(faults)), bench.part, bench, move_to(bench.target))
    assert caught.value.size == len(MODEL)
    assert LIMITS.first < caught.value.received < len(MODEL)
    assert bench.files == ["model.part", "model.part.json"]
    faults.set([])
    assert bench.fetch(web(faults)) == ReceivedObject(SHA256, len(MODEL), '"1"')
    assert (bench.events[-2][1] or 0) >= caught.value.received
    assert bench.files == ["model"]


def test_a_wish_to_wait_beyond_the_deadline_is_the_servers_failure_at_once(
    bench: Bench, faults: FaultProxy
) -> None:
    wish = Answer(503, retry_after="3600")
    faults.set([None, *[wish] * 50])
    failure = bench.failure(web(faults))
    assert isinstance(failure, ServerFailed)
    assert bench.sleeps == []
    assert bench.files == ["model.part", "model.part.json"]


def test_a_wish_to_wait_is_granted_before_the_deadline(bench: Bench, faults: FaultProxy) -> None:
    faults.set([Answer(429, retry_after="77")])
    assert bench.fetch(web(faults)) == ReceivedObject(SHA256, len(MODEL), '"1"')
    assert bench.sleeps == [77]


def test_with_progress_there_is_no_end_of_tries(bench: Bench, faults: FaultProxy) -> None:
    # Only the first connection brings anything, and each time a little.
    bad: list[Fault] = [Cut(30_000), *[Answer(500)] * 3]
    faults.set(bad * 20)
    assert bench.fetch(web(faults)) == ReceivedObject(SHA256, len(MODEL), '"1"')
    assert bench.target.read_bytes() == MODEL


def interrupted(bench: Bench, server: RangeServer) -> None:
    """What a run leaves that came half the way."""
    with FaultProxy(server.port, [None, *[Answer(404)] * 100]) as faults:
        bench.failure(web(faults))
    assert bench.files == ["model.part", "model.part.json"]
    server.forget_requests()
    bench.events.clear()


def test_what_an_earlier_run_left_is_not_fetched_again(bench: Bench, server: RangeServer) -> None:
    interrupted(bench, server)
    assert bench.fetch(web(server)) == ReceivedObject(SHA256, len(MODEL), '"1"')
    assert bench.events[1] == ("there", LIMITS.first)
    assert bench.target.read_bytes() == MODEL
    starts = [int(r.headers["Range"][6:].partition("-")[0]) for r in server.requests]
    assert min(starts) == LIMITS.first


def test_another_version_begins_anew(bench: Bench, server: RangeServer) -> None:
    interrupted(bench, server)
    server.content, server.headers = MODEL[::-1], {"ETag": '"2"'}
    received = bench.fetch(web(server))
    assert received == ReceivedObject(hashlib.sha256(MODEL[::-1]).hexdigest(), len(MODEL), '"2"')
    assert bench.target.read_bytes() == MODEL[::-1]
    assert bench.events[1] == ("there", 0)


def test_a_content_that_does_not_fit_what_was_left_is_fetched_once_more(
    bench: Bench, server: RangeServer
) -> None:
    """The same ETag for two contents: only the checksum can tell."""
    interrupted(bench, server)
    server.content = MODEL[::-1]
    sha256 = hashlib.sha256(MODEL[::-1]).hexdigest()
    assert bench.fetch(web(server), sha256) == ReceivedObject(sha256, len(MODEL), '"1"')


def left_whole(bench: Bench, server: RangeServer) -> None:
    """What a run leaves that was ended when all had come."""

    def deliver(part: Path, sha256: str) -> None:
        raise KeyboardInterrupt

    clock = Clock()
    transfer = Transfer(Network(), clock, Deadline(clock, 60), LIMITS)
    with pytest.raises(KeyboardInterrupt):
        transfer.fetch(WantedObject(web(server)), bench.part, bench, deliver)
    assert bench.files == ["model.part", "model.part.json"]
    server.forget_requests()
    bench.events.clear()


def test_what_is_there_to_its_end_is_only_asked_after(bench: Bench, server: RangeServer) -> None:
    left_whole(bench, server)
    with FaultProxy(server.port, [Answer(304, headers={"ETag": '"1"'}, body=b"")]) as unchanged:
        assert bench.fetch(web(unchanged)) == ReceivedObject(SHA256, len(MODEL), '"1"')
        assert unchanged.requests[0].headers["If-None-Match"] == '"1"'
    size = len(MODEL)
    assert bench.events == [("size", size), ("there", size), ("end", size)]
    assert bench.files == ["model"]


def test_what_is_there_to_its_end_is_fetched_anew_when_it_changed(
    bench: Bench, server: RangeServer
) -> None:
    left_whole(bench, server)
    server.content, server.headers = b"new", {"ETag": '"2"'}
    assert bench.fetch(web(server)) == ReceivedObject(hashlib.sha256(b"new").hexdigest(), 3, '"2"')


def test_a_page_that_an_earlier_run_left_half_is_still_found_out(
    bench: Bench, server: RangeServer
) -> None:
    server.content = b"<html>" + MODEL
    with FaultProxy(server.port, [Cut(100), *[Answer(404)] * 100]) as faults:
        bench.failure(web(faults))
    assert isinstance(bench.failure(web(server)), HtmlPage)
    assert bench.files == []


def test_a_server_without_parts_that_breaks_off_is_asked_again(
    bench: Bench, faults: FaultProxy
) -> None:
    """It names a version, but what came of it is of no use."""
    store = Store(
        *(
            ObjectStream(Version(len(MODEL), '"1"', {"If-Range": '"1"'}), Pieces(MODEL[:1000]))
            for _ in range(TRIES - 1)
        ),
        whole(),
    )
    assert bench.fetch(store) == ReceivedObject(SHA256, len(MODEL), None)
    assert len(bench.sleeps) == TRIES - 1


def test_an_address_that_works_for_nobody_does_not_matter_while_the_store_answers(
    bench: Bench, server: RangeServer
) -> None:
    """The store's own client brings it all, a first part at a time."""

    class Odd(HttpObject):
        @contextmanager
        def open(
            self,
            *,
            start: int = 0,
            version: Version | None = None,
            unless_etag: str | None = None,
        ) -> Iterator[ObjectStream | None]:
            with super().open(start=start, version=version, unless_etag=unless_etag) as opened:
                assert opened
                yield ObjectStream(opened.version, opened.body, Address(nobody), opened.interrupt)

    with FaultProxy(server.port, [Answer(403)] * 200) as refusing:
        nobody = refusing.url("/model")
        source = Odd(HttpUrl(server.url()), lambda: 0.0)
        assert bench.fetch(source) == ReceivedObject(SHA256, len(MODEL), '"1"')


def test_patience_is_there_for_any_question(bench: Bench) -> None:
    answers: list[Exception | str] = [FAILING, UNREACHABLE, "yes"]

    def ask() -> str:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    sleeps: list[float] = []
    clock = Clock(sleep=sleeps.append)
    transfer = Transfer(Network(), clock, Deadline(clock, 60))
    assert transfer.retrying(URL, ask) == "yes"
    assert len(sleeps) == 2
    answers = [Changed()]
    with pytest.raises(ObjectChanged):
        transfer.retrying(URL, ask)


def test_a_file_is_hashed_as_sha256sum_does(tmp_path: Path) -> None:
    (tmp_path / "m").write_bytes(MODEL * 3)
    assert sha256_of(tmp_path / "m") == hashlib.sha256(MODEL * 3).digest()
    assert os.listdir(tmp_path) == ["m"]

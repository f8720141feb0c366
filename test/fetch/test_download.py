"""Many connections bring one object: each byte once, of one version, and hashed."""

from __future__ import annotations

import errno
import hashlib
import http.client
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import repeat
from pathlib import Path

import pytest

from slugfit.base.http import Network
from slugfit.fetch.failures import DeadlinePassed, HtmlPage
from slugfit.fetch.transfer.download import Download
from slugfit.fetch.transfer.limits import TransferLimits
from slugfit.fetch.transfer.partial import Partial, open_partial
from slugfit.fetch.transfer.retries import Clock
from slugfit.stores import Address, Changed, ObjectStream, Retryable, Version
from slugfit.stores.failures import Truncated
from slugfit.stores.refusals import ServerFailed, Unreachable
from slugfit.stores.web import HttpUrl
from slugfit.stores.web_client import HttpObject
from support.chance import chance
from support.faults import Answer, Cut, Fault, FaultProxy, HangUp, Shorten, Stall
from support.servers import CannedServer, RangeServer, chunked
from support.sources import url_of

CONTENT = chance(5).randbytes(3_000_000)
SHA256 = hashlib.sha256(CONTENT).hexdigest()
LIMITS = TransferLimits(
    first=200_000,
    piece=10_000,
    smallest_part=50_000,
    largest_part=200_000,
    connections=8,
    poll_seconds=0.002,
    save_seconds=0.01,
)
NETWORK = Network(connect_seconds=2, silence_seconds=0.3)
ETAG = {"ETag": '"1"'}


@pytest.fixture
def server() -> Iterator[RangeServer]:
    with RangeServer(CONTENT, ETAG) as server:
        yield server


@pytest.fixture
def faults(server: RangeServer) -> Iterator[FaultProxy]:
    """Stands before the server; whatever is asked first comes whole, faults come after that."""
    with FaultProxy(server.port) as faults:
        yield faults


@pytest.fixture
def partial(tmp_path: Path) -> Iterator[Partial]:
    with open_partial(tmp_path / "part") as partial:
        yield partial


def download(
    partial: Partial,
    url: str,
    on_progress: Callable[[int], None] = lambda received: None,
    limits: TransferLimits = LIMITS,
) -> None:
    """One try, as the transfer makes it."""
    version, start = partial.version, partial.first_missing
    with HttpObject(HttpUrl(url), time.time).open(start=start, version=version) as answer:
        assert answer
        partial.version = answer.version
        run(partial, answer, start, on_progress, limits)


def run(
    partial: Partial,
    answer: ObjectStream,
    start: int = 0,
    on_progress: Callable[[int], None] = lambda received: None,
    limits: TransferLimits = LIMITS,
) -> None:
    clock = Clock(rng=chance())
    Download(url_of("https://host/m"), partial, NETWORK, clock, limits).run(
        answer, start, on_progress
    )


def is_whole(partial: Partial) -> bool:
    return (
        partial.path.read_bytes() == CONTENT
        and partial.digest.hexdigest() == SHA256
        and partial.there == [(0, len(CONTENT))]
    )


def asked(server: RangeServer) -> list[range]:
    """The ranges of all requests."""
    ranges = []
    for request in server.requests:
        first, last = request.headers["Range"].removeprefix("bytes=").split("-")
        ranges.append(range(int(first), int(last) + 1))
    return ranges


@contextmanager
def failing(partial: Partial, kind: type[Exception]) -> Iterator[list[Exception]]:
    """Expects a failure, or the invitation that has it; what is there by then is right."""
    found: list[Exception] = []
    with pytest.raises((kind, Retryable)) as caught:
        yield found
    raised = caught.value
    found.append(raised)
    assert isinstance(raised.failure if isinstance(raised, Retryable) else raised, kind)
    for start, end in partial.there:
        assert b"".join(partial.read(start, end)) == CONTENT[start:end]
    assert partial.hashed <= partial.first_missing
    assert partial.digest.digest() == hashlib.sha256(CONTENT[: partial.hashed]).digest()


def test_an_object_comes_in_many_parts(server: RangeServer, partial: Partial) -> None:
    seen: list[int] = []
    download(partial, server.url(), seen.append)
    assert is_whole(partial)
    assert len(server.requests) > 10
    assert {request.headers.get("If-Range") for request in server.requests[1:]} == {'"1"'}
    assert seen == sorted(seen)


def test_no_byte_is_asked_for_twice_but_what_is_taken_over(
    server: RangeServer, partial: Partial
) -> None:
    download(partial, server.url())
    first, *others = asked(server)
    assert first.start == 0
    assert sum(map(len, others)) < 1.5 * len(CONTENT)
    # And the first connection, which was asked for more than it had to bring, was cut short.
    assert min(part.start for part in others) >= LIMITS.first


def test_there_are_no_more_connections_than_allowed(server: RangeServer, partial: Partial) -> None:
    most = 0

    def count(received: int) -> None:
        nonlocal most
        working = [thread for thread in threading.enumerate() if "_work" in thread.name]
        most = max(most, len(working))

    download(partial, server.url(), count, TransferLimits(**{**vars(LIMITS), "connections": 3}))
    assert is_whole(partial)
    assert most <= 3


def test_a_small_object_takes_one_request(partial: Partial) -> None:
    with RangeServer(CONTENT[:90_000], ETAG) as server:
        download(partial, server.url())
        assert len(server.requests) == 1
    assert partial.path.read_bytes() == CONTENT[:90_000]
    assert partial.hashed == 90_000


def test_an_empty_object_needs_no_connection(partial: Partial) -> None:
    with RangeServer(b"", ETAG) as server:
        download(partial, server.url())
    assert (partial.path.read_bytes(), partial.hashed) == (b"", 0)


def test_without_an_address_all_comes_by_the_first_connection(partial: Partial) -> None:
    with RangeServer(CONTENT, {}) as server:
        download(partial, server.url())
        assert len(server.requests) == 1
    assert is_whole(partial)


def test_an_object_of_unknown_size_ends_where_its_body_does(partial: Partial) -> None:
    with CannedServer(chunked(CONTENT[:70_000], CONTENT[70_000:])) as server:
        download(partial, f"{server.url}/m")
    assert is_whole(partial)


@pytest.mark.parametrize(
    "there",
    [
        [(0, 1)],
        [(0, 500_000), (700_000, 700_001), (1_500_000, 2_500_000)],
        [(10, 2_999_999)],
        [(0, 2_999_999)],
        [(1_000_000, 3_000_000)],
    ],
)
def test_what_is_there_is_not_asked_for_again(
    server: RangeServer, partial: Partial, there: list[tuple[int, int]]
) -> None:
    for start, end in there:
        partial.write(CONTENT[start:end], start)
    partial.there = there
    partial.version = Version(len(CONTENT), '"1"', {"If-Range": '"1"'})
    download(partial, server.url())
    assert is_whole(partial)
    missing = len(CONTENT) - sum(end - start for start, end in there)
    # The first request does not know where the next gap ends.
    assert sum(map(len, asked(server)[1:])) <= 1.5 * missing


FLEETING: list[Fault] = [
    Cut(70_000),
    Cut(33_333, reset=True),
    HangUp(),
    HangUp(reset=True),
    Stall(5_000, 1),
    Shorten(12_345),
    Answer(503),
    Answer(500),
]


@pytest.mark.parametrize("fault", FLEETING, ids=lambda fault: type(fault).__name__)
def test_a_connection_that_breaks_begins_where_it_was(
    server: RangeServer, faults: FaultProxy, partial: Partial, fault: Fault
) -> None:
    faults.set([None, fault, None, fault])
    download(partial, faults.url("/model"))
    assert is_whole(partial)
    assert faults.faults == [fault, fault]


def test_when_the_first_body_breaks_off_the_others_take_over(
    faults: FaultProxy, partial: Partial
) -> None:
    faults.set([Cut(50_000)])
    download(partial, faults.url("/model"))
    assert is_whole(partial)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (Answer(503), ServerFailed),
        (Answer(403), ServerFailed),
        (Answer(404), ServerFailed),
        (HangUp(), Unreachable),
        (Stall(0, 2), Unreachable),
        (Shorten(0), Truncated),
    ],
)
def test_what_came_is_kept_when_no_more_will(
    faults: FaultProxy, partial: Partial, answer: Fault, kind: type[Exception]
) -> None:
    faults.set([None, *repeat(answer, 200)])
    with failing(partial, kind) as found:
        download(partial, faults.url("/model"))
    assert isinstance(found[0], Retryable)
    # What had begun before the others failed is not given up.
    assert partial.there == [(0, LIMITS.first)]
    faults.set([])
    download(partial, faults.url("/model"))
    assert is_whole(partial)


def test_the_stores_wish_to_wait_is_passed_on(faults: FaultProxy, partial: Partial) -> None:
    faults.set([None, *repeat(Answer(429, retry_after="77"), 100)])
    begun = time.monotonic()
    with failing(partial, ServerFailed) as found:
        download(partial, faults.url("/model"))
    assert isinstance(found[0], Retryable)
    assert found[0].after == 77
    assert time.monotonic() - begun < 10
    # Nobody asks again before that.
    assert len(faults.faults) <= LIMITS.connections


@pytest.mark.parametrize("status", [200, 412, 416])
def test_a_refused_condition_means_another_version(
    faults: FaultProxy, partial: Partial, status: int
) -> None:
    faults.set([None, Answer(status)])
    with failing(partial, Changed):
        download(partial, faults.url("/model"))


@pytest.mark.parametrize(
    "headers",
    [
        {"ETag": '"2"', "Content-Range": "bytes {range}/3000000"},
        {"ETag": '"1"', "Content-Range": "bytes {range}/2999999"},
        {"ETag": '"1"', "Content-Range": "bytes 0-99/3000000"},
        {"ETag": '"1"'},
    ],
)
def test_a_part_of_something_else_is_not_taken(
    server: RangeServer, partial: Partial, headers: dict[str, str]
) -> None:
    """From servers that do not look at the condition."""
    wanted = f"{LIMITS.first}-{2 * LIMITS.first - 1}"
    head = "".join(f"{k}: {v.format(range=wanted)}\r\n" for k, v in headers.items())
    answer = f"HTTP/1.1 206 Part\r\n{head}Content-Length: 200000\r\n\r\n".encode() + bytes(200_000)
    with CannedServer(answer) as liar, HttpObject(HttpUrl(server.url()), time.time).open() as first:
        assert first
        lied = ObjectStream(first.version, first.body, Address(f"{liar.url}/m"), first.interrupt)
        with failing(partial, Changed):
            run(partial, lied)


def test_an_address_that_is_refused_is_not_asked_again(
    faults: FaultProxy, partial: Partial
) -> None:
    faults.set([None, *repeat(Answer(403), 100)])
    with failing(partial, ServerFailed):
        download(partial, faults.url("/model"))
    assert len(faults.faults) <= LIMITS.connections


def test_whoever_watches_can_end_it_all(faults: FaultProxy, partial: Partial) -> None:
    def stop(received: int) -> None:
        if received > 100_000:
            raise DeadlinePassed(url_of("https://host/m"), 1, received, None)

    # So slow that it can't be over before somebody has looked.
    faults.set([None, *repeat(Stall(after=50_000, seconds=2), 100)])
    with failing(partial, DeadlinePassed):
        download(partial, faults.url("/model"), stop)
    there = partial.there
    content = partial.path.read_bytes()
    assert 100_000 < partial.received < len(CONTENT)
    time.sleep(0.1)
    # Nobody goes on writing behind our back.
    assert (partial.path.read_bytes(), partial.there) == (content, there)


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(143), RuntimeError("a bug")])
def test_whatever_ends_it_what_is_there_is_recorded(
    server: RangeServer, tmp_path: Path, error: BaseException
) -> None:
    def stop(received: int) -> None:
        if received > 1_000_000:
            raise error

    with open_partial(tmp_path / "part") as partial, pytest.raises(type(error)):
        download(partial, server.url(), stop)
    with open_partial(tmp_path / "part") as partial:
        assert partial.received > 1_000_000
        assert partial.is_resumed
        server.forget_requests()
        download(partial, server.url())
        assert is_whole(partial)


def test_a_full_disk_is_the_disks_error(server: RangeServer, tmp_path: Path) -> None:
    descriptor = os.open("/dev/full", os.O_RDWR)
    try:
        with pytest.raises(OSError) as caught:
            download(Partial(tmp_path / "part", descriptor), server.url())
    finally:
        os.close(descriptor)
    assert caught.value.errno == errno.ENOSPC


def test_a_web_page_is_refused_before_the_rest_of_it_has_come(
    faults: FaultProxy, server: RangeServer, partial: Partial
) -> None:
    server.content = b"<html>" + CONTENT
    faults.set([Stall(10_000, 30)])
    begun = time.monotonic()
    with pytest.raises(HtmlPage):
        download(partial, faults.url("/model"))
    assert time.monotonic() - begun < 5


def test_an_error_of_ours_in_a_thread_is_raised_here(server: RangeServer, partial: Partial) -> None:
    with HttpObject(HttpUrl(server.url()), time.time).open() as first:
        assert first
        wrong = ObjectStream(first.version, first.body, Address("http://127.0.0.1:port/"))
        with pytest.raises((ValueError, http.client.InvalidURL)):
            run(partial, wrong)

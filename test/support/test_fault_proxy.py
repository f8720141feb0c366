"""The fault proxy does to its clients what its schedule says, and nothing else."""

from __future__ import annotations

import http.client
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import repeat

import boto3
import pytest

from slugfit.local.client import Client, Response
from slugfit.local.servers import is_listening
from support.faults import (
    Answer,
    Circle,
    Corrupt,
    Cut,
    Duplicate,
    Fault,
    FaultProxy,
    HangUp,
    Meanwhile,
    Page,
    Refuse,
    Shorten,
    Stall,
)
from support.http import Reply, ScriptedServer
from support.recording import Request
from support.s3 import S3Server
from support.servers import CannedServer, chunked

# No part of it is like another.
MODEL = b"".join(number.to_bytes(4, "big") for number in range(250_000))


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with ScriptedServer({"/model": Reply(MODEL, etag='"1"')}) as server:
        yield server


@pytest.fixture
def faults(server: ScriptedServer) -> Iterator[FaultProxy]:
    with FaultProxy(server.port) as faults:
        yield faults


def get(faults: FaultProxy, *schedule: Fault | None) -> Response:
    """The answer to one request after the schedule was set."""
    if schedule:
        faults.set(schedule)
    return Client(faults.port).get("/model")


def received(faults: FaultProxy, fault: Fault) -> tuple[bytes, Exception | None]:
    """The body as far as it came, and what ended it."""
    faults.set([fault])
    connection = http.client.HTTPConnection("127.0.0.1", faults.port, timeout=5)
    connection.request("GET", "/model")
    answer = connection.getresponse()
    body = b""
    try:
        while piece := answer.read1(10_000):
            body += piece
    except OSError as error:
        return body, error
    finally:
        connection.close()
    return body, None


def test_without_a_fault_everything_passes_unchanged(faults: FaultProxy) -> None:
    answer = get(faults)
    assert (answer.status, answer.body) == (200, MODEL)
    assert answer.headers["ETag"] == '"1"'
    assert Client(faults.port).get("/model", {"If-None-Match": '"1"'}).status == 304
    assert Client(faults.port).request("HEAD", "/model").headers["Content-Length"] == "1000000"
    assert Client(faults.port).get("/unknown").status == 404


def test_requests_follow_each_other_on_one_connection(faults: FaultProxy) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", faults.port, timeout=5)
    connection.connect()
    socket = connection.sock
    for _ in range(3):
        connection.request("GET", "/model")
        assert connection.getresponse().read() == MODEL
        assert connection.sock is socket
    connection.close()


def test_a_body_of_unknown_length_passes() -> None:
    with CannedServer(chunked(b"one, ", b"two")) as server:
        port = int(server.url.rpartition(":")[2])
        with FaultProxy(port, [None, Cut(3)]) as faults:
            assert get(faults).body == b"one, two"
            with pytest.raises(http.client.IncompleteRead):
                get(faults)


def test_a_fault_is_played_once_in_its_turn(faults: FaultProxy) -> None:
    statuses = [get(faults, Answer(500), None, Answer(503)).status]
    statuses += [get(faults).status for _ in range(3)]
    assert statuses == [500, 200, 503, 200]
    assert faults.faults == [Answer(500), Answer(503)]


def test_a_fault_stays_when_it_is_repeated(faults: FaultProxy) -> None:
    faults.set(repeat(Answer(500)))
    assert [get(faults).status for _ in range(5)] == [500] * 5


def test_only_requests_that_match_take_their_turn(server: ScriptedServer) -> None:
    def is_model(request: Request) -> bool:
        return request.path == "/model"

    with FaultProxy(server.port, [Answer(500)], matches=is_model) as faults:
        assert Client(faults.port).get("/other").status == 404
        assert Client(faults.port).get("/model").status == 500


def test_requests_are_recorded_with_their_ranges_and_faults(faults: FaultProxy) -> None:
    faults.set([None, Answer(416)])
    Client(faults.port).get("/model", {"Range": "bytes=0-9"})
    Client(faults.port).get("/model", {"Range": "bytes=10-19"})
    seen = [(turn.range, turn.fault) for turn in faults.played]
    assert seen == [("bytes=0-9", None), ("bytes=10-19", Answer(416))]
    assert faults.requests == [Request("GET", "/model")] * 2


def test_cut_ends_the_connection_after_as_many_bytes(faults: FaultProxy) -> None:
    with pytest.raises(http.client.IncompleteRead) as error:
        get(faults, Cut(after=600_001))
    assert error.value.partial == MODEL[:600_001]


def test_cut_can_reset_the_connection(faults: FaultProxy) -> None:
    body, error = received(faults, Cut(after=1_000, reset=True))
    assert MODEL[:1_000].startswith(body)
    assert isinstance(error, ConnectionResetError)


def test_shorten_makes_a_part_look_whole(faults: FaultProxy) -> None:
    answer = get(faults, Shorten(to=10))
    assert (answer.status, answer.body) == (200, MODEL[:10])
    assert answer.headers["Content-Length"] == "10"
    assert get(faults, Shorten(to=2_000_000)).body == MODEL


def test_stall_holds_the_other_bytes_back(faults: FaultProxy) -> None:
    faults.set([Stall(after=100, seconds=0.5)])
    connection = http.client.HTTPConnection("127.0.0.1", faults.port, timeout=0.2)
    connection.request("GET", "/model")
    answer = connection.getresponse()
    assert answer.read(100) == MODEL[:100]
    with pytest.raises(TimeoutError):
        answer.read(1)
    connection.close()
    began = time.monotonic()
    assert get(faults, Stall(after=100, seconds=0.5)).body == MODEL
    assert time.monotonic() - began >= 0.5


def test_a_stall_ends_with_the_proxy(server: ScriptedServer) -> None:
    began = time.monotonic()
    with FaultProxy(server.port, [Stall(after=0, seconds=60)]) as faults:
        connection = http.client.HTTPConnection("127.0.0.1", faults.port, timeout=5)
        connection.request("GET", "/model")
        answer = connection.getresponse()
    assert answer.read() == MODEL
    connection.close()
    assert time.monotonic() - began < 5


def test_corrupt_changes_one_byte(faults: FaultProxy) -> None:
    body = get(faults, Corrupt(at=300_000)).body
    changed = [at for at, (a, b) in enumerate(zip(body, MODEL, strict=True)) if a != b]
    assert changed == [300_000]


def test_duplicate_sends_more_than_announced(faults: FaultProxy) -> None:
    body = get(faults, Duplicate(at=1_000, count=500)).body
    assert body == (MODEL[:1_500] + MODEL[1_000:])[: len(MODEL)]
    connection = http.client.HTTPConnection("127.0.0.1", faults.port, timeout=5)
    faults.set([Duplicate(at=1_000, count=500)])
    connection.request("GET", "/model")
    socket = connection.sock
    connection.getresponse().read()
    assert connection.sock is socket
    # What came too much is no answer to the next request.
    connection.request("GET", "/model")
    with pytest.raises((http.client.HTTPException, ConnectionError)):
        connection.getresponse()
    connection.close()


@pytest.mark.parametrize(
    ("status", "code"),
    [(500, "InternalError"), (503, "SlowDown"), (429, "TooManyRequests"), (416, "InvalidRange")],
)
def test_answer_speaks_as_s3_does(
    server: ScriptedServer, faults: FaultProxy, status: int, code: str
) -> None:
    answer = get(faults, Answer(status, retry_after="2"))
    assert (answer.status, answer.headers["Retry-After"]) == (status, "2")
    assert f"<Error><Code>{code}</Code>" in answer.text
    assert "Retry-After" not in get(faults, Answer(status)).headers
    assert server.requests == []


def test_meanwhile_can_replace_the_object(server: ScriptedServer, faults: FaultProxy) -> None:
    new = Reply(b"new weights", etag='"2"')
    answer = get(faults, Meanwhile(500_000, lambda: server.set("/model", new)))
    assert (answer.headers["ETag"], answer.body) == ('"1"', MODEL)
    answer = get(faults)
    assert (answer.headers["ETag"], answer.body) == ('"2"', b"new weights")


def test_circle_leads_back(faults: FaultProxy) -> None:
    answer = get(faults, Circle())
    assert (answer.status, answer.headers["Location"]) == (302, faults.url("/model"))


def test_page_claims_that_all_is_well(faults: FaultProxy) -> None:
    answer = get(faults, Page())
    assert (answer.status, answer.headers["Content-Type"]) == (200, "text/html")
    assert answer.text.startswith("<!DOCTYPE html>")


def test_hang_up_says_nothing(faults: FaultProxy) -> None:
    with pytest.raises(http.client.RemoteDisconnected):
        get(faults, HangUp())
    with pytest.raises(ConnectionResetError):
        get(faults, HangUp(reset=True))


def test_refuse_lets_nobody_connect_for_a_while(faults: FaultProxy) -> None:
    open_before = http.client.HTTPConnection("127.0.0.1", faults.port, timeout=5)
    open_before.request("GET", "/model")
    open_before.getresponse().read()
    began = time.monotonic()
    with pytest.raises(ConnectionResetError):
        get(faults, Refuse(seconds=0.5))
    open_before.request("GET", "/model")
    with pytest.raises((http.client.RemoteDisconnected, ConnectionResetError)):
        open_before.getresponse()
    open_before.close()
    with pytest.raises(ConnectionRefusedError):
        get(faults)
    while not is_listening(faults.port):
        assert time.monotonic() - began < 5
    assert time.monotonic() - began > 0.4
    assert get(faults).body == MODEL


def test_a_refusal_ends_with_the_proxy(server: ScriptedServer) -> None:
    began = time.monotonic()
    with FaultProxy(server.port, [Refuse(60)]) as faults, pytest.raises(ConnectionResetError):
        get(faults)
    assert time.monotonic() - began < 5
    assert not is_listening(faults.port)


def test_sixteen_connections_at_once_share_the_schedule(faults: FaultProxy) -> None:
    faults.set([Answer(503), None, Answer(500)] * 8)
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: get(faults), range(64)))
    assert sorted(answer.status for answer in answers) == [200] * 48 + [500] * 8 + [503] * 8
    assert all(answer.body == MODEL for answer in answers if answer.status == 200)
    assert len(faults.requests) == 64


def test_who_stalls_holds_up_nobody_else(faults: FaultProxy) -> None:
    faults.set([Stall(after=100, seconds=0.5)] * 16)
    began = time.monotonic()
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda _: get(faults), range(16)))
    assert time.monotonic() - began < 4


def test_signatures_and_ranges_of_s3_hold() -> None:
    with S3Server() as s3:
        s3.create_bucket("models")
        s3.put("models", "digits/model", MODEL)
        with FaultProxy(int(s3.endpoint.rpartition(":")[2])) as faults:
            client = boto3.client(
                "s3",
                endpoint_url=faults.url(),
                region_name="us-east-1",
                aws_access_key_id=s3.access_key,
                aws_secret_access_key=s3.secret_key,
            )
            found = client.get_object(Bucket="models", Key="digits/model", Range="bytes=5-9")
            assert found["Body"].read() == MODEL[5:10]
            listed = client.list_objects_v2(Bucket="models", Prefix="digits/")
            assert [entry["Key"] for entry in listed["Contents"]] == ["digits/model"]
            client.put_object(Bucket="models", Key="small", Body=MODEL)
            assert client.head_object(Bucket="models", Key="small")["ContentLength"] == len(MODEL)
            assert [turn.range for turn in faults.played] == ["bytes=5-9", None, None, None]

"""Whole small objects, each in one exchange: the plain answer is read, any other is refused."""

from __future__ import annotations

import http.client
import threading
import time
from collections.abc import Iterator

import pytest

from slugfit.base.http import Connection, Network
from slugfit.fetch.whole_object import whole_object
from slugfit.local.servers import free_port
from slugfit.stores import Address
from support.chance import chance
from support.servers import CannedServer, PatientServer, RawServer, chunked

CONTENT = chance(9).randbytes(600_000)
"""More than one piece."""


def answer(body: bytes, *headers: str, status: str = "HTTP/1.1 200 OK") -> bytes:
    lines = [status, *headers, f"Content-Length: {len(body)}", "", ""]
    return "\r\n".join(lines).encode() + body


@pytest.fixture
def line() -> Iterator[Connection]:
    line = Connection(Network(silence_seconds=5))
    yield line
    line.close()


def ask(line: Connection, url: str, size: int, **headers: str) -> bytes:
    return b"".join(map(bytes, whole_object(line, Address(url, headers), size)))


@pytest.mark.parametrize("size", [0, 1, 65_536, 262_144, len(CONTENT)])
def test_an_object_comes_whole(line: Connection, size: int) -> None:
    with PatientServer(answer(CONTENT[:size])) as server:
        for _ in range(3):
            assert ask(line, server.url, size) == CONTENT[:size]
        assert server.connections == 1
        line.close()


def test_a_small_object_is_one_piece(line: Connection) -> None:
    with PatientServer(answer(b"weights")) as server:
        assert len([*whole_object(line, Address(server.url), 7)]) == 1
        line.close()


def test_a_request_says_what_http_wants_and_what_the_address_does(line: Connection) -> None:
    with PatientServer(answer(b"w")) as server:
        url = server.url.replace("//", "//user:password@")
        ask(line, f"{url}/a%20b?c=d#e", 1, **{"If-Match": '"1"'})
        line.close()
        first, *rest = server.heads[0].removesuffix("\r\n\r\n").split("\r\n")
    assert first == "GET /a%20b?c=d HTTP/1.1"
    assert sorted(rest) == [
        "Accept-Encoding: identity",
        f"Host: {server.url.removeprefix('http://')}",
        'If-Match: "1"',
        "User-Agent: slugfit",
    ]


def test_a_host_is_named_without_the_port_that_everybody_expects() -> None:
    with PatientServer(answer(b"w")) as proxy:
        line = Connection(Network.of({"http_proxy": proxy.url}))
        for port in (":80", ":8080"):
            ask(line, f"http://store.invalid{port}/m", 1)
        line.close()
    assert "\r\nHost: store.invalid\r\n" in proxy.heads[0]
    assert "\r\nHost: store.invalid:8080\r\n" in proxy.heads[1]


def test_what_would_be_another_request_is_not_sent(line: Connection) -> None:
    with PatientServer(answer(b"w")) as server:
        with pytest.raises(ValueError, match="Invalid header value"):
            ask(line, server.url, 1, **{"If-Match": "a\r\nHost: b"})
        line.close()
    assert server.heads == []


def test_a_connection_that_the_server_has_closed_meanwhile_is_replaced(line: Connection) -> None:
    with PatientServer(answer(b"w"), times=2) as server:
        for _ in range(5):
            assert ask(line, server.url, 1) == b"w"
            time.sleep(0.02)  # for the goodbye to arrive
        assert server.connections == 3
        line.close()


def test_an_announced_end_of_the_connection_is_respected(line: Connection) -> None:
    with PatientServer(answer(b"w", "connection: Close")) as server:
        assert [ask(line, server.url, 1) for _ in range(2)] == [b"w", b"w"]
        assert server.connections == 2


@pytest.mark.parametrize(
    "said",
    [
        answer(b"x" * 6),
        answer(b"x" * 8),
        answer(b"x" * 7, "Content-Length: 8"),
        answer(b"x" * 7, status="HTTP/1.1 206 Partial Content"),
        answer(b"x" * 7, status="HTTP/1.1 2000 OK"),
        answer(b"x" * 7, "content-encoding: gzip"),
        answer(b"", status="HTTP/1.1 412 Precondition Failed"),
        chunked(b"x" * 7),
        answer(b"x" * 7, "Transfer-Encoding: chunked"),
        answer(b"x" * 7, f"ETag: {'e' * 300_000}"),
        b"SSH-2.0\r\n\r\n",
    ],
)
def test_any_other_answer_is_unusual(line: Connection, said: bytes) -> None:
    with CannedServer(said) as server:
        with pytest.raises(http.client.HTTPException):
            ask(line, server.url, 7)
        # What is left of the answer is not taken for the next.
        with pytest.raises(http.client.HTTPException):
            ask(line, server.url, 7)
        assert server.connections == 2


@pytest.mark.parametrize("more", [b"more", answer(b"another")])
def test_what_is_left_of_a_response_is_not_taken_for_the_next(
    line: Connection, more: bytes
) -> None:
    with CannedServer(answer(b"weights") + more) as server:
        assert [ask(line, server.url, 7) for _ in range(3)] == [b"weights"] * 3


@pytest.mark.parametrize("said", [b"", answer(CONTENT)[:50], answer(CONTENT)[:-1]])
def test_an_answer_that_breaks_off_is_an_error_of_the_connection(
    line: Connection, said: bytes
) -> None:
    with CannedServer(said) as server:
        with pytest.raises(ConnectionError):
            ask(line, server.url, len(CONTENT))
        assert server.connections == 1


def test_so_is_one_that_is_refused(line: Connection) -> None:
    with pytest.raises(ConnectionRefusedError):
        ask(line, f"http://127.0.0.1:{free_port()}/", 1)


class _Silent(RawServer):
    def __init__(self) -> None:
        super().__init__()
        self.over = threading.Event()

    def talk(self, connection: object) -> None:
        self.over.wait(10)


def test_silence_is_an_end_and_so_is_an_interruption() -> None:
    with _Silent() as server:
        with pytest.raises(TimeoutError):
            ask(Connection(Network(silence_seconds=0.1)), server.url, 1)
        line = Connection(Network())
        timer = threading.Timer(0.1, line.interrupt)
        timer.start()
        begin = time.monotonic()
        with pytest.raises(ConnectionError):
            ask(line, server.url, 1)
        assert time.monotonic() - begin < 5
        server.over.set()

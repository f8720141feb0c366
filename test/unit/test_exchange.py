"""Whole small objects, each in one exchange: the plain answer is read, any other is refused."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from slugfit.local.heroku.processes import free_port
from slugfit.models.exchange import Exchange, Unusual
from slugfit.models.sources import Address
from slugfit.models.wire import Network
from unit.chance import chance
from unit.servers import CannedServer, PatientServer, RawServer, chunked

CONTENT = chance(9).randbytes(600_000)
"""More than one piece."""


def answer(body: bytes, *headers: str, status: str = "HTTP/1.1 200 OK") -> bytes:
    lines = [status, *headers, f"Content-Length: {len(body)}", "", ""]
    return "\r\n".join(lines).encode() + body


@pytest.fixture
def line() -> Iterator[Exchange]:
    line = Exchange(Network(silence_seconds=5))
    yield line
    line.close()


def ask(line: Exchange, url: str, size: int, **headers: str) -> bytes:
    return b"".join(map(bytes, line.get(Address(url, headers), size)))


@pytest.mark.parametrize("size", [0, 1, 65_536, 262_144, len(CONTENT)])
def test_an_object_comes_whole(line: Exchange, size: int) -> None:
    with PatientServer(answer(CONTENT[:size])) as server:
        for _ in range(3):
            assert ask(line, server.url, size) == CONTENT[:size]
        assert server.connections == 1
        line.close()


def test_a_small_object_is_one_piece(line: Exchange) -> None:
    with PatientServer(answer(b"weights")) as server:
        assert len([*line.get(Address(server.url), 7)]) == 1
        line.close()


def test_a_request_says_what_http_wants_and_what_the_address_does(line: Exchange) -> None:
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
        line = Exchange(Network.of({"http_proxy": proxy.url}))
        for port in (":80", ":8080"):
            ask(line, f"http://store.invalid{port}/m", 1)
        line.close()
    assert "\r\nHost: store.invalid\r\n" in proxy.heads[0]
    assert "\r\nHost: store.invalid:8080\r\n" in proxy.heads[1]


@pytest.mark.parametrize("headers", [{"If-Match": "a\r\nHost: b"}, {"If-Match": "é"}])
def test_what_would_be_another_request_is_not_sent(line: Exchange, headers: dict[str, str]) -> None:
    with PatientServer(answer(b"w")) as server:
        with pytest.raises(ValueError, match="no text for a header"):
            ask(line, server.url, 1, **headers)
        line.close()
    assert server.heads == []


def test_a_connection_that_the_server_has_closed_meanwhile_is_replaced(line: Exchange) -> None:
    with PatientServer(answer(b"w"), times=2) as server:
        for _ in range(5):
            assert ask(line, server.url, 1) == b"w"
            time.sleep(0.02)  # for the goodbye to arrive
        assert server.connections == 3
        line.close()


def test_an_announced_end_of_the_connection_is_respected(line: Exchange) -> None:
    with PatientServer(answer(b"w", "connection: Close")) as server:
        assert [ask(line, server.url, 1) for _ in range(2)] == [b"w", b"w"]
        assert server.connections == 2


@pytest.mark.parametrize(
    "said",
    [
        answer(b"x" * 6),
        answer(b"x" * 8),
        answer(b"x" * 7) + b"more",
        answer(b"x" * 7, "Content-Length: 8"),
        answer(b"x" * 7, status="HTTP/1.1 206 Partial Content"),
        answer(b"x" * 7, status="HTTP/1.1 2000 OK"),
        answer(b"x" * 7, status="HTTP/1.0 200 OK"),
        answer(b"", status="HTTP/1.1 412 Precondition Failed"),
        chunked(b"x" * 7),
        answer(b"x" * 7, "Transfer-Encoding: chunked"),
        answer(b"x" * 7, f"ETag: {'e' * 300_000}"),
        b"SSH-2.0\r\n\r\n",
    ],
)
def test_any_other_answer_is_unusual(line: Exchange, said: bytes) -> None:
    with CannedServer(said) as server:
        with pytest.raises(Unusual):
            ask(line, server.url, 7)
        # What is left of the answer is not taken for the next.
        with pytest.raises(Unusual):
            ask(line, server.url, 7)
        assert server.connections == 2


@pytest.mark.parametrize("said", [b"", answer(CONTENT)[:50], answer(CONTENT)[:-1]])
def test_an_answer_that_breaks_off_is_an_error_of_the_connection(
    line: Exchange, said: bytes
) -> None:
    with CannedServer(said) as server:
        with pytest.raises(ConnectionError):
            ask(line, server.url, len(CONTENT))
        assert server.connections == 1


def test_so_is_one_that_is_refused(line: Exchange) -> None:
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
            ask(Exchange(Network(silence_seconds=0.1)), server.url, 1)
        line = Exchange(Network())
        timer = threading.Timer(0.1, line.interrupt)
        timer.start()
        begin = time.monotonic()
        with pytest.raises(ConnectionError):
            ask(line, server.url, 1)
        assert time.monotonic() - begin < 5
        server.over.set()

"""Ranges over plain HTTP: on connections that are kept, through proxies, to whom is trusted."""

from __future__ import annotations

import http.client
import ssl
import threading
import time
from collections.abc import Iterator
from email.utils import formatdate
from pathlib import Path

import pytest
import trustme

from slugfit.base.http import Connection, Network, retry_after
from slugfit.local.servers import free_port
from support.servers import CannedServer, PatientServer, RawServer, TunnelProxy, chunked

HELLO = b'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nETag: "1"\r\n\r\nhello'
PASSWORD = "Basic bWU6cEBzcw=="  # me:p@ss
NOW = 1_700_000_000.0


@pytest.fixture
def line() -> Iterator[Connection]:
    line = Connection(Network(silence_seconds=5))
    yield line
    line.close()


def ask(line: Connection, url: str, **headers: str) -> bytes:
    """The body of the answer."""
    answer = line.get(url, headers)
    body = b"".join(iter(lambda: answer.read(3), b""))
    assert answer.is_read
    return body


def through(url: str, **environ: str) -> bytes:
    line = Connection(Network.of(environ))
    try:
        return ask(line, url)
    finally:
        line.close()


def test_a_request_asks_for_the_stored_bytes(line: Connection) -> None:
    with PatientServer(HELLO) as server:
        assert ask(line, f"{server.url}/a%20b?c=d#e", Range="bytes=0-4") == b"hello"
        first, *rest = server.heads[0].split("\r\n")
    assert first == "GET /a%20b?c=d HTTP/1.1"
    assert {"Accept-Encoding: identity", "User-Agent: slugfit", "Range: bytes=0-4"} < set(rest)


def test_a_url_without_a_path_has_one(line: Connection) -> None:
    with PatientServer(HELLO) as server:
        ask(line, f"{server.url}?c=d")
        assert server.heads[0].startswith("GET /?c=d HTTP/1.1\r\n")


def test_an_answer_tells_its_status_and_headers(line: Connection) -> None:
    with PatientServer(HELLO.replace(b"200 OK", b"206 Part")) as server:
        answer = line.get(server.url, {})
        assert (answer.status, answer.reason, answer.headers["ETag"]) == (206, "Part", '"1"')


def test_a_connection_is_kept_for_the_next_request(line: Connection) -> None:
    with PatientServer(HELLO) as server:
        for _ in range(5):
            assert line.is_free
            assert ask(line, server.url) == b"hello"
        assert server.connections == 1
        line.close()


def test_a_connection_is_free_as_soon_as_the_last_byte_is_read(line: Connection) -> None:
    with PatientServer(HELLO) as server:
        answer = line.get(server.url, {})
        read = 0
        while read < 5:
            assert not line.is_free
            read += len(answer.read(5 - read))
        assert line.is_free
        assert ask(line, server.url) == b"hello"
        assert server.connections == 1
        line.close()


def test_a_connection_that_the_server_has_closed_meanwhile_is_replaced(line: Connection) -> None:
    with PatientServer(HELLO, times=1) as server:
        for _ in range(3):
            assert ask(line, server.url) == b"hello"
            time.sleep(0.05)  # for the goodbye to arrive
        assert server.connections == 3


def test_an_announced_end_of_the_connection_is_respected(line: Connection) -> None:
    closing = HELLO.replace(b"ETag", b"Connection: close\r\nETag")
    with PatientServer(closing, times=1) as server:
        assert [ask(line, server.url) for _ in range(3)] == [b"hello"] * 3
        assert server.connections == 3


def test_a_new_connection_that_fails_is_not_tried_again_here(line: Connection) -> None:
    with CannedServer(b"") as server:
        with pytest.raises(http.client.RemoteDisconnected):
            line.get(server.url, {})
        assert server.connections == 1
    with pytest.raises(ConnectionRefusedError):
        line.get(f"http://127.0.0.1:{free_port()}/", {})


def test_another_server_gets_another_connection(line: Connection) -> None:
    with PatientServer(HELLO) as one, PatientServer(HELLO.replace(b"hello", b"world")) as other:
        assert ask(line, one.url) == b"hello"
        assert ask(line, other.url) == b"world"
        line.close()


def test_a_body_that_ends_too_early_just_ends(line: Connection) -> None:
    with CannedServer(HELLO[:-1]) as server:
        answer = line.get(server.url, {})
        assert b"".join(iter(lambda: answer.read(100), b"")) == b"hell"


def test_a_body_of_unknown_length_is_read_to_its_end(line: Connection) -> None:
    with PatientServer(chunked(b"one ", b"two")) as server:
        assert [ask(line, server.url) for _ in range(2)] == [b"one two"] * 2
        assert server.connections == 1
        line.close()


class SilentServer(RawServer):
    """Sends the beginning of an answer, and then nothing until the test is over."""

    def __init__(self) -> None:
        super().__init__()
        self.over = threading.Event()

    def talk(self, connection: object) -> None:
        connection.sendall(HELLO[:-1])  # type: ignore[attr-defined]
        self.over.wait(10)


@pytest.fixture
def silent() -> Iterator[SilentServer]:
    server = SilentServer()
    with server:
        yield server
        server.over.set()


def test_silence_is_an_end(silent: SilentServer) -> None:
    line = Connection(Network(silence_seconds=0.1))
    answer = line.get(silent.url, {})
    assert answer.read(100) == b"hell"
    with pytest.raises(TimeoutError):
        answer.read(100)
    line.close()


@pytest.mark.parametrize("header", [b"ETag: 1", b"Connection: close"])
def test_a_reader_can_be_interrupted(silent: SilentServer, header: bytes) -> None:
    line = Connection(Network())
    answer = line.get(silent.url, {})
    assert answer.read(100) == b"hell"
    read: list[bytes] = []
    reader = threading.Thread(target=lambda: read.append(answer.read(100)))
    reader.start()
    time.sleep(0.05)
    line.interrupt()
    reader.join(5)
    assert read == [b""]
    line.close()


def test_nobody_is_there_to_interrupt_before_and_after(line: Connection) -> None:
    line.interrupt()
    with PatientServer(HELLO) as server:
        ask(line, server.url)
        line.close()
        line.interrupt()
        assert ask(line, server.url) == b"hello"
        line.close()


# Proxies.


def test_a_proxy_is_told_the_whole_url_and_the_password() -> None:
    with PatientServer(HELLO) as proxy:
        address = proxy.url.replace("//", "//me:p%40ss@")
        assert through("http://models.invalid/m?c=d", http_proxy=address) == b"hello"
        first, *rest = proxy.heads[0].split("\r\n")
    assert first == "GET http://models.invalid/m?c=d HTTP/1.1"
    assert {"Host: models.invalid", f"Proxy-Authorization: {PASSWORD}"} < set(rest)


@pytest.mark.parametrize("name", ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"])
def test_every_name_of_a_proxy_is_known(name: str) -> None:
    with PatientServer(HELLO) as proxy:
        bare = proxy.url.removeprefix("http://")
        assert through("http://models.invalid/m", **{name: bare}) == b"hello"


@pytest.mark.parametrize("none", ["127.0.0.1", "*", "other.invalid, 127.0.0.1"])
def test_no_proxy_is_asked_for_hosts_that_need_none(none: str) -> None:
    with PatientServer(HELLO) as server:
        proxy = f"http://127.0.0.1:{free_port()}"
        assert through(server.url, http_proxy=proxy, no_proxy=none) == b"hello"
        assert through(server.url, http_proxy=proxy, NO_PROXY=none) == b"hello"


def test_other_hosts_are_asked_through_the_proxy() -> None:
    with PatientServer(HELLO) as proxy:
        said = through("http://models.invalid/m", http_proxy=proxy.url, no_proxy="127.0.0.1")
        assert said == b"hello"


def test_a_proxys_password_does_not_show_itself() -> None:
    assert "p%40ss" not in repr(Network.of({"https_proxy": "http://me:p%40ss@proxy"}))


# TLS.


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def ca_file(authority: trustme.CA, tmp_path: Path) -> str:
    path = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(path)
    return str(path)


@pytest.fixture
def secure(authority: trustme.CA) -> Iterator[PatientServer]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    server = PatientServer(HELLO, tls=context)
    with server:
        yield server


def secured(server: PatientServer) -> str:
    return server.url.replace("http://", "https://")


@pytest.mark.parametrize(
    "name", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "AWS_CA_BUNDLE"]
)
def test_a_server_that_a_named_authority_vouches_for_is_trusted(
    secure: PatientServer, ca_file: str, name: str
) -> None:
    assert through(secured(secure), **{name: ca_file}) == b"hello"


def test_a_server_that_nobody_vouches_for_is_not_trusted(secure: PatientServer) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        through(secured(secure))


def test_a_server_under_another_name_is_not_trusted(authority: trustme.CA, ca_file: str) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("models.invalid").configure_cert(context)
    server = PatientServer(HELLO, tls=context)
    with server, pytest.raises(ssl.SSLCertVerificationError, match=r"not valid for '127\.0\.0\.1'"):
        through(secured(server), SSL_CERT_FILE=ca_file)


def test_secure_connections_are_kept_too(secure: PatientServer, ca_file: str) -> None:
    line = Connection(Network.of({"SSL_CERT_FILE": ca_file}))
    assert [ask(line, secured(secure)) for _ in range(3)] == [b"hello"] * 3
    assert secure.connections == 1
    line.close()


def test_a_secure_reader_can_be_interrupted(secure: PatientServer, ca_file: str) -> None:
    line = Connection(Network.of({"SSL_CERT_FILE": ca_file}))
    ended: list[BaseException | bytes] = []

    def wait_for_more() -> None:
        try:
            ended.append(line._server.sock.recv(1))  # type: ignore[union-attr]
        except OSError as error:
            ended.append(error)

    ask(line, secured(secure))
    reader = threading.Thread(target=wait_for_more)
    reader.start()
    time.sleep(0.05)
    line.interrupt()
    reader.join(5)
    assert len(ended) == 1
    line.close()


def test_a_secure_server_is_reached_through_a_tunnel(secure: PatientServer, ca_file: str) -> None:
    with TunnelProxy(PASSWORD) as proxy:
        address = proxy.url.replace("//", "//me:p%40ss@")
        assert through(secured(secure), https_proxy=address, SSL_CERT_FILE=ca_file) == b"hello"
        assert proxy.heads[0].startswith(f"CONNECT {secure.url.removeprefix('http://')} HTTP/1.")
    assert secure.heads[0].startswith("GET / HTTP/1.1\r\n")
    # The password is the proxy's.
    assert "Authorization" not in secure.heads[0]


def test_a_tunnel_that_asks_for_a_password_is_an_error(secure: PatientServer, ca_file: str) -> None:
    with TunnelProxy(PASSWORD) as proxy, pytest.raises(OSError, match="407 Who are you"):
        through(secured(secure), HTTPS_PROXY=proxy.url, SSL_CERT_FILE=ca_file)


# Retry-After.


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        ("120", 120),
        (" 0 ", 0),
        (formatdate(NOW + 90, usegmt=True), 90),
        (formatdate(NOW - 90, usegmt=True), 0),
        ("soon", None),
        ("-1", None),
        ("²", None),
        ("Mon, 99 Foo 2026 25:00:00 GMT", None),
    ],
)
def test_retry_after_is_a_number_or_a_date(value: str | None, seconds: float | None) -> None:
    assert retry_after(value, NOW) == seconds

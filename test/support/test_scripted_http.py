"""The scripted HTTP server does to its clients what its table says."""

import http.client
from collections.abc import Iterator

import pytest

from slugfit.local.client import Client
from support.http import Reply, Request, ScriptedServer, failing, redirect


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    """A server whose table covers everything that it can do."""
    table: dict[str, Reply | list[Reply]] = {
        "/model": Reply(b"weights", headers={"Content-Type": "x/y"}, etag='"1"'),
        "/flaky": failing(2, then=Reply(b"at last")),
        "/moved": redirect("/model"),
        "/cut": Reply(b"0123456789", truncate_at=4),
        "/silent": Reply(hang_up=True),
    }
    with ScriptedServer(table) as server:
        yield server


@pytest.fixture
def client(server: ScriptedServer) -> Client:
    """A client of the server."""
    return Client(server.port)


def test_a_body_comes_with_its_headers_and_only_when_it_changed(client: Client) -> None:
    answer = client.get("/model?sig=secret")
    assert (answer.status, answer.body) == (200, b"weights")
    assert answer.headers["Content-Type"] == "x/y"
    assert answer.headers["Content-Length"] == "7"
    again = client.get("/model", {"If-None-Match": answer.headers["ETag"]})
    assert (again.status, again.body) == (304, b"")
    assert client.request("HEAD", "/model").body == b""


def test_failures_come_as_often_as_scripted(client: Client) -> None:
    assert [client.get("/flaky").status for _ in range(4)] == [500, 500, 200, 200]


def test_redirects_and_unknown_paths_are_answered(client: Client) -> None:
    moved = client.get("/moved")
    assert (moved.status, moved.headers["Location"]) == (302, "/model")
    assert client.get("/unknown").status == 404


def test_connections_end_early_as_scripted(client: Client) -> None:
    with pytest.raises(http.client.IncompleteRead, match="4 bytes read, 6 more expected"):
        client.get("/cut")
    with pytest.raises((http.client.RemoteDisconnected, ConnectionError)):
        client.get("/silent")


def test_requests_are_recorded_in_order(server: ScriptedServer, client: Client) -> None:
    client.get("/model?sig=secret", {"Accept": "a/b"})
    client.request("HEAD", "/unknown")
    assert server.requests == [Request("GET", "/model?sig=secret"), Request("HEAD", "/unknown")]
    assert server.requests[0].headers["Accept"] == "a/b"
    server.forget_requests()
    assert server.requests == []

"""A scripted HTTP server on the loopback interface: a table from paths to responses.

    with ScriptedServer({"/model.tflite": Reply(body=MODEL, etag='"1"')}) as server:
        fetch(server.url("/model.tflite"))
    assert server.requests == [Request("GET", "/model.tflite", …)]

A path may have several replies: each is given once, the last one for ever.
"""

import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from support.recording import QuietHandler, RecordingServer, Request

__all__ = ["Reply", "Request", "ScriptedServer", "failing", "redirect"]


@dataclass(frozen=True)
class Reply:
    """How to answer a request."""

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    # Answers 304 to a request whose If-None-Match has it.
    etag: str | None = None
    # Promises the whole body, sends this many bytes of it and hangs up.
    truncate_at: int | None = None
    # Hangs up without a word.
    hang_up: bool = False


def redirect(location: str, status: int = 302) -> Reply:
    """Return a reply that sends the client elsewhere."""
    return Reply(status=status, headers={"Location": location})


def failing(times: int, then: Reply, status: int = 500) -> list[Reply]:
    """Return replies that fail a number of times, and then do as asked."""
    return [Reply(b"failing, as scripted", status)] * times + [then]


class ScriptedServer(RecordingServer):
    """The server; a context manager. It answers 404 to what is not in its table."""

    def __init__(self, table: Mapping[str, Reply | Sequence[Reply]] | None = None) -> None:
        super().__init__(partial(_Handler, self))
        self._turns = threading.Lock()
        self._replies: dict[str, list[Reply]] = {}
        for path, replies in (table or {}).items():
            self.set(path, replies)

    def url(self, path: str = "/") -> str:
        """Return the URL of a path on this server."""
        return f"http://127.0.0.1:{self.port}{path}"

    def set(self, path: str, replies: Reply | Sequence[Reply]) -> None:
        """Answer requests for `path`, whatever their query, like this from now on."""
        with self._turns:
            self._replies[path] = [replies] if isinstance(replies, Reply) else list(replies)

    def take_reply(self, path: str) -> Reply:
        """Return the reply whose turn it is."""
        with self._turns:
            replies = self._replies.get(path.partition("?")[0], [Reply(b"unknown", 404)])
            return replies.pop(0) if len(replies) > 1 else replies[0]


class _Handler(QuietHandler):
    def __init__(self, scripted: ScriptedServer, *connection: Any) -> None:
        self._scripted = scripted
        super().__init__(*connection)

    def do_GET(self) -> None:  # noqa: N802 -- the name that http.server looks for
        self._scripted.record(self.seen())
        # A client that has seen enough hangs up, which is its right.
        with suppress(ConnectionError):
            self._answer(self._scripted.take_reply(self.path))

    def do_HEAD(self) -> None:  # noqa: N802 -- the name that http.server looks for
        self.do_GET()

    def _answer(self, reply: Reply) -> None:
        if reply.hang_up:
            self.close_connection = True
            return
        if reply.etag and self.headers.get("If-None-Match") == reply.etag:
            reply = Reply(status=304, etag=reply.etag)
        self._send_head(reply)
        if self.command != "HEAD":
            self._send_body(reply)

    def _send_head(self, reply: Reply) -> None:
        headers = {"Content-Length": str(len(reply.body)), **reply.headers}
        if reply.etag:
            headers["ETag"] = reply.etag
        self.send_response(reply.status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def _send_body(self, reply: Reply) -> None:
        self.wfile.write(reply.body[: reply.truncate_at])
        if reply.truncate_at is not None:
            self.close_connection = True

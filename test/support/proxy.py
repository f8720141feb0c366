"""A reverse proxy in front of a server on the loopback interface, which records what passes.

It changes nothing, not even the Host header, so that signatures hold.
"""

import http.client
from collections.abc import Mapping
from functools import partial
from typing import Any

from support.recording import QuietHandler, RecordingServer

PIECE = 1 << 18
# What concerns one connection and not the message.
HOP_BY_HOP = {"connection", "keep-alive"}
NO_HEADERS: Mapping[str, str] = {}


class RecordingProxy(RecordingServer):
    """Passes requests on to `target_port`; a context manager."""

    def __init__(self, target_port: int) -> None:
        super().__init__(partial(_Handler, self))
        self.target_port = target_port

    def url(self, path: str = "") -> str:
        """Return the URL of a path on this server."""
        return f"http://127.0.0.1:{self.port}{path}"

    def handle(self, exchange: "Exchange") -> None:
        """Answer one request, as the server behind does."""
        self.record(exchange.client.seen())
        exchange.pass_on()


class _Handler(QuietHandler):
    def __init__(self, proxy: RecordingProxy, *connection: Any) -> None:
        self._proxy = proxy
        super().__init__(*connection)

    def _handle(self) -> None:
        exchange = Exchange(self, self._proxy.target_port)
        try:
            self._proxy.handle(exchange)
        except (OSError, http.client.HTTPException):
            # Either side may hang up, which the other one then sees.
            self.close_connection = True
        finally:
            exchange.close()

    # The names that http.server looks for.
    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = _handle  # noqa: N815 -- see above


class Exchange:
    """A request and its answer, which passes step by step."""

    def __init__(self, client: QuietHandler, target_port: int) -> None:
        self.client = client
        self._target = http.client.HTTPConnection("127.0.0.1", target_port, timeout=60)
        self._answer: http.client.HTTPResponse | None = None
        self._chunked = False

    @property
    def answer(self) -> http.client.HTTPResponse:
        """What the server behind says; it hears of the request when this is first looked at."""
        if self._answer is None:
            self._send_request()
            self._answer = self._target.getresponse()
        return self._answer

    def pass_on(self) -> None:
        """Let the whole answer pass."""
        self.send_head()
        self.send_body()

    def send_head(self, changed: Mapping[str, str] = NO_HEADERS) -> None:
        """Let status and headers pass, but for those that are `changed`."""
        self.client.send_response_only(self.answer.status, self.answer.reason)
        without = HOP_BY_HOP | {name.lower() for name in changed}
        kept = [item for item in self.answer.getheaders() if item[0].lower() not in without]
        for name, value in [*kept, *changed.items()]:
            self.client.send_header(name, value)
        self._chunked = self.answer.chunked and self.client.command != "HEAD"
        if self.answer.length is None and not self._chunked:
            # A body of unknown length ends where the connection does.
            self.client.send_header("Connection", "close")
        self.client.end_headers()

    def send_body(self, count: int | None = None) -> None:
        """Let the next `count` bytes of the body pass, or what is left of it."""
        buffer = memoryview(bytearray(PIECE))
        left = count
        while left != 0 and (got := self.answer.readinto(buffer[:left])):
            self.write(buffer[:got])
            left = None if left is None else left - got
        if count is None:
            self._end_body()

    def write(self, data: bytes | memoryview) -> None:
        """Send bytes of a body, whoever made them."""
        if self._chunked and data:
            data = b"%x\r\n%s\r\n" % (len(data), data)
        self.client.wfile.write(data)

    def reply(self, status: int, body: bytes, headers: Mapping[str, str] = NO_HEADERS) -> None:
        """Answer in place of the server behind."""
        self.client.send_response_only(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.client.send_header(name, value)
        self.client.end_headers()
        if self.client.command != "HEAD":
            self.client.wfile.write(body)
        if "Content-Length" in self.client.headers and self._answer is None:
            # The request's body is still to be read.
            self.client.close_connection = True

    def close(self) -> None:
        """Part from the server behind."""
        self._target.close()

    def _send_request(self) -> None:
        client, target = self.client, self._target
        target.putrequest(client.command, client.path, skip_host=True, skip_accept_encoding=True)
        for name, value in client.headers.items():
            target.putheader(name, value)
        target.endheaders()
        left = int(client.headers.get("Content-Length", 0))
        while left and (piece := client.rfile.read(min(PIECE, left))):
            target.send(piece)
            left -= len(piece)

    def _end_body(self) -> None:
        if self._chunked:
            self.client.wfile.write(b"0\r\n\r\n")
        elif self.answer.length:
            # The server behind has hung up.
            self.client.close_connection = True

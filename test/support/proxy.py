"""A reverse proxy in front of a server on the loopback interface, which records what passes.

It changes nothing, not even the Host header, so that signatures hold.
"""

import http.client
from contextlib import closing, suppress
from functools import partial
from typing import Any

from support.recording import QuietHandler, RecordingServer

CHUNK = 1 << 16
# What concerns one connection and not the message.
HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding"}


class RecordingProxy(RecordingServer):
    """Passes requests on to `target_port`; a context manager."""

    def __init__(self, target_port: int) -> None:
        super().__init__(partial(_Handler, self))
        self.target_port = target_port


class _Handler(QuietHandler):
    def __init__(self, proxy: RecordingProxy, *connection: Any) -> None:
        self._proxy = proxy
        super().__init__(*connection)

    def _pass_on(self) -> None:
        self._proxy.record(self.seen())
        target = http.client.HTTPConnection("127.0.0.1", self._proxy.target_port, timeout=60)
        # Either side may hang up, which the other one then sees.
        with closing(target), suppress(ConnectionError):
            self._send_request(target)
            self._send_response(target.getresponse())

    # The names that http.server looks for.
    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = _pass_on  # noqa: N815 -- see above

    def _send_request(self, target: http.client.HTTPConnection) -> None:
        target.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
        for name, value in self.headers.items():
            target.putheader(name, value)
        target.endheaders()
        left = int(self.headers.get("Content-Length", 0))
        while left and (chunk := self.rfile.read(min(CHUNK, left))):
            target.send(chunk)
            left -= len(chunk)

    def _send_response(self, response: http.client.HTTPResponse) -> None:
        self.send_response_only(response.status, response.reason)
        for name, value in response.getheaders():
            if name.lower() not in HOP_BY_HOP:
                self.send_header(name, value)
        # A body of unknown length ends where the connection does.
        self.send_header("Connection", "close")
        self.close_connection = True
        self.end_headers()
        while chunk := response.read(CHUNK):
            self.wfile.write(chunk)

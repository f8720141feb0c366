"""Servers that behave as no library would: every byte, and every hang-up, is the test's own."""

from __future__ import annotations

import re
import selectors
import socket
import socketserver
import ssl
import threading
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from types import TracebackType
from typing import Any, TypeVar

from support.recording import QuietHandler, RecordingServer

_PIECE = 1 << 16

Self = TypeVar("Self", bound="RawServer")


class RawServer:
    """Calls `talk` with every connection, in a thread; a context manager."""

    def __init__(self) -> None:
        outer = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                outer.talk(self.request)

        self.connections = 0
        self._counting = threading.Lock()
        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def talk(self, connection: socket.socket) -> None:
        raise NotImplementedError

    def count(self) -> int:
        """The number of this connection, from 1 on."""
        with self._counting:
            self.connections += 1
            return self.connections

    def __enter__(self: Self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class CannedServer(RawServer):
    """Answers whatever is asked with the same bytes, then hangs up."""

    def __init__(self, answer: bytes) -> None:
        super().__init__()
        self._answer = answer

    def talk(self, connection: socket.socket) -> None:
        self.count()
        read_head(connection)
        connection.sendall(self._answer)


class PatientServer(RawServer):
    """Answers `answer` to some requests on each connection, then hangs up; keeps their heads."""

    def __init__(
        self, answer: bytes, times: int = 1_000, tls: ssl.SSLContext | None = None
    ) -> None:
        super().__init__()
        self.heads: list[str] = []
        self._answer = answer
        self._times = times
        self._tls = tls

    def talk(self, connection: socket.socket) -> None:
        self.count()
        if self._tls is None:
            self._converse(connection)
            return
        with suppress(OSError), self._tls.wrap_socket(connection, server_side=True) as secured:
            self._converse(secured)

    def _converse(self, connection: socket.socket) -> None:
        for _ in range(self._times):
            head = read_head(connection)
            if not head:
                return
            self.heads.append(head.decode())
            connection.sendall(self._answer)


class TunnelProxy(RawServer):
    """Connects to where it is asked to, for those who know the password; keeps their heads."""

    def __init__(self, authorization: str | None = None) -> None:
        super().__init__()
        self.heads: list[str] = []
        self._authorization = authorization

    def talk(self, connection: socket.socket) -> None:
        self.count()
        head = read_head(connection).decode()
        self.heads.append(head)
        if self._authorization and f"Proxy-Authorization: {self._authorization}\r\n" not in head:
            connection.sendall(b"HTTP/1.1 407 Who are you?\r\nContent-Length: 0\r\n\r\n")
            return
        host, _, port = head.split()[1].rpartition(":")
        with socket.create_connection((host, int(port))) as target:
            connection.sendall(b"HTTP/1.1 200 Connected\r\n\r\n")
            _join(connection, target)


class CuttingProxy(RawServer):
    """Stands before a server; breaks its first answers off after some bytes of them."""

    def __init__(self, target_port: int, *, after: int, times: int) -> None:
        super().__init__()
        self._target_port = target_port
        self._after = after
        self._times = times

    def talk(self, connection: socket.socket) -> None:
        left = self._after if self.count() <= self._times else None
        first, rest = read_head(connection).split(b"\r\n", 1)
        with socket.create_connection(("127.0.0.1", self._target_port)) as target:
            # So that an answer ends where the connection does.
            target.sendall(first + b"\r\nConnection: close\r\n" + rest)
            while piece := target.recv(_PIECE if left is None else min(_PIECE, left)):
                connection.sendall(piece)
                if left is not None:
                    left -= len(piece)
                    if not left:
                        return


class RangeServer(RecordingServer):
    """Has one file, at every path, whole and in parts; a context manager.

    `headers` come with every answer; among them are the ETag and the date, if it is to have any.
    """

    def __init__(self, content: bytes, headers: Mapping[str, str]) -> None:
        super().__init__(partial(_RangeHandler, self))
        self.content = content
        self.headers = headers

    def url(self, path: str = "/model") -> str:
        return f"http://127.0.0.1:{self.port}{path}"


class _RangeHandler(QuietHandler):
    def __init__(self, server: RangeServer, *connection: Any) -> None:
        self._file = server
        super().__init__(*connection)

    def do_GET(self) -> None:  # noqa: N802 (the name that http.server looks for)
        self._file.record(self.seen())
        content, headers = self._file.content, self._file.headers
        asked = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
        condition = self.headers.get("If-Range")
        status = 200
        if asked and condition in (None, *headers.values()):
            status, start = 206, int(asked[1])
            part = content[start : int(asked[2]) + 1]
            shown = f"bytes {start}-{start + len(part) - 1}/{len(content)}"
            content, headers = part, {**headers, "Content-Range": shown}
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        with suppress(ConnectionError):  # a client that has seen enough hangs up
            self.wfile.write(content)


def read_head(connection: socket.socket) -> bytes:
    """A request that has no body."""
    head = b""
    while b"\r\n\r\n" not in head and (piece := connection.recv(_PIECE)):
        head += piece
    return head


def _join(one: socket.socket, other: socket.socket) -> None:
    """Pass on what either says, until one hangs up."""
    with selectors.DefaultSelector() as waiting:
        waiting.register(one, selectors.EVENT_READ, other)
        waiting.register(other, selectors.EVENT_READ, one)
        while True:
            for key, _ in waiting.select():
                piece = key.fileobj.recv(_PIECE)  # type: ignore[union-attr] # both are sockets
                if not piece:
                    return
                key.data.sendall(piece)


def chunked(*pieces: bytes) -> bytes:
    """A whole answer with status 200 that doesn't say how long it is."""
    body = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)
    return b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + body + b"0\r\n\r\n"

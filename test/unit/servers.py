"""Servers that behave as no library would: every byte, and every hang-up, is the test's own."""

from __future__ import annotations

import socket
import socketserver
import threading
from types import TracebackType

_PIECE = 1 << 16


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

    def __enter__(self) -> RawServer:
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


def read_head(connection: socket.socket) -> bytes:
    """A request that has no body."""
    head = b""
    while b"\r\n\r\n" not in head and (piece := connection.recv(_PIECE)):
        head += piece
    return head


def chunked(*pieces: bytes) -> bytes:
    """A whole answer with status 200 that doesn't say how long it is."""
    body = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)
    return b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + body + b"0\r\n\r\n"

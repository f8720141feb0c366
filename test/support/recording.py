"""What the HTTP servers of the tests share: they run in a thread and record their requests."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeVar

Self = TypeVar("Self", bound="RecordingServer")


@dataclass(frozen=True)
class Request:
    """A request that a server has seen; two are equal whatever their headers."""

    method: str
    path: str
    headers: Mapping[str, str] = field(compare=False, default_factory=dict)


class ThreadedServer(ThreadingHTTPServer):
    """Serves every connection in a thread."""

    # Clients that come all at once: past this number the system makes them wait a second.
    request_queue_size = 128


class RecordingServer:
    """A server on a free loopback port; a context manager."""

    def __init__(self, handler: Callable[..., BaseHTTPRequestHandler]) -> None:
        self._lock = threading.Lock()
        self._requests: list[Request] = []
        self._server = ThreadedServer(("127.0.0.1", 0), handler)
        self._thread = threading.Thread()

    def __enter__(self: Self) -> Self:
        self._serve()
        return self

    def __exit__(self, *exception: object) -> None:
        self._close()

    @property
    def port(self) -> int:
        """The port that the server listens on."""
        return self._server.server_port

    @property
    def requests(self) -> list[Request]:
        """The requests so far, in order."""
        with self._lock:
            return list(self._requests)

    def forget_requests(self) -> None:
        """Begin a new list of requests."""
        with self._lock:
            self._requests.clear()

    def record(self, request: Request) -> None:
        """Append to the list of requests."""
        with self._lock:
            self._requests.append(request)

    def _serve(self) -> None:
        # The interval at which it looks whether it shall end.
        serve = partial(self._server.serve_forever, poll_interval=0.02)
        self._thread = threading.Thread(target=serve, daemon=True)
        self._thread.start()

    def _close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class QuietHandler(BaseHTTPRequestHandler):
    """Speaks HTTP/1.1 and logs nothing: the list of requests is the log."""

    protocol_version = "HTTP/1.1"
    # A head and its body leave at once, not when the client has confirmed the head.
    disable_nagle_algorithm = True

    def handle_one_request(self) -> None:
        """Answer the next request, if the client still wants to ask."""
        try:
            super().handle_one_request()
        except ConnectionError:
            self.close_connection = True

    def log_message(self, *args: Any) -> None:
        """Print nothing."""

    def seen(self) -> Request:
        """Return the present request as it is recorded."""
        return Request(self.command, self.path, dict(self.headers))

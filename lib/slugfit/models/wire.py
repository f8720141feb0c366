"""Ranges of objects over plain HTTP, at the speed of the socket.

The stores' own clients find out where an object is and whether it may be read. This module then
moves its bytes: a piece as it arrives, over connections that are kept. It knows no store.
"""

from __future__ import annotations

import http.client
import re
import socket
import ssl
from base64 import b64encode
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from functools import cached_property
from typing import TypeVar
from urllib.parse import SplitResult, unquote, urlsplit
from urllib.request import proxy_bypass_environment  # type: ignore[attr-defined] # not in its stub

import certifi

CONNECT_SECONDS = 10.0
SILENCE_SECONDS = 30.0
"""How long a connection may say nothing before it counts as broken."""

_OWN_HEADERS = {
    # The stored bytes, which are what size and checksum are of.
    "Accept-Encoding": "identity",
    "User-Agent": "slugfit",
}
_PORTS = {"http": 80, "https": 443}
_LINE = re.compile("[ -~]+")

T = TypeVar("T")


@dataclass(frozen=True)
class Network:
    """How to get out: proxies by scheme, hosts that need none, and whom to trust."""

    proxies: Mapping[str, str] = field(default_factory=dict, repr=False)
    no_proxy: str = ""
    ca_file: str | None = None
    connect_seconds: float = CONNECT_SECONDS
    silence_seconds: float = SILENCE_SECONDS

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> Network:
        """What the environment says, in the variables that requests and curl read."""

        def named(*names: str) -> str | None:
            return next((environ[name] for name in names if environ.get(name)), None)

        def proxy_for(scheme: str) -> str | None:
            return named(f"{scheme}_proxy", f"{scheme.upper()}_PROXY", "all_proxy", "ALL_PROXY")

        return cls(
            {scheme: proxy for scheme in _PORTS if (proxy := proxy_for(scheme))},
            named("no_proxy", "NO_PROXY") or "",
            named("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "AWS_CA_BUNDLE", "SSL_CERT_FILE"),
        )

    def proxy_for(self, url: SplitResult) -> SplitResult | None:
        proxy = self.proxies.get(url.scheme)
        if not proxy or proxy_bypass_environment(url.netloc, {"no": self.no_proxy}):
            return None
        return urlsplit(proxy if "://" in proxy else f"http://{proxy}")

    @cached_property
    def tls(self) -> ssl.SSLContext:
        """One context for all connections: reading the authorities takes longest."""
        context = ssl.create_default_context(cafile=self.ca_file or certifi.where())
        context.set_alpn_protocols(["http/1.1"])
        return context


class Answer:
    """A response, and its body."""

    def __init__(self, response: http.client.HTTPResponse) -> None:
        self._response = response
        self.status = response.status
        self.reason = response.reason
        self.headers = response.headers

    @property
    def is_read(self) -> bool:
        """Whether all of the body has been read."""
        if self._response.length == 0:
            self._response.close()  # Python before 3.12.2 forgets to
        return self._response.isclosed()

    def read(self, size: int) -> bytes:
        """What has arrived, at most `size` bytes; none at the end, be it too early.

        Raises OSError or HTTPException when the connection breaks.
        """
        return self._response.read1(size)

    def readinto(self, view: memoryview) -> int:
        """As `read`, into a buffer; how many bytes."""
        response = self._response
        if response.chunked or response.length is None or response.isclosed():
            data = response.read1(len(view))
            view[: len(data)] = data
            return len(data)
        # What the socket has, as it is: http.client's own would wait until the buffer is full.
        count = response.fp.readinto1(view[: response.length])
        response.length -= count
        return count

    def retry_after(self, now: float) -> float | None:
        """The seconds that the server asks to wait, if it does."""
        return retry_after(self.headers.get("Retry-After"), now)


class Connection:
    """A connection for one request at a time, kept for the next one to the same server."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._origin = ("", "")
        self._answer: Answer | None = None
        self._server: http.client.HTTPConnection | None = None
        self._socket: socket.socket | None = None
        self._through_proxy: Mapping[str, str] = {}

    def get(self, url: str, headers: Mapping[str, str]) -> Answer:
        """The response to a GET, of whatever status. Raises OSError or HTTPException."""
        parts = urlsplit(url)
        return self._talk(parts, lambda server: self._get(server, parts, headers))

    def ask(self, url: str, headers: Mapping[str, str], receive: Callable[[socket.socket], T]) -> T:
        """What `receive` makes of the answer to a GET, which it reads as it comes.

        Raises OSError, or ValueError for what can't be sent.
        """
        parts = urlsplit(url)

        def talk(server: http.client.HTTPConnection) -> T:
            asked = {"Host": _host(parts), **self._headers(headers)}
            lines = [f"GET {self._target(parts)} HTTP/1.1", *map(": ".join, asked.items())]
            if not all(map(_LINE.fullmatch, lines)):
                raise ValueError("no text for a header")
            server.sock.sendall("\r\n".join([*lines, "", ""]).encode())
            return receive(server.sock)

        return self._talk(parts, talk)

    @property
    def is_free(self) -> bool:
        """Whether the last answer has been read, so that the next request may follow."""
        return self._answer is None or self._answer.is_read

    def close(self) -> None:
        if self._server:
            self._server.close()
            self._server = None

    def interrupt(self) -> None:
        """Make a thread that reads from this connection stop at once."""
        if self._socket:
            with suppress(OSError):
                # Not the method of a TLS socket: that takes TLS away from under the reader.
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)

    def _talk(self, url: SplitResult, talk: Callable[[http.client.HTTPConnection], T]) -> T:
        server, is_new = self._server_for(url)
        try:
            return talk(server)
        except (ConnectionError, http.client.BadStatusLine):
            self.close()
            if is_new:
                raise
            # The server had closed a connection that waited too long.
            return talk(self._server_for(url)[0])

    def _get(
        self, server: http.client.HTTPConnection, url: SplitResult, headers: Mapping[str, str]
    ) -> Answer:
        server.request("GET", self._target(url), headers=self._headers(headers))
        self._answer = Answer(server.getresponse())
        return self._answer

    def _target(self, url: SplitResult) -> str:
        target = url._replace(path=url.path or "/", fragment="")
        if not self._through_proxy:
            target = target._replace(scheme="", netloc="")
        return target.geturl()

    def _headers(self, headers: Mapping[str, str]) -> dict[str, str]:
        return {**_OWN_HEADERS, **self._through_proxy, **headers}

    def _server_for(self, url: SplitResult) -> tuple[http.client.HTTPConnection, bool]:
        origin = (url.scheme, url.netloc)
        # An answer after which the server hangs up takes the socket with it.
        if self._server and self._server.sock and self._origin == origin:
            return self._server, False
        self.close()
        self._server, self._origin = self._connect(url), origin
        return self._server, True

    def _connect(self, url: SplitResult) -> http.client.HTTPConnection:
        proxy = self._network.proxy_for(url)
        credentials = _basic(proxy) if proxy else {}
        server = self._to(proxy or url, tls=url.scheme == "https")
        if proxy and url.scheme == "https":
            server.set_tunnel(url.hostname or "", url.port or _PORTS["https"], credentials)
        self._through_proxy = (
            {"Host": _host(url), **credentials} if proxy and url.scheme == "http" else {}
        )
        try:
            server.connect()
        except BaseException:
            server.close()
            raise
        self._socket = server.sock
        self._socket.settimeout(self._network.silence_seconds)
        return server

    def _to(self, url: SplitResult, *, tls: bool) -> http.client.HTTPConnection:
        port = url.port or _PORTS.get(url.scheme)
        host = url.hostname or ""
        if tls:
            return http.client.HTTPSConnection(
                host, port, timeout=self._network.connect_seconds, context=self._network.tls
            )
        return http.client.HTTPConnection(host, port, timeout=self._network.connect_seconds)


def hang_up(descriptor: int) -> None:
    """End a connection that another thread may be reading from; it remains to be closed."""
    with socket.socket(fileno=descriptor) as borrowed:
        try:
            borrowed.shutdown(socket.SHUT_RDWR)
        finally:
            borrowed.detach()


def retry_after(value: str | None, now: float) -> float | None:
    """The seconds to wait that a Retry-After header names, as a number or a date."""
    if value is None:
        return None
    if value.strip().isdecimal():
        return float(value)
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - now)
    except ValueError:
        return None


def _host(url: SplitResult) -> str:
    """The header's value: without a password, or the port that everybody expects."""
    host = url.netloc.rpartition("@")[2]
    return host.removesuffix(f":{_PORTS.get(url.scheme)}")


def _basic(proxy: SplitResult) -> dict[str, str]:
    if proxy.username is None:
        return {}
    user = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}"
    return {"Proxy-Authorization": f"Basic {b64encode(user.encode()).decode()}"}

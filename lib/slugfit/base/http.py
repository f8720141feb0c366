"""Plain HTTP GET requests, for ranges of objects, as fast as the socket.

The stores' own clients determine where an object is and whether it may be read. This module then
transfers its bytes, over persistent connections. It is independent of the stores.
"""

from __future__ import annotations

import http.client
import socket
import ssl
from base64 import b64encode
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from functools import cached_property
from urllib.parse import SplitResult, unquote, urlsplit
from urllib.request import proxy_bypass_environment  # type: ignore[attr-defined] # not in its stub

import certifi

CONNECT_SECONDS = 10.0
SILENCE_SECONDS = 30.0
"""The read timeout of a connection."""

_OWN_HEADERS = {
    # The stored bytes, to which size and checksum refer.
    "Accept-Encoding": "identity",
    "User-Agent": "slugfit",
}
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True)
class Network:
    """Network settings: proxies by scheme, hosts without a proxy, CA file, and timeouts."""

    proxies: Mapping[str, str] = field(default_factory=dict, repr=False)
    no_proxy: str = ""
    ca_file: str | None = None
    connect_seconds: float = CONNECT_SECONDS
    silence_seconds: float = SILENCE_SECONDS

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> Network:
        """From the environment variables that requests and curl read."""

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
        """One context for all connections: loading the CA certificates is slow."""
        context = ssl.create_default_context(cafile=self.ca_file or certifi.where())
        context.set_alpn_protocols(["http/1.1"])
        return context


class HttpResponse:
    """A response whose body is read incrementally."""

    def __init__(self, response: http.client.HTTPResponse) -> None:
        self._response = response
        self.status = response.status
        self.reason = response.reason
        self.headers = response.headers

    @property
    def is_read(self) -> bool:
        """Whether the whole body has been read."""
        if self._response.length == 0:
            self._response.close()  # Python before 3.12.2 does not
        return self._response.isclosed()

    def read(self, size: int) -> bytes:
        """Up to `size` bytes, as soon as any arrive; none at the end, even if it is premature.

        Raises OSError or HTTPException when the connection breaks.
        """
        return self._response.read1(size)

    def readinto(self, view: memoryview) -> int:
        """As `read`, into a buffer. Returns the number of bytes."""
        response = self._response
        if response.chunked or response.length is None or response.isclosed():
            data = response.read1(len(view))
            view[: len(data)] = data
            return len(data)
        # Directly from the socket: http.client's readinto would wait until the buffer is full.
        count = response.fp.readinto1(view[: response.length])
        response.length -= count
        return count

    def close(self) -> None:
        self._response.close()

    def retry_after(self, now: float) -> float | None:
        """The seconds to wait according to Retry-After; None without it."""
        return retry_after(self.headers.get("Retry-After"), now)


class Connection:
    """A persistent connection, for one request at a time."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._origin = ("", "")
        self._response: HttpResponse | None = None
        self._server: http.client.HTTPConnection | None = None
        self._socket: socket.socket | None = None
        self._through_proxy: Mapping[str, str] = {}

    def get(self, url: str, headers: Mapping[str, str]) -> HttpResponse:
        """The response to a GET request, of any status. Raises OSError or HTTPException."""
        parts = urlsplit(url)
        server, is_new = self._server_for(parts)
        try:
            return self._get(server, parts, headers)
        except (ConnectionError, http.client.BadStatusLine):
            self.close()
            if is_new:
                raise
            # The server had closed the idle connection.
            return self._get(self._server_for(parts)[0], parts, headers)

    @property
    def is_free(self) -> bool:
        """Whether the last response has been read, so that another request can follow."""
        return self._response is None or self._response.is_read

    def close(self) -> None:
        # A response after which the server hangs up holds the socket by itself.
        if self._response:
            self._response.close()
            self._response = None
        if self._server:
            self._server.close()
            self._server = None

    def interrupt(self) -> None:
        """Stop a thread that is reading from this connection."""
        if self._socket:
            with suppress(OSError):
                # Not the TLS socket's method, which would remove TLS under the reader.
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)

    def _get(
        self, server: http.client.HTTPConnection, url: SplitResult, headers: Mapping[str, str]
    ) -> HttpResponse:
        server.request("GET", self._target(url), headers=self._headers(headers))
        self._response = HttpResponse(server.getresponse())
        return self._response

    def _target(self, url: SplitResult) -> str:
        target = url._replace(path=url.path or "/", fragment="")
        if not self._through_proxy:
            target = target._replace(scheme="", netloc="")
        return target.geturl()

    def _headers(self, headers: Mapping[str, str]) -> dict[str, str]:
        return {**_OWN_HEADERS, **self._through_proxy, **headers}

    def _server_for(self, url: SplitResult) -> tuple[http.client.HTTPConnection, bool]:
        origin = (url.scheme, url.netloc)
        # After a "Connection: close" response, there is no socket.
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
    """Shut down a connection that another thread may be reading from, without closing it."""
    with socket.socket(fileno=descriptor) as borrowed:
        try:
            borrowed.shutdown(socket.SHUT_RDWR)
        finally:
            borrowed.detach()


def retry_after(value: str | None, now: float) -> float | None:
    """The seconds to wait in a Retry-After header, which is a number or a date."""
    if value is None:
        return None
    if value.strip().isdecimal():
        return float(value)
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - now)
    except ValueError:
        return None


def _host(url: SplitResult) -> str:
    """The Host header: without credentials, and without a default port."""
    host = url.netloc.rpartition("@")[2]
    return host.removesuffix(f":{_PORTS.get(url.scheme)}")


def _basic(proxy: SplitResult) -> dict[str, str]:
    if proxy.username is None:
        return {}
    user = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}"
    return {"Proxy-Authorization": f"Basic {b64encode(user.encode()).decode()}"}

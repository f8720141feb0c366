"""A proxy before any HTTP server on the loopback interface, which breaks things on schedule.

    with FaultProxy(server.port, [Stall(1_000, seconds=5), None, Cut(64_000)]) as faults:
        fetch(faults.url("/model"))
    assert [turn.range for turn in faults.played] == [...]

Each request that matches takes the next entry of the schedule: a fault, or None for no harm. When
there is none left, all is well; `itertools.repeat` makes a fault that stays. Everything else passes
unchanged, so that signatures hold. Offsets count the bytes of the body that is under way.
"""

from __future__ import annotations

import os
import socket
import struct
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

from support.proxy import Exchange, RecordingProxy
from support.recording import Request, ThreadedServer

# What S3 calls them.
_CODES = {
    403: "AccessDenied",
    404: "NoSuchKey",
    412: "PreconditionFailed",
    416: "InvalidRange",
    429: "TooManyRequests",
    500: "InternalError",
    503: "SlowDown",
}
_PAGE = b"<!DOCTYPE html>\n<html><head><title>Please log in</title></head></html>\n"
# Closing is not a goodbye after all that was sent, but breaks off.
_RESET = struct.pack("ii", 1, 0)


class Fault(Protocol):
    """A way to answer a request badly."""

    def play(self, exchange: Exchange, proxy: FaultProxy) -> None:
        """Answer the request."""


@dataclass(frozen=True)
class Played:
    """A request that took its turn, and what was done to it."""

    request: Request
    fault: Fault | None

    @property
    def range(self) -> str | None:
        """The request's Range header, however it was spelt."""
        headers = {name.lower(): value for name, value in self.request.headers.items()}
        return headers.get("range")


@dataclass(frozen=True)
class Cut:
    """End the connection after some bytes: in good order, or with a reset.

    A reset takes back what the client's machine has not received by then.
    """

    after: int
    reset: bool = False

    def play(self, exchange: Exchange, proxy: FaultProxy) -> None:
        exchange.send_head()
        exchange.send_body(self.after)
        _hang_up(exchange, reset=self.reset)


@dataclass(frozen=True)
class Shorten:
    """Announce and send only the first bytes of a body, as if they were all."""

    to: int

    def play(self, exchange: Exchange, proxy: FaultProxy) -> None:
        length = min(self.to, exchange.answer.length or 0)
        exchange.send_head({"Content-Length": str(length)})
        exchange.send_body(self.to)


@dataclass(frozen=True)
class Stall:
    """Send nothing for a while after some bytes."""

    after: int
    seconds: float

    def play(self, exchange: Exchange, proxy: FaultProxy) -> None:
        exchange.send_head()
        exchange.send_body(self.after)
        proxy.wait(self.seconds)
        exchange.send_body()


@dataclass(frozen=True)
class Corrupt:
    """Turn over every bit of the byte at an offset."""

    at: int

    def play(self, exchange: Exchange, proxy: FaultProxy) -> None:
        exchange.send_head()
        exchange.send_body(self.at)
        exchange.write(bytes(byte ^ 0xFF for byte in exchange.answer.read(1)))
        exchange.send_body()


@dataclass(frozen=True)
class Duplicate:
    """Send some bytes twice: more come than announced, and the connection ends."""

    at: int
    count: int

    def play(self, exchange: Exchange, proxy: FaultProxy) -> None:
        exchange.send_head()
        exchange.send_body(self.at)
        exchange.write(exchange.answer.read(self.count) * 2)
        exchange.send_body()
        _hang_up(exchange)


@dataclass(frozen=True)
class Meanwhile:
    """Do something after some bytes, such as to replace the object; then send the others."""

    after: int
    act: Callable[[], object]

    def play(self, exchange: Exchange, proxy: FaultProxy) -> None:
        exchange.send_head()
        exchange.send_body(self.after)
        self.act()
        exchange.send_body()


@dataclass(frozen=True)
class Answer:
    """Answer at once, as S3 does when something is wrong; the server behind hears nothing."""

    status: int
    retry_after: str | None = None
    body: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    def play(self, exchange: Exchange, proxy: FaultProxy) -> None:
        body = self._error() if self.body is None else self.body
        again = {} if self.retry_after is None else {"Retry-After": self.retry_after}
        usual = {"Content-Type": "application/xml"}
        exchange.reply(self.status, body, {**usual, **again, **self.headers})

    def _error(self) -> bytes:
        code = _CODES.get(self.status, "Unknown")
        error = f"<Error><Code>{code}</Code><Message>As scheduled.</Message></Error>"
        return b'<?xml version="1.0" encoding="UTF-8"?>\n' + error.encode()


@dataclass(frozen=True)
class Page:
    """Answer with a web page, and that all is well."""

    body: bytes = _PAGE

    def play(self, exchange: Exchange, proxy: FaultProxy) -> None:
        Answer(200, body=self.body, headers={"Content-Type": "text/html"}).play(exchange, proxy)


@dataclass(frozen=True)
class Circle:
    """Send the client to where it has just been."""

    def play(self, exchange: Exchange, proxy: FaultProxy) -> None:
        here = proxy.url(exchange.client.path)
        Answer(302, body=b"", headers={"Location": here}).play(exchange, proxy)


@dataclass(frozen=True)
class HangUp:
    """End the connection without a word."""

    reset: bool = False

    def play(self, exchange: Exchange, proxy: FaultProxy) -> None:
        _hang_up(exchange, reset=self.reset)


@dataclass(frozen=True)
class Refuse:
    """End the connection without a word, and let nobody connect for a while."""

    seconds: float

    def play(self, exchange: Exchange, proxy: FaultProxy) -> None:
        proxy.refuse(self.seconds, partial(_hang_up, exchange, reset=True))


class FaultProxy(RecordingProxy):
    """Stands before `target_port`; a context manager. `matches` says who can take a turn."""

    def __init__(
        self,
        target_port: int,
        schedule: Iterable[Fault | None] = (),
        matches: Callable[[Request], bool] = lambda request: True,
    ) -> None:
        super().__init__(target_port)
        self._matches = matches
        self._schedule = iter(schedule)
        self._played: list[Played] = []
        self._ending = threading.Event()
        self._refusal = threading.Lock()

    def __exit__(self, *exception: object) -> None:
        self._ending.set()
        with self._refusal:
            super().__exit__(*exception)

    @property
    def played(self) -> list[Played]:
        """The requests so far, in order, and what was done to each."""
        with self._lock:
            return list(self._played)

    @property
    def faults(self) -> list[Fault]:
        """The faults so far, in order."""
        return [turn.fault for turn in self.played if turn.fault]

    def set(self, schedule: Iterable[Fault | None]) -> None:
        """Begin another schedule."""
        with self._lock:
            self._schedule = iter(schedule)

    def handle(self, exchange: Exchange) -> None:
        """Answer one request, badly if it is its turn."""
        if self._refusal.locked():
            _hang_up(exchange, reset=True)
            return
        request = exchange.client.seen()
        self.record(request)
        fault = self._take_turn(request)
        if fault is None:
            exchange.pass_on()
        else:
            fault.play(exchange, self)

    def wait(self, seconds: float) -> None:
        """Let time pass, unless the test is over."""
        self._ending.wait(seconds)

    def refuse(self, seconds: float, closed: Callable[[], None]) -> None:
        """Let nobody connect for a while, nor ask; calls `closed` as soon as that is so."""
        with self._refusal:
            self._close()
            # Bound and not listening: the port stays ours, and the system refuses for us.
            self._server = ThreadedServer(
                self._server.server_address, self._server.RequestHandlerClass, False
            )
            self._server.server_bind()
            closed()
            self.wait(seconds)
            self._server.server_activate()
            self._serve()

    def _take_turn(self, request: Request) -> Fault | None:
        with self._lock:
            fault = next(self._schedule, None) if self._matches(request) else None
            self._played.append(Played(request, fault))
            return fault


def _hang_up(exchange: Exchange, *, reset: bool = False) -> None:
    client = exchange.client
    client.close_connection = True
    if reset:
        client.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        # At once: http.server would say goodbye first.
        os.close(client.connection.detach())

"""A whole object in one exchange, for thousands of small ones.

The parser of http.client understands every answer, and takes its time for it: here it would be what
takes longest. This reads the one answer that a store gives when all is well, and no other.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator

from slugfit.models.sources import Address
from slugfit.models.wire import Connection, Network

_BUFFER_BYTES = 256 * 1024
_END = b"\r\n\r\n"
_FINE = re.compile(rb"HTTP/1\.1 200[ \r]")
_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d+)[ \t]*(?=\r)", re.IGNORECASE)
_CODED = re.compile(rb"\r\ntransfer-encoding:", re.IGNORECASE)
_LAST = re.compile(rb"\r\nconnection:[ \t]*close", re.IGNORECASE)


class Unusual(Exception):  # noqa: N818 (a fact, not an error)
    """Not the plain answer; what it means, others may find out."""


class Exchange:
    """A connection that is kept, for one object at a time."""

    def __init__(self, network: Network) -> None:
        self._line = Connection(network)
        self._buffer = bytearray(_BUFFER_BYTES)

    def get(self, address: Address, size: int) -> Iterator[memoryview]:
        """The object's bytes, a piece at a time, each of which is gone with the next.

        A small object is one piece. Raises Unusual, ValueError for what can't be asked, or OSError
        when the connection breaks.
        """
        is_last = True
        try:
            server, filled = self._line.ask(address.url, address.headers, self._receive_head)
            end = self._buffer.index(_END, 0, filled) + len(_END)
            head = bytes(self._buffer[:end])
            if not _is_plain(head, size) or filled > end + size:
                raise Unusual
            yield from self._pieces(server, (end, filled), size)
            is_last = _LAST.search(head) is not None
        finally:
            if is_last:
                self._line.close()

    def interrupt(self) -> None:
        """Make a thread that waits for this connection stop at once."""
        self._line.interrupt()

    def close(self) -> None:
        self._line.close()

    def _receive_head(self, server: socket.socket) -> tuple[socket.socket, int]:
        """With how many bytes of the answer are in the buffer: all of its head."""
        filled, view = 0, memoryview(self._buffer)
        while self._buffer.find(_END, 0, filled) < 0:
            if filled == len(view):
                raise Unusual
            filled += _received(server, view[filled:])
        return server, filled

    def _pieces(
        self, server: socket.socket, there: tuple[int, int], size: int
    ) -> Iterator[memoryview]:
        """The next `size` bytes, of which those `there` are in the buffer."""
        view, (start, filled) = memoryview(self._buffer), there
        while True:
            end = min(start + size, len(view))
            while filled < end:
                filled += _received(server, view[filled:end])
            yield view[start:end]
            size -= end - start
            if not size:
                return
            start = filled = 0


def _received(server: socket.socket, into: memoryview) -> int:
    """How many bytes came. Raises ConnectionError at the end."""
    count = server.recv_into(into)
    if not count:
        raise ConnectionResetError
    return count


def _is_plain(head: bytes, size: int) -> bool:
    """Whether an answer with this head is the object, as it is stored, and nothing else."""
    lengths = _LENGTH.findall(head)
    return bool(_FINE.match(head)) and lengths == [b"%d" % size] and not _CODED.search(head)

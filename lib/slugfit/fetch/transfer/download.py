"""One object's bytes, over as many connections as make the download faster.

Their threads receive and write; the main thread hashes what has arrived without a gap.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

from slugfit.base.http import Network
from slugfit.fetch.content import PREFIX_BYTES, check_prefix
from slugfit.fetch.transfer.connections import Connections
from slugfit.fetch.transfer.limits import DEFAULT_LIMITS, TransferLimits
from slugfit.fetch.transfer.partial import Partial
from slugfit.fetch.transfer.retries import Clock
from slugfit.fetch.transfer.segments import Segments
from slugfit.fetch.transfer.writer import PieceWriter
from slugfit.stores import ObjectStream
from slugfit.stores.urls import StoreUrl

_BUSY = 0.5  # of a processor: above it, the network is not the bottleneck
_HASH_BYTES = 4 * 1024 * 1024  # between two polls

OnProgress = Callable[[int], None]


class Download:
    """Fetches what is missing of `partial`."""

    def __init__(
        self,
        url: StoreUrl,
        partial: Partial,
        network: Network,
        clock: Clock,
        limits: TransferLimits = DEFAULT_LIMITS,
    ) -> None:
        self._url = url
        self._partial = partial
        self._network = network
        self._clock = clock
        self._limits = limits
        self._polled = self._saved = clock.monotonic()
        self._cpu_seconds = clock.cpu_seconds()

    def run(self, stream: ObjectStream, start: int, on_progress: OnProgress) -> None:
        """Return once all bytes are written and hashed. `stream` begins at `start`.

        Calls `on_progress` many times a second with the number of bytes received; an exception
        from it ends the download. Raises Retryable, Changed, or a Failure. `partial` records what
        has been received.
        """
        size = sys.maxsize if stream.version.size is None else stream.version.size
        segments = Segments(size, self._partial.there, self._limits.smallest_part)
        writer = PieceWriter(self._partial, segments, self._limits)
        connections = Connections(self._url, stream, writer, self._network, self._clock)
        try:
            with connections.working(start):
                # The size may only become known at the end.
                while not (writer.is_complete and self._partial.hashed == segments.size):
                    self._hash(connections)
                    self._poll(connections, writer, on_progress)
        finally:
            self._remember(segments)

    def _hash(self, connections: Connections) -> None:
        """Hash what has arrived, or wait for more."""
        hashed = self._partial.hashed
        end, piece = connections.next(hashed)
        if piece:
            self._partial.hash(piece)
        else:
            self._partial.hash_to(min(end, hashed + _HASH_BYTES))
        if hashed < PREFIX_BYTES <= self._partial.hashed:
            # Now: the rest of what is no model need not be fetched.
            check_prefix(self._partial.beginning(PREFIX_BYTES), self._url)

    def _poll(self, connections: Connections, writer: PieceWriter, on_progress: OnProgress) -> None:
        now = self._clock.monotonic()
        if now - self._polled < self._limits.poll_seconds:
            return
        cpu_seconds = self._clock.cpu_seconds()
        if (cpu_seconds - self._cpu_seconds) / (now - self._polled) < _BUSY:
            connections.grow()
        self._polled, self._cpu_seconds = now, cpu_seconds
        on_progress(writer.received)
        if now - self._saved >= self._limits.save_seconds and self._partial.is_pinned:
            self._partial.save(writer.beyond_frontier())
            self._saved = now

    def _remember(self, segments: Segments) -> None:
        partial = self._partial
        partial.there = segments.ranges()
        if partial.is_pinned:
            partial.hash_to(segments.frontier)
            partial.save(segments.beyond_frontier())

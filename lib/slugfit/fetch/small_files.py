"""Many small files of a directory at once, each with a single request where possible."""

from __future__ import annotations

import hashlib
import http.client
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from queue import Empty, SimpleQueue

from slugfit.base.http import Connection, Network
from slugfit.fetch.content import PREFIX_BYTES, check_prefix
from slugfit.fetch.partial_directory import PartialDirectory
from slugfit.fetch.whole_object import whole_object
from slugfit.stores import Entry

_AT_ONCE = 16
_POLL_SECONDS = 0.1

Fallback = Callable[[Entry, Callable[[int], None]], None]


class SmallFiles:
    """Threads that fetch `entries`, with `fallback` for what takes more than one request.

    `fallback` calls the function that it is given regularly; that raises once the fetch has ended.
    """

    def __init__(
        self, entries: list[Entry], partial: PartialDirectory, network: Network, fallback: Fallback
    ) -> None:
        self._left = deque(entries)
        self._partial = partial
        self._network = network
        self._fallback = fallback
        self._stopped = threading.Event()
        self._ends: SimpleQueue[BaseException | None] = SimpleQueue()
        self._connections: list[Connection] = []

    def run(self, poll: Callable[[], None]) -> None:
        """Return once all files are complete. Calls `poll` many times a second.

        Raises what that raises, or the first failure of a file.
        """
        at_work = 0
        try:
            for _ in range(min(_AT_ONCE, len(self._left))):
                self._start()
                at_work += 1
            while at_work:
                with suppress(Empty):
                    failure = self._ends.get(timeout=_POLL_SECONDS)
                    at_work -= 1
                    if failure:
                        raise failure
                poll()
        finally:
            self._stop(at_work)

    def _start(self) -> None:
        connection = Connection(self._network)
        self._connections.append(connection)
        # A thread that hangs in a library's read must not keep the process from ending.
        threading.Thread(target=self._work, args=(connection,), daemon=True).start()

    def _stop(self, at_work: int) -> None:
        self._stopped.set()
        while at_work:
            # Repeatedly: a thread may just have opened a new connection.
            for connection in self._connections:
                connection.interrupt()
            with suppress(Empty):
                self._ends.get(timeout=_POLL_SECONDS)
                at_work -= 1

    # In the threads.

    def _work(self, connection: Connection) -> None:
        failure: BaseException | None = None
        try:
            while (entry := self._next()) and not self._stopped.is_set():
                self._fetch(entry, connection)
        except BaseException as error:
            failure = error
        finally:
            connection.close()
            self._ends.put(failure)

    def _next(self) -> Entry | None:
        with suppress(IndexError):
            return self._left.popleft()
        return None

    def _fetch(self, entry: Entry, connection: Connection) -> None:
        if not self._fetch_by_address(entry, connection):
            self._end_if_stopped()
            self._fallback(entry, self._end_if_stopped)

    def _fetch_by_address(self, entry: Entry, connection: Connection) -> bool:
        """With one request; False if the address is unknown or anything is unusual."""
        size = entry.version.size
        if entry.address is None or size is None:
            return False
        beginning, digest = b"", hashlib.sha256()
        try:
            with self._partial.create(entry) as file:
                for piece in whole_object(connection, entry.address, size):
                    beginning += bytes(piece[: PREFIX_BYTES - len(beginning)])
                    digest.update(piece)
                    file.write(piece)
        except (OSError, ValueError, http.client.HTTPException):
            return False
        sha256 = digest.hexdigest()
        if entry.version.sha256 not in (None, sha256):
            return False
        check_prefix(beginning, entry.source.url)
        self._partial.add(entry, sha256, size)
        return True

    def _end_if_stopped(self, received: int = 0) -> None:
        if self._stopped.is_set():
            raise _Stopped


class _Stopped(Exception):  # noqa: N818 (a signal, not an error)
    """The fetch has ended."""

"""Many small files of one directory at once, each with one request where that will do."""

from __future__ import annotations

import hashlib
import http.client
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from queue import Empty, SimpleQueue

from slugfit.models.arrival import Arrival
from slugfit.models.content import PREFIX_BYTES, check_prefix
from slugfit.models.exchange import Exchange, Unusual
from slugfit.models.sources import Entry
from slugfit.models.wire import Network

_AT_ONCE = 16
_LOOK_SECONDS = 0.1

Fallback = Callable[[Entry, Callable[[int], None]], None]


class Couriers:
    """Threads that fetch `entries`; what takes more than a request, `patiently`.

    That gets a function to call now and then, which raises when nothing is wanted any more.
    """

    def __init__(
        self, entries: list[Entry], arrival: Arrival, network: Network, patiently: Fallback
    ) -> None:
        self._left = deque(entries)
        self._arrival = arrival
        self._network = network
        self._patiently = patiently
        self._stopped = threading.Event()
        self._ends: SimpleQueue[BaseException | None] = SimpleQueue()
        self._lines: list[Exchange] = []

    def run(self, look: Callable[[], None]) -> None:
        """Return when all files are there. Calls `look` many times a second.

        Raises what that raises, or the first failure of a file.
        """
        at_work = 0
        try:
            for _ in range(min(_AT_ONCE, len(self._left))):
                self._start()
                at_work += 1
            while at_work:
                with suppress(Empty):
                    failure = self._ends.get(timeout=_LOOK_SECONDS)
                    at_work -= 1
                    if failure:
                        raise failure
                look()
        finally:
            self._stop(at_work)

    def _start(self) -> None:
        line = Exchange(self._network)
        self._lines.append(line)
        # A thread that hangs in a library's read must not keep the process from ending.
        threading.Thread(target=self._work, args=(line,), daemon=True).start()

    def _stop(self, at_work: int) -> None:
        self._stopped.set()
        while at_work:
            # Again and again: a connection may just be made anew.
            for line in self._lines:
                line.interrupt()
            with suppress(Empty):
                self._ends.get(timeout=_LOOK_SECONDS)
                at_work -= 1

    # What the threads do.

    def _work(self, line: Exchange) -> None:
        failure: BaseException | None = None
        try:
            while (entry := self._next()) and not self._stopped.is_set():
                self._fetch(entry, line)
        except BaseException as error:
            failure = error
        finally:
            line.close()
            self._ends.put(failure)

    def _next(self) -> Entry | None:
        with suppress(IndexError):
            return self._left.popleft()
        return None

    def _fetch(self, entry: Entry, line: Exchange) -> None:
        if not self._fetch_by_address(entry, line):
            self._end_if_stopped()
            self._patiently(entry, self._end_if_stopped)

    def _fetch_by_address(self, entry: Entry, line: Exchange) -> bool:
        """One request, if the entry's address is known and all goes well."""
        size = entry.version.size
        if entry.address is None or size is None:
            return False
        beginning, digest = b"", hashlib.sha256()
        try:
            with self._arrival.create(entry) as file:
                for piece in line.get(entry.address, size):
                    beginning = beginning or bytes(piece[:PREFIX_BYTES])
                    digest.update(piece)
                    file.write(piece)
        except (OSError, ValueError, http.client.HTTPException, Unusual):
            return False
        sha256 = digest.hexdigest()
        if entry.version.sha256 not in (None, sha256):
            return False
        check_prefix(beginning, entry.source.display)
        self._arrival.add(entry, sha256, size)
        return True

    def _end_if_stopped(self, received: int = 0) -> None:
        if self._stopped.is_set():
            raise _Stopped


class _Stopped(Exception):  # noqa: N818 (an order, not an error)
    """Nothing is wanted any more."""

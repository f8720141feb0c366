"""A store of many files on the loopback interface, and what is below a name in it."""

from __future__ import annotations

import hashlib
import re
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from typing import Any
from urllib.parse import quote, unquote

from slugfit.stores import Address, Entry, Version
from slugfit.stores.web import HttpUrl
from slugfit.stores.web_client import HttpObject
from support.recording import QuietHandler, RecordingServer


def etag_of(content: bytes) -> str:
    return f'"{hashlib.sha256(content).hexdigest()[:16]}"'


class Shelf(RecordingServer):
    """Serves `files`, whole and in ranges; a context manager, and a StoreDirectory.

    What stands in `trouble` for a file happens to the next requests for it, one each: a status,
    or the number of bytes after which the answer breaks off, negated. A listing is as of
    `listed`, if that is set. Ranges that begin past `held_from` wait until `let_go`.
    """

    def __init__(self, files: Mapping[str, bytes]) -> None:
        super().__init__(partial(_Handler, self))
        self.files = dict(files)
        self.listed: dict[str, bytes] | None = None
        self.trouble: dict[str, list[int]] = {}
        self.has_addresses = True
        self.slowness = 0.0
        self.held_from: int | None = None
        self._let_go = threading.Event()
        self.listings = 0

    @property
    def url(self) -> HttpUrl:
        return HttpUrl(f"http://127.0.0.1:{self.port}/")

    def at(self, path: str) -> str:
        return self.url.url + quote(path)

    @property
    def asked(self) -> list[str]:
        """The paths of the requests."""
        return [unquote(request.path[1:]) for request in self.requests]

    def list(self) -> tuple[Entry, ...]:
        self.listings += 1
        listed, self.listed = self.listed, None
        return tuple(self._entry(*item) for item in sorted((listed or self.files).items()))

    def let_go(self) -> None:
        self.held_from = None
        self._let_go.set()

    def hold(self, start: int) -> None:
        if self.held_from is not None and start >= self.held_from:
            self._let_go.wait()

    def _entry(self, path: str, content: bytes) -> Entry:
        etag = etag_of(content)
        address = Address(self.at(path), {"If-Match": etag}) if self.has_addresses else None
        source = HttpObject(HttpUrl(self.at(path)), time.time)
        return Entry(path, Version(len(content), etag, {"If-Range": etag}), source, address)


class _Handler(QuietHandler):
    def __init__(self, shelf: Shelf, *connection: Any) -> None:
        self._shelf = shelf
        super().__init__(*connection)

    def do_GET(self) -> None:  # noqa: N802 (the name that http.server looks for)
        self._shelf.record(self.seen())
        path = unquote(self.path[1:].partition("?")[0])
        trouble = self._shelf.trouble.get(path, [])
        happens = trouble.pop(0) if trouble else 0
        content = self._shelf.files.get(path)
        etag = etag_of(content or b"")
        if happens > 0 or content is None:
            self._answer(happens or 404, b"", {})
        elif self.headers.get("If-Match") not in (None, etag):
            self._answer(412, b"", {})
        elif self.headers.get("If-None-Match") == etag:
            self._answer(304, b"", {"ETag": etag})
        else:
            self._send(content, etag, -happens)

    def _send(self, content: bytes, etag: str, cut: int) -> None:
        asked = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
        if not asked or not content or self.headers.get("If-Range") not in (None, etag):
            self._answer(200, content, {"ETag": etag}, cut)
            return
        start = int(asked[1])
        self._shelf.hold(start)
        part = content[start : int(asked[2]) + 1]
        shown = f"bytes {start}-{start + len(part) - 1}/{len(content)}"
        self._answer(206, part, {"ETag": etag, "Content-Range": shown}, cut)

    def _answer(self, status: int, body: bytes, headers: Mapping[str, str], cut: int = 0) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        time.sleep(self._shelf.slowness)
        with suppress(ConnectionError):  # a client that has seen enough hangs up
            self.wfile.write(body[: cut or None])
        self.close_connection = bool(cut)

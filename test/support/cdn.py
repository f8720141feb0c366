"""Files as content delivery networks serve them: by signed links that expire, in ranges.

Who brings an Authorization header besides is refused, as S3 refuses it: it was meant for another.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from support.file_handler import FileHandler, StoredFile
from support.recording import RecordingServer


class Cdn(RecordingServer):
    """The server; a context manager."""

    def __init__(self) -> None:
        super().__init__(partial(_Handler, self))
        self._files: dict[str, StoredFile] = {}
        self._key = secrets.token_bytes()

    @property
    def endpoint(self) -> str:
        """The URL of the server."""
        return f"http://127.0.0.1:{self.port}"

    def add(self, name: str, path: Path) -> StoredFile:
        """Serve the file at `path` as `name`; its ETag looks like a SHA-256, and isn't its."""
        etag = hashlib.sha256(name.encode()).hexdigest()
        self._files[name] = StoredFile(path, path.stat().st_size, etag)
        return self._files[name]

    def link(self, name: str, seconds: float) -> str:
        """Return path and query with which anybody can get `name` for so many seconds."""
        expires = str(time.time() + seconds)
        return f"/{name}?Expires={expires}&Signature={self._signature(name, expires)}"

    def expire_links(self) -> None:
        """Let no link work that was given out before."""
        self._key = secrets.token_bytes()

    def find(self, target: str) -> StoredFile | None:
        """Return what a link leads to; None when it is not, or no longer, one of ours."""
        parts = urlsplit(target)
        name, query = parts.path.removeprefix("/"), parse_qs(parts.query)
        expires, signature = (query.get(key, ["0"])[0] for key in ("Expires", "Signature"))
        valid = hmac.compare_digest(signature, self._signature(name, expires))
        return self._files.get(name) if valid and float(expires) > time.time() else None

    def _signature(self, name: str, expires: str) -> str:
        return hmac.new(self._key, f"{name} {expires}".encode(), "sha256").hexdigest()


class _Handler(FileHandler):
    def __init__(self, cdn: Cdn, *connection: Any) -> None:
        self._cdn = cdn
        super().__init__(*connection)

    def do_GET(self) -> None:  # noqa: N802 -- the name that http.server looks for
        self._cdn.record(self.seen())
        file = self._cdn.find(self.path)
        if "Authorization" in self.headers:
            self._refuse(400, "InvalidArgument", "Only one auth mechanism allowed")
        elif file is None:
            self._refuse(403, "AccessDenied", "Request has expired")
        else:
            self.send_file(file, {"Content-Type": "application/octet-stream"})

    def do_HEAD(self) -> None:  # noqa: N802 -- the name that http.server looks for
        self.do_GET()

    def _refuse(self, status: int, code: str, message: str) -> None:
        error = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>"
        self.send_document(status, error.encode(), {"Content-Type": "application/xml"})

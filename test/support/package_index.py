"""A package index on the loopback interface: wheels that it makes itself, JSON, ranges.

    with PackageIndex([Package("demo", "1.0", {"demo.py": "x = 1"}, requires=("numpy",))]) as index:
        resolve(index.simple)

With `ranges=False` it sends whole files only; with `sizes=False` it tells no sizes.
"""

from __future__ import annotations

import base64
import hashlib
import http.server
import io
import json
import re
import threading
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

_RANGE = re.compile(r"bytes=(\d*)-(\d*)")


@dataclass(frozen=True)
class Package:
    """A distribution with one file to download: a wheel, or with `source` something else."""

    name: str
    version: str
    files: Mapping[str, str | bytes] = field(default_factory=dict)
    requires: tuple[str, ...] = ()
    tag: str = "py3-none-any"
    source: bytes | None = None

    @property
    def filename(self) -> str:
        if self.source is not None:
            return f"{self.name}-{self.version}.tar.gz"
        return f"{self.name}-{self.version}-{self.tag}.whl"

    def content(self) -> bytes:
        """The bytes of the file."""
        return self._wheel() if self.source is None else self.source

    def _wheel(self) -> bytes:
        info = f"{self.name}-{self.version}.dist-info"
        lines = [f"Name: {self.name}", f"Version: {self.version}"]
        lines += [f"Requires-Dist: {requirement}" for requirement in self.requires]
        metadata = "\n".join(["Metadata-Version: 2.1", *lines, "", "About it."])
        listed = [*self.files, f"{info}/METADATA", f"{info}/WHEEL", f"{info}/RECORD"]
        files: dict[str, str | bytes] = {
            **self.files,
            f"{info}/METADATA": metadata,
            f"{info}/WHEEL": f"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: {self.tag}\n",
            f"{info}/RECORD": "".join(f"{path},,\n" for path in listed),
        }
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as wheel:
            for path, content in files.items():
                wheel.writestr(zipfile.ZipInfo(path), content, zipfile.ZIP_DEFLATED)
        return packed.getvalue()


class PackageIndex:
    """The server; a context manager. `requests` are the lines of what was asked."""

    def __init__(
        self,
        packages: Iterable[Package],
        *,
        ranges: bool = True,
        sizes: bool = True,
        login: str | None = None,
    ) -> None:
        self.requests: list[str] = []
        self._ranges, self._sizes, self._login = ranges, sizes, login
        self._files = {package.filename: package.content() for package in packages}
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self._handler())

    @property
    def simple(self) -> str:
        """The index's URL, with the login if it asks for one."""
        login = f"{self._login}@" if self._login else ""
        return f"http://{login}127.0.0.1:{self._server.server_port}/simple/"

    def asked_for(self, end: str) -> list[str]:
        """The requests for files whose name ends so."""
        return [line for line in self.requests if line.split()[1].endswith(end)]

    def __enter__(self) -> PackageIndex:
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _handler(self) -> type[http.server.BaseHTTPRequestHandler]:
        index = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                asked = self.headers.get("Range")
                index.requests.append(f"{self.command} {self.path} {asked or 'whole'}")
                status, headers, body = index.answer(self.path, asked, dict(self.headers))
                self.send_response(status)
                for name, value in {"Content-Length": str(len(body)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                if self.command == "GET":
                    self.wfile.write(body)

            do_HEAD = do_GET  # noqa: N815 (as http.server calls it)

            def log_message(self, *words: Any) -> None:
                pass

        return Handler

    def answer(
        self, path: str, asked: str | None, headers: Mapping[str, str]
    ) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body."""
        if self._login:
            wanted = "Basic " + base64.b64encode(self._login.encode()).decode()
            if headers.get("Authorization") != wanted:
                return 401, {"WWW-Authenticate": 'Basic realm="index"'}, b"who are you?"
        if path.startswith("/simple/"):
            return self._page(path.split("/")[2])
        content = self._files.get(path.removeprefix("/files/"))
        if content is None:
            return 404, {}, b"no such file"
        match = _RANGE.fullmatch(asked or "")
        if not match or not self._ranges:
            return 200, {"Accept-Ranges": "bytes"} if self._ranges else {}, content
        return self._part(content, match[1], match[2])

    def _page(self, name: str) -> tuple[int, dict[str, str], bytes]:
        found = [file for file in self._files if file.partition("-")[0].replace("_", "-") == name]
        if not found:
            return 404, {}, b"no such project"
        page = {"meta": {"api-version": "1.1"}, "name": name, "files": [*map(self._entry, found)]}
        kind = "application/vnd.pypi.simple.v1+json"
        return 200, {"Content-Type": kind}, json.dumps(page).encode()

    def _entry(self, file: str) -> dict[str, Any]:
        content = self._files[file]
        size = {"size": len(content)} if self._sizes else {}
        hashes = {"sha256": hashlib.sha256(content).hexdigest()}
        return {"filename": file, "url": f"../../files/{file}", "hashes": hashes, **size}

    def _part(self, content: bytes, first: str, last: str) -> tuple[int, dict[str, str], bytes]:
        start = int(first) if first else max(0, len(content) - int(last))
        end = min(int(last), len(content) - 1) if first and last else len(content) - 1
        span = f"bytes {start}-{end}/{len(content)}"
        return 206, {"Content-Range": span}, content[start : end + 1]

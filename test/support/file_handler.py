"""How the imitated servers answer: with documents, and with files in parts and on conditions."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support.recording import QuietHandler

RANGE = re.compile(r"bytes=(\d*)-(\d*)")
NO_HEADERS: Mapping[str, str] = {}


@dataclass(frozen=True)
class StoredFile:
    """A file to serve."""

    path: Path
    size: int
    etag: str


class FileHandler(QuietHandler):
    """Answers with documents, and with files: whole, in part, or not at all if they are known."""

    def send_document(
        self, status: int, body: bytes, headers: Mapping[str, str] = NO_HEADERS
    ) -> None:
        """Answer with `body`."""
        self._send_head(status, {"Content-Length": str(len(body)), **headers})
        if self.command != "HEAD":
            self.wfile.write(body)

    def send_json(
        self, document: Any, status: int = 200, headers: Mapping[str, str] = NO_HEADERS
    ) -> None:
        """Answer with `document` as JSON."""
        body = json.dumps(document).encode()
        self.send_document(status, body, {"Content-Type": "application/json", **headers})

    def send_file(self, file: StoredFile, headers: Mapping[str, str] = NO_HEADERS) -> None:
        """Answer with what of `file` is asked for, and what the conditions allow."""
        told = {**headers, "ETag": f'"{file.etag}"', "Accept-Ranges": "bytes"}
        if not _names(self.headers.get("If-Match", "*"), file):
            self.send_document(412, b"", told)
        elif _names(self.headers.get("If-None-Match", ""), file):
            self.send_document(304, b"", told)
        else:
            self._send_range(file, told)

    def _send_range(self, file: StoredFile, headers: Mapping[str, str]) -> None:
        asked = RANGE.fullmatch(self.headers.get("Range", ""))
        if asked is None or not _names(self.headers.get("If-Range", "*"), file):
            self._send_part(200, file, range(file.size), headers)
            return
        part = _part(asked, file.size)
        if not part:
            self.send_document(416, b"", {**headers, "Content-Range": f"bytes */{file.size}"})
            return
        shown = f"bytes {part.start}-{part.stop - 1}/{file.size}"
        self._send_part(206, file, part, {**headers, "Content-Range": shown})

    def _send_part(
        self, status: int, file: StoredFile, part: range, headers: Mapping[str, str]
    ) -> None:
        self._send_head(status, {"Content-Length": str(len(part)), **headers})
        if part and self.command != "HEAD":
            with file.path.open("rb") as content:
                self.connection.sendfile(content, part.start, len(part))

    def _send_head(self, status: int, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()


def _names(condition: str, file: StoredFile) -> bool:
    """Whether a list of ETags, or "*", has the file's."""
    tags = {tag.strip() for tag in condition.split(",")}
    return "*" in tags or f'"{file.etag}"' in tags


def _part(asked: re.Match[str], size: int) -> range:
    """The bytes that a range asks for; none when there are none such."""
    first, last = asked.groups()
    if first:
        return range(int(first), min(int(last) + 1, size) if last else size)
    return range(max(size - int(last or 0), 0), size)

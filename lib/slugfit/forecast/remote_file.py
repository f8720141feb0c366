"""A file behind a URL, of which only what is read comes over the network."""

from __future__ import annotations

import io
import re
import threading
from collections.abc import Mapping
from urllib.parse import urlsplit

import requests

from slugfit.base.http import Network

TAIL_BYTES = 64 * 1024
"""What is asked for first: a small wheel whole, or a large one's table of contents."""

_SECONDS = (10, 30)
_WHOLE_BYTES = 1_000_000
_LENGTH = re.compile(r"bytes (\d+)-\d+/(\d+)")
_SUFFIX_REFUSED = (400, 405, 416, 501)


class NoRanges(Exception):  # noqa: N818 (a fact, not an error)
    """The server sends whole files only, and this one is large. `size` is its length, if known."""

    def __init__(self, size: int | None) -> None:
        self.size = size


class Web:
    """Sessions, one a thread, with the proxy and the credentials of each host."""

    def __init__(self, credentials: Mapping[str, tuple[str, str]], network: Network) -> None:
        self._credentials = credentials
        self._network = network
        self._local = threading.local()

    def get(self, url: str, span: str | None = None) -> requests.Response:
        """The answer to a GET of a range, with its body still to come. Raises RequestException."""
        headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={span}"} if span else {})
        parts = urlsplit(url)
        proxy = self._network.proxy_for(parts)
        return self._session.get(
            url,
            headers=headers,
            auth=self._credentials.get(parts.netloc.rpartition("@")[2]),
            proxies={parts.scheme: proxy.geturl()} if proxy else {},
            stream=True,
            timeout=_SECONDS,
        )

    @property
    def _session(self) -> requests.Session:
        if not hasattr(self._local, "session"):
            session = requests.Session()
            session.trust_env = False  # the environment is an argument
            session.verify = self._network.ca_file or True
            self._local.session = session
        kept: requests.Session = self._local.session
        return kept


class RemoteFile(io.RawIOBase):
    """Reads ranges as they are asked for. Raises RequestException or NoRanges."""

    def __init__(self, web: Web, url: str) -> None:
        self._web = web
        self._url = url
        self._at = 0
        self._kept, self._kept_at, self.size = self._tail()

    def seekable(self) -> bool:
        return True

    def readable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._at = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self.size}[whence]
        return self._at

    def read(self, size: int | None = -1) -> bytes:
        end = self.size if size is None or size < 0 else min(self.size, self._at + size)
        piece = self._piece(self._at, end) if end > self._at else b""
        self._at += len(piece)
        return piece

    def _piece(self, start: int, end: int) -> bytes:
        if start >= self._kept_at:
            return self._kept[start - self._kept_at : end - self._kept_at]
        with self._web.get(self._url, f"{start}-{end - 1}") as answer:
            answer.raise_for_status()
            if answer.status_code != 206:
                raise NoRanges(self.size)
            return answer.content

    def _tail(self) -> tuple[bytes, int, int]:
        """The last bytes, where they begin, and how many there are in all."""
        with self._web.get(self._url, f"-{TAIL_BYTES}") as answer:
            if answer.status_code in _SUFFIX_REFUSED:
                return self._head_first()
            answer.raise_for_status()
            match = _LENGTH.fullmatch(answer.headers.get("Content-Range", ""))
            if answer.status_code == 206 and match:
                return answer.content, int(match[1]), int(match[2])
            return self._whole(answer)

    def _head_first(self) -> tuple[bytes, int, int]:
        """For servers without ranges that count from the end."""
        with self._web.get(self._url, "0-0") as answer:
            answer.raise_for_status()
            match = _LENGTH.fullmatch(answer.headers.get("Content-Range", ""))
            if answer.status_code != 206 or not match:
                return self._whole(answer)
        size = int(match[2])
        start = max(0, size - TAIL_BYTES)
        with self._web.get(self._url, f"{start}-{size - 1}") as answer:
            answer.raise_for_status()
            return answer.content, start, size

    def _whole(self, answer: requests.Response) -> tuple[bytes, int, int]:
        length = answer.headers.get("Content-Length", "")
        size = int(length) if length.isdecimal() else None
        if size is None or size > _WHOLE_BYTES:
            raise NoRanges(size)
        return answer.content, 0, size

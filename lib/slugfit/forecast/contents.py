"""What is in each wheel, all at once, and from memory for those seen before."""

from __future__ import annotations

import json
import re
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import IO, cast
from urllib.parse import unquote, urlsplit

import requests

from slugfit.files import write_atomically
from slugfit.forecast.failures import IndexDown
from slugfit.forecast.pins import Wheel
from slugfit.forecast.ranges import NoRanges, RemoteFile, Web
from slugfit.forecast.wheels import Inside, Member, read_wheel

_EDITION = 2  # of what is remembered: whoever changes Member or what is read, changes this
_AT_ONCE = 16
_SHA256 = re.compile(r"[0-9a-f]{64}")
_NOT_ANSWERED = (requests.ConnectionError, requests.Timeout)


@dataclass(frozen=True)
class Contents:
    """What is in a wheel; without that, all that is known is its `size`, or nothing."""

    inside: Inside | None = None
    size: int | None = None
    why: str = ""


class Reader:
    """Reads wheels, and remembers by their checksum what was in them."""

    def __init__(self, memory: Path, web: Web) -> None:
        self._memory = memory
        self._web = web

    def read_all(self, wheels: Iterable[Wheel]) -> dict[Wheel, Contents]:
        """Raises IndexDown when a server does not answer."""
        listed = list(wheels)
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            return dict(zip(listed, pool.map(self._read, listed), strict=True))

    def _read(self, wheel: Wheel) -> Contents:
        known = self._recall(wheel)
        if known is not None:
            return Contents(known)
        try:
            with self._open(wheel) as opened:
                found = read_wheel(opened)
        except _NOT_ANSWERED as error:
            raise IndexDown(f"{wheel.url}\n{_reason(error)}") from None
        except NoRanges as whole:
            return Contents(None, wheel.size or whole.size, "its server sends no parts of files")
        except requests.HTTPError as error:
            return Contents(None, wheel.size, f"its server answers {error.response.status_code}")
        except (OSError, zipfile.BadZipFile, zlib.error, NotImplementedError) as error:
            return Contents(None, wheel.size, f"it can not be read: {error}")
        self._remember(wheel, found)
        return Contents(found)

    def _open(self, wheel: Wheel) -> IO[bytes]:
        url = urlsplit(wheel.url)
        if url.scheme == "file":
            return Path(unquote(url.path)).open("rb")
        return cast("IO[bytes]", RemoteFile(self._web, wheel.url))

    def _recall(self, wheel: Wheel) -> Inside | None:
        with suppress(OSError, ValueError, TypeError, zlib.error):
            members, *words = json.loads(zlib.decompress(self._file(wheel).read_bytes()))
            return Inside(tuple(Member(*entry) for entry in members), *map(tuple, words))
        return None

    def _remember(self, wheel: Wheel, found: Inside) -> None:
        if wheel.sha256 and _SHA256.fullmatch(wheel.sha256):
            self._memory.mkdir(parents=True, exist_ok=True)
            members = [astuple(member) for member in found.members]
            text = json.dumps([members, found.requires, found.programs])
            write_atomically(self._file(wheel), zlib.compress(text.encode()))

    def _file(self, wheel: Wheel) -> Path:
        return self._memory / f"{wheel.sha256}-{_EDITION}"


def _reason(error: requests.RequestException) -> str:
    """The innermost word, without the objects around it."""
    return "no answer in time" if isinstance(error, requests.Timeout) else str(_innermost(error))


def _innermost(error: BaseException) -> BaseException:
    *_, last = _causes(error)
    return last


def _causes(error: BaseException) -> Iterator[BaseException]:
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__ or cause.__context__

"""Reads what is in wheels, many at once, and caches it."""

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

from slugfit.base.files import write_atomically
from slugfit.forecast.failures import IndexDown
from slugfit.forecast.pylock import Wheel
from slugfit.forecast.remote_file import NoRanges, RemoteFile, Web
from slugfit.forecast.wheels import WheelContents, WheelMember, read_wheel

_EDITION = 2  # of the cached data: to be changed with WheelMember and with what is read
_AT_ONCE = 16
_SHA256 = re.compile(r"[0-9a-f]{64}")
_NOT_ANSWERED = (requests.ConnectionError, requests.Timeout)


@dataclass(frozen=True)
class WheelOutcome:
    """What is in a wheel; without that, all that is known is its `size`, or nothing.

    `why` is the reason, or what an estimate comes from.
    """

    inside: WheelContents | None = None
    size: int | None = None
    why: str = ""


class WheelReader:
    """Reads what is in wheels, and caches it by their checksums."""

    def __init__(self, directory: Path, web: Web) -> None:
        self._directory = directory
        self._web = web

    def read_all(self, wheels: Iterable[Wheel]) -> dict[Wheel, WheelOutcome]:
        """Raises IndexDown when a server does not answer."""
        listed = list(wheels)
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            return dict(zip(listed, pool.map(self._read, listed), strict=True))

    def _read(self, wheel: Wheel) -> WheelOutcome:
        known = self._cached(wheel)
        if known is not None:
            return WheelOutcome(known)
        try:
            with self._open(wheel) as opened:
                found = read_wheel(opened)
        except _NOT_ANSWERED as error:
            raise IndexDown(f"{wheel.url}\n{_reason(error)}") from None
        except NoRanges as whole:
            return WheelOutcome(
                None, wheel.size or whole.size, "its server does not support range requests"
            )
        except requests.HTTPError as error:
            return WheelOutcome(
                None, wheel.size, f"its server answers {error.response.status_code}"
            )
        except (OSError, zipfile.BadZipFile, zlib.error, NotImplementedError) as error:
            return WheelOutcome(None, wheel.size, f"it can't be read: {error}")
        self._store(wheel, found)
        return WheelOutcome(found)

    def _open(self, wheel: Wheel) -> IO[bytes]:
        url = urlsplit(wheel.url)
        if url.scheme == "file":
            return Path(unquote(url.path)).open("rb")
        return cast("IO[bytes]", RemoteFile(self._web, wheel.url))

    def _cached(self, wheel: Wheel) -> WheelContents | None:
        with suppress(OSError, ValueError, TypeError, zlib.error):
            members, *words = json.loads(zlib.decompress(self._file(wheel).read_bytes()))
            return WheelContents(
                tuple(WheelMember(*entry) for entry in members), *map(tuple, words)
            )
        return None

    def _store(self, wheel: Wheel, found: WheelContents) -> None:
        if wheel.sha256 and _SHA256.fullmatch(wheel.sha256):
            self._directory.mkdir(parents=True, exist_ok=True)
            members = [astuple(member) for member in found.members]
            text = json.dumps([members, found.requires, found.programs])
            write_atomically(self._file(wheel), zlib.compress(text.encode()))

    def _file(self, wheel: Wheel) -> Path:
        return self._directory / f"{wheel.sha256}-{_EDITION}"


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

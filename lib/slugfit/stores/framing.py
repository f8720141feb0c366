"""Where a response's body ends, and how it is encoded, as its headers say.

No length is believed that contradicts another one: what an intermediary has garbled would pass for
a whole model. Sources: RFC 9112, section 6; RFC 9110, sections 8.4 and 14.4.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

_NUMBER = re.compile(r"[0-9]{1,18}")
_PART = re.compile(r"bytes ([0-9]{1,18})-([0-9]{1,18})/([0-9]{1,18}|\*)")
_GZIP = frozenset(("gzip", "x-gzip"))
_SHOWN = 80


class MalformedError(Exception):
    """The headers contradict each other, or nothing sensible follows from them; says which."""


class ContradictionError(MalformedError):
    """Two lengths differ, as where a proxy has cut the body; the next response may be right."""


@dataclass(frozen=True)
class Framing:
    """`wire` is the body's length as it comes, if the headers tell; `size` that of the object.

    `is_gzip`: the body is to be decoded. `has_end`: a body that breaks off differs from one that
    ends.
    """

    wire: int | None
    size: int | None
    is_gzip: bool
    has_end: bool


def framing_of_whole(headers: Mapping[str, str], *, as_stored: bool) -> Framing:
    """Of a response with status 200. `as_stored`: its encoding is the object's own.

    Raises MalformedError.
    """
    length, is_chunked = _length(headers), _is_chunked(headers)
    is_gzip = not as_stored and _is_gzip(headers)
    size = None if is_gzip else length
    return Framing(length, size, is_gzip, length is not None or is_chunked or is_gzip)


def framing_of_part(headers: Mapping[str, str], start: int, *, as_stored: bool) -> Framing:
    """Of a response with status 206 to a request for the bytes from `start` on.

    Its size is None where the server does not know it. Raises MalformedError.
    """
    said = headers.get("Content-Range", "")
    part = _PART.fullmatch(said)
    if part is None:
        raise MalformedError(f"Content-Range: {said[:_SHOWN]}" if said else "no Content-Range")
    first, last = int(part[1]), int(part[2])
    size = None if part[3] == "*" else int(part[3])
    if first != start or last < first or (size is not None and last >= size):
        raise MalformedError(f"Content-Range: {said}, for the bytes from {start} on")
    length, wire = _length(headers), last - first + 1
    if length not in (None, wire):
        raise ContradictionError(f"Content-Range: {said}, but Content-Length: {length}")
    _is_chunked(headers)
    if not as_stored and _is_gzip(headers):
        raise MalformedError("a part of an object, encoded as gzip")
    return Framing(wire, size, is_gzip=False, has_end=True)


def _length(headers: Mapping[str, str]) -> int | None:
    said = headers.get("Content-Length")
    if said is None:
        return None
    numbers = {number.strip() for number in said.split(",")}
    if len(numbers) > 1 or not all(map(_NUMBER.fullmatch, numbers)):
        raise MalformedError(f"Content-Length: {said[:_SHOWN]}")
    return int(numbers.pop())


def _is_chunked(headers: Mapping[str, str]) -> bool:
    said = headers.get("Transfer-Encoding")
    if said is None:
        return False
    if said.strip().lower() != "chunked":
        raise MalformedError(f"Transfer-Encoding: {said[:_SHOWN]}")
    if "Content-Length" in headers:
        raise MalformedError("both Transfer-Encoding and Content-Length")
    return True


def _is_gzip(headers: Mapping[str, str]) -> bool:
    """Whether to decode the body: not all servers respect that nothing else is accepted."""
    said = headers.get("Content-Encoding", "").strip().lower()
    if said in _GZIP:
        return True
    if said not in ("", "identity"):
        raise MalformedError(f"Content-Encoding: {said[:_SHOWN]}, which was not accepted")
    return False

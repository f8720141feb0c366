"""A small object with one request, for directories of thousands."""

from __future__ import annotations

import http.client
from collections.abc import Iterator

from slugfit.base.http import Connection, HttpResponse
from slugfit.stores import Address

_BUFFER_BYTES = 256 * 1024


class UnusualResponse(http.client.HTTPException):
    """Another response than the object as it is stored. The store's client finds out why."""


def whole_object(connection: Connection, address: Address, size: int) -> Iterator[memoryview]:
    """The object's bytes in pieces, each of which is valid until the next one.

    Raises HTTPException for any other response, ValueError for a malformed URL or header, or
    OSError when the connection breaks; it is closed then.
    """
    try:
        response = connection.get(address.url, address.headers)
        if not _is_plain(response, size):
            raise UnusualResponse
        buffer = memoryview(bytearray(min(size, _BUFFER_BYTES)))
        while not response.is_read:
            if not (count := response.readinto(buffer)):
                raise ConnectionResetError
            yield buffer[:count]
    except BaseException:
        connection.close()
        raise


def _is_plain(response: HttpResponse, size: int) -> bool:
    lengths = response.headers.get_all("Content-Length", [])
    coded = {"Transfer-Encoding", "Content-Encoding"} & {*map(str.title, response.headers)}
    return response.status == 200 and lengths == [str(size)] and not coded

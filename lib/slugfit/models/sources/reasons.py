"""Why a client gave up, in words that are safe to show.

The clients' own messages repeat the URL, query string included.
"""

from __future__ import annotations

import http.client

import requests
import urllib3.exceptions
from botocore import exceptions as s3

# The first class that fits an error, from its innermost cause outwards, has the words.
_WORDS: tuple[tuple[tuple[type[BaseException], ...], str], ...] = (
    ((TimeoutError, urllib3.exceptions.TimeoutError), "no answer in time"),
    ((http.client.RemoteDisconnected,), "the server closed the connection without an answer"),
    ((http.client.HTTPException,), "the answer is not HTTP"),
    ((requests.TooManyRedirects,), "it redirects in circles"),
    ((s3.ParamValidationError,), "S3 knows no such name of a bucket or key"),
    ((s3.InvalidRegionError, s3.EndpointResolutionError), "S3 knows no such region or endpoint"),
    ((requests.exceptions.InvalidSchema, ValueError), "it leads to a URL that is not http(s)"),
    ((urllib3.exceptions.ProtocolError,), "the connection broke off"),
)


def reason(error: BaseException) -> str:
    """The innermost cause that has words, such as "reason: Connection refused"."""
    words = (_words(cause) for cause in reversed(_causes(error)))
    return f"reason: {next(filter(None, words), 'unknown')}"


def _words(error: BaseException) -> str | None:
    if isinstance(error, urllib3.exceptions.IncompleteRead):
        return f"the connection closed after {error.partial} bytes"
    if isinstance(error, s3.IncompleteReadError):
        return f"the connection closed after {error.kwargs['actual_bytes']} bytes"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return next((words for kinds, words in _WORDS if isinstance(error, kinds)), None)


def _causes(error: BaseException) -> list[BaseException]:
    """`error`, and what it was raised for, from the outside in."""
    chain: list[BaseException] = []
    inner: BaseException | None = error
    while inner is not None and inner not in chain:
        chain.append(inner)
        wrapped = [getattr(inner, "reason", None), *inner.args, inner.__cause__, inner.__context__]
        inner = next((cause for cause in wrapped if isinstance(cause, BaseException)), None)
    return chain

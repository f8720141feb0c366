"""What the HTTP responses of stores mean, and what requests raises instead of one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

import requests
import urllib3

from slugfit.base.http import retry_after
from slugfit.stores import Changed, Retryable
from slugfit.stores.client_errors import reason
from slugfit.stores.refusals import (
    AccessDenied,
    ObjectMissing,
    RequestRejected,
    ServerFailed,
    Unreachable,
)
from slugfit.stores.urls import StoreUrl

_ERROR_BYTES = 16 * 1024  # of a response's body, for the store's message
_SHOWN_CHARACTERS = 200


@contextmanager
def listing_errors(url: StoreUrl) -> Iterator[None]:
    """A document that is no listing becomes a Failure."""
    try:
        yield
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise RequestRejected(url, "reason: the response is no listing") from error


@contextmanager
def request_errors(url: StoreUrl) -> Iterator[None]:
    """What requests raises becomes Retryable or a Failure."""
    try:
        yield
    except (requests.TooManyRedirects, ValueError) as error:
        # ValueError: requests' own for what it can't follow or send, and the standard library's.
        raise RequestRejected(url, reason(error)) from error
    except requests.RequestException as error:
        raise Retryable(Unreachable(url, reason(error))) from error


def refusal_of(response: requests.Response, url: StoreUrl, now: float, said: str = "") -> Exception:
    """What a status means for any store; `said` is the store's own message."""
    status, asked = response.status_code, response.request.headers
    detail = detail_of(response, said)
    if (status == 412 and "If-Match" in asked) or (status == 416 and "Range" in asked):
        return Changed()
    if status in (401, 403):
        return AccessDenied(url, detail)
    if status in (404, 410):
        return ObjectMissing(url, detail)
    if status in (408, 429) or status >= 500:
        return busy(response, url, now, said)
    return RequestRejected(url, detail)


def busy(response: requests.Response, url: StoreUrl, now: float, said: str = "") -> Retryable:
    """The store asks to retry later."""
    after = retry_after(response.headers.get("Retry-After"), now)
    return Retryable(ServerFailed(url, detail_of(response, said)), after)


def detail_of(response: requests.Response, said: str = "") -> str:
    """The status, and the store's own message."""
    status = printable(f"status: {response.status_code} {response.reason}")
    return f"{status}\n{said}" if said else status


def error_text(response: requests.Response) -> str:
    """The beginning of a response's body; "" if it can't be read."""
    with suppress(requests.RequestException, urllib3.exceptions.HTTPError, OSError):
        return next(response.iter_content(_ERROR_BYTES), b"").decode(errors="replace")
    return ""


def printable(text: str) -> str:
    """Text from a server on one line, safe to print."""
    line = " ".join(text.split())
    return "".join(filter(str.isprintable, line))[:_SHOWN_CHARACTERS]

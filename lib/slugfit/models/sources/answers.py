"""What the answers of stores mean that are asked by plain HTTP, and what requests raises."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

import requests
import urllib3

from slugfit.models.refusals import (
    AccessDenied,
    ObjectMissing,
    RequestRejected,
    ServerFailed,
    Unreachable,
)
from slugfit.models.sources import Changed, Retryable
from slugfit.models.sources.reasons import reason
from slugfit.models.wire import retry_after

_ERROR_BYTES = 16 * 1024  # of an answer's body, to find out what the store says
_SHOWN_CHARACTERS = 200


@contextmanager
def understood(display: str) -> Iterator[None]:
    """A document that is not what it should be becomes a Failure."""
    try:
        yield
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise RequestRejected(display, "reason: the answer is no listing") from error


@contextmanager
def no_answer(display: str) -> Iterator[None]:
    """What requests raises becomes Retryable or a Failure."""
    try:
        yield
    except (requests.TooManyRedirects, ValueError) as error:
        # ValueError: requests' own for what it can't follow or send, and the standard library's.
        raise RequestRejected(display, reason(error)) from error
    except requests.RequestException as error:
        raise Retryable(Unreachable(display, reason(error))) from error


def refusal_of(response: requests.Response, display: str, now: float, said: str = "") -> Exception:
    """What a status means, whatever the store; `said` are the store's own words."""
    status, asked = response.status_code, response.request.headers
    detail = detail_of(response, said)
    if (status == 412 and "If-Match" in asked) or (status == 416 and "Range" in asked):
        return Changed()
    if status in (401, 403):
        return AccessDenied(display, detail)
    if status in (404, 410):
        return ObjectMissing(display, detail)
    if status in (408, 429) or status >= 500:
        return busy(response, display, now, said)
    return RequestRejected(display, detail)


def busy(response: requests.Response, display: str, now: float, said: str = "") -> Retryable:
    """The store wants to be left alone for a while."""
    after = retry_after(response.headers.get("Retry-After"), now)
    return Retryable(ServerFailed(display, detail_of(response, said)), after)


def detail_of(response: requests.Response, said: str = "") -> str:
    """What the store answered."""
    status = printable(f"status: {response.status_code} {response.reason}")
    return f"{status}\n{said}" if said else status


def error_text(response: requests.Response) -> str:
    """The beginning of an answer's body; "" if it can't be had."""
    with suppress(requests.RequestException, urllib3.exceptions.HTTPError, OSError):
        return next(response.iter_content(_ERROR_BYTES), b"").decode(errors="replace")
    return ""


def printable(text: str) -> str:
    """Somebody else's words on one line, fit to be shown."""
    line = " ".join(text.split())
    return "".join(filter(str.isprintable, line))[:_SHOWN_CHARACTERS]

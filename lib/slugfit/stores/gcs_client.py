"""Objects in Google Cloud Storage, by its JSON API.

google-auth makes a token from the service account's key; public objects need none. Each version of
an object has a number, its generation, of which the transfer then fetches ranges.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

import requests

from slugfit.stores import Address, Changed, Entry, Retryable, Version
from slugfit.stores.client_errors import reason
from slugfit.stores.gcs import GcsSettings, GcsUrl
from slugfit.stores.http_responses import (
    busy,
    detail_of,
    error_text,
    listing_errors,
    printable,
    refusal_of,
)
from slugfit.stores.refusals import (
    BucketMissing,
    ClockSkewed,
    CredentialsWrong,
    ServerFailed,
    Unreachable,
)
from slugfit.stores.urls import StoreUrl
from slugfit.stores.web_object import TIMEOUTS, Session, WebObject, get_json

if TYPE_CHECKING:
    from google.oauth2.service_account import Credentials

# ruff: noqa: PLC0415 (google-auth is imported only for a service account)

_SCOPE = "https://www.googleapis.com/auth/devstorage.read_only"
_LISTED = "items(name,size,generation),nextPageToken"
_GENERATION = "x-goog-if-generation-match"
# Without it the store decodes what was stored with Content-Encoding: gzip, and serves no ranges.
_AS_STORED = {"Accept-Encoding": "gzip"}


class GcsBucket:
    """One bucket, as its service account sees it."""

    def __init__(self, name: str, settings: GcsSettings, now: Callable[[], float]) -> None:
        self._path = f"/storage/v1/b/{quote(name, safe='')}/o"
        self._settings = settings
        self._now = now
        self._credentials: Credentials | None = None

    def list_url(self, **query: str) -> str:
        return f"{self._settings.endpoint}{self._path}?{urlencode(query)}"

    def media_url(self, name: str, **query: str) -> str:
        """Where an object's bytes are."""
        object_ = f"{self._settings.endpoint}/download{self._path}/{quote(name, safe='')}"
        return f"{object_}?{urlencode({'alt': 'media', **query})}"

    def token(self, url: StoreUrl) -> Mapping[str, str]:
        """The header that opens the bucket; none for a public bucket."""
        if self._settings.service_account is None:
            return {}
        with _auth_errors(url):
            credentials = self._credentials or _credentials(self._settings.service_account)
            self._credentials = credentials
            if not credentials.valid:
                _refresh(credentials)
        return {"Authorization": f"Bearer {credentials.token}"}

    def refusal(self, response: requests.Response, url: StoreUrl) -> Exception:
        message = _message(error_text(response))
        said = f"Google says: {message}" if message else ""
        status, now = response.status_code, self._now()
        if status == 412:
            return Changed()
        if status == 404 and "bucket does not exist" in message:
            return BucketMissing(url, detail_of(response, said))
        if status == 401 and "Invalid Credentials" in message:
            return CredentialsWrong(url, detail_of(response, said))
        if status == 403 and "rate limit" in message.lower():
            return busy(response, url, now, said)
        return refusal_of(response, url, now, said)


class GcsObject(WebObject):
    """One object of one bucket."""

    undoes_encoding = False

    def __init__(
        self,
        url: GcsUrl,
        settings: GcsSettings,
        now: Callable[[], float],
        bucket: GcsBucket | None = None,
    ) -> None:
        self._bucket = bucket or GcsBucket(url.bucket, settings, now)
        self._name = url.object
        self._which = {"generation": url.generation} if url.generation else {}
        super().__init__(url, now)

    def credentials(self) -> Mapping[str, str]:
        return {**_AS_STORED, **self._bucket.token(self.url)}

    def request(
        self, version: Version | None, unless_etag: str | None
    ) -> tuple[str, Mapping[str, str]]:
        asked = {
            "ifGenerationMatch": version.etag if version else None,
            "ifGenerationNotMatch": unless_etag,
        }
        conditions = {name: generation for name, generation in asked.items() if generation}
        return self._bucket.media_url(self._name, **self._which, **conditions), {}

    def version(self, response: requests.Response, size: int | None) -> Version:
        return _version(size, response.headers.get("X-Goog-Generation"))

    def address(self, url: str, version: Version) -> str:
        return self._bucket.media_url(self._name, generation=version.etag or "")

    def refusal(self, response: requests.Response) -> Exception:
        return self._bucket.refusal(response, self.url)


class GcsPrefix:
    """All objects of one bucket whose names begin alike."""

    def __init__(self, url: GcsUrl, settings: GcsSettings, now: Callable[[], float]) -> None:
        self.url = url
        self._settings = settings
        self._now = now
        self._bucket = GcsBucket(url.bucket, settings, now)

    def list(self) -> tuple[Entry, ...]:
        # A name that ends in a slash is a folder that was made in a console.
        with listing_errors(self.url):
            items = (item for item in self._items() if not item["name"].endswith("/"))
            return tuple(sorted(map(self._entry, items), key=lambda entry: entry.path))

    def _items(self) -> Iterator[Any]:
        page = {"prefix": self.url.object, "fields": _LISTED}
        while True:
            listed, _ = get_json(
                self._bucket.list_url(**page),
                self._bucket.token(self.url),
                self.url,
                partial(self._bucket.refusal, url=self.url),
            )
            yield from listed.get("items", ())
            if "nextPageToken" not in listed:
                return
            page["pageToken"] = listed["nextPageToken"]

    def _entry(self, item: Any) -> Entry:
        name, generation = item["name"], item["generation"]
        source = GcsObject(GcsUrl(self.url.bucket, name), self._settings, self._now, self._bucket)
        version = _version(int(item["size"]), generation)
        url = self._bucket.media_url(name, generation=generation)
        address = Address(url, source.credentials())
        return Entry(name.removeprefix(self.url.object), version, source, address)


def _version(size: int | None, generation: str | None) -> Version:
    """A version by its generation: ETags change with an object's metadata, too."""
    return Version(size, generation, {_GENERATION: generation} if generation else {})


def _credentials(service_account: str) -> Credentials:
    from google.oauth2.service_account import Credentials

    make = Credentials.from_service_account_info
    made: Credentials = make(  # type: ignore[no-untyped-call] # google-auth has no types
        json.loads(service_account), scopes=[_SCOPE]
    )
    return made


def _refresh(credentials: Credentials) -> None:
    from google.auth.transport.requests import Request

    with Session() as session:
        request = partial(Request(session), timeout=TIMEOUTS)
        credentials.refresh(request)  # type: ignore[no-untyped-call] # google-auth has no types


@contextmanager
def _auth_errors(url: StoreUrl) -> Iterator[None]:
    """What google-auth raises becomes Retryable or a Failure."""
    from google.auth.exceptions import GoogleAuthError, RefreshError, TransportError

    try:
        yield
    except TransportError as error:
        raise Retryable(Unreachable(url, reason(error))) from error
    except RefreshError as error:
        said = f"Google says: {printable(str(error.args[0]))}"
        if "reasonable timeframe" in said:
            raise ClockSkewed(url, said) from error
        if error.retryable:
            raise Retryable(ServerFailed(url, said)) from error
        raise CredentialsWrong(url, said) from error
    except (GoogleAuthError, ValueError) as error:
        raise CredentialsWrong(url, "reason: the private key is not valid") from error


def _message(text: str) -> str:
    """The store's message: the response is text, or JSON with it."""
    with suppress(ValueError, KeyError, TypeError):
        text = json.loads(text)["error"]["message"]
    return "" if "<" in text else printable(text)

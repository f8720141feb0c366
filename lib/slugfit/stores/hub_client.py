"""Files in model repositories on the Hugging Face hub.

The hub's response for a large file is its checksum and a redirect to another host, by a URL that is
signed for a while. The checksum identifies the content; the other host's own ETag only proves that
the ranges belong together.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote, urlsplit

import requests

from slugfit.stores import Entry, Retryable, Version
from slugfit.stores.http_responses import detail_of, listing_errors, refusal_of
from slugfit.stores.hub import HubSettings, HubUrl
from slugfit.stores.refusals import (
    AccessDenied,
    CredentialsWrong,
    Gated,
    ObjectMissing,
    RevisionMissing,
    ServerFailed,
    StoreFailure,
)
from slugfit.stores.web_object import WebObject, conditions, get_json, version_of

_SHA256 = re.compile("[0-9a-f]{64}")
_LINKED_ETAG = "X-Linked-Etag"
_WITH_PAGE = {"GatedRepo": Gated, "RevisionNotFound": RevisionMissing}
_REFUSALS: dict[str, type[StoreFailure]] = {
    "EntryNotFound": ObjectMissing,
    "RepoNotFound": AccessDenied,  # what the hub says of a private one, too
}
_INVALID_TOKEN = "Invalid credentials"  # noqa: S105 (the hub's message)


@dataclass(frozen=True, eq=False)
class _ContentVersion(Version):
    """A version identified by its content: what pins it differs from host to host."""

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Version):
            return NotImplemented
        return (self.size, self.etag, self.sha256) == (other.size, other.etag, other.sha256)

    __hash__ = None  # type: ignore[assignment] # as Version, whose pin can change


class _Repository:
    """A repository as its URL names it, and what the hub's refusals mean."""

    def __init__(self, url: HubUrl, settings: HubSettings, now: Callable[[], float]) -> None:
        self._url = url
        self._now = now
        self.endpoint = settings.endpoint
        self.page = f"{settings.endpoint}/{url.repo}"
        self.api = f"{settings.endpoint}/api/models/{url.repo}"
        self.token = {"Authorization": f"Bearer {settings.token}"} if settings.token else {}

    def refusal(self, response: requests.Response) -> Exception:
        url, status = self._url, response.status_code
        code = response.headers.get("X-Error-Code", "")
        detail = detail_of(response, f"hub code: {code}" if code else "")
        if code in _WITH_PAGE:
            return _WITH_PAGE[code](url, detail, self.page)
        if code in _REFUSALS:
            return _REFUSALS[code](url, detail)
        if _INVALID_TOKEN in response.headers.get("X-Error-Message", ""):
            return CredentialsWrong(url, detail)
        if status in (401, 403, 404) and not self._is_from_hub(response):
            # The link was signed a moment ago.
            return Retryable(ServerFailed(url, f"{detail}\nfrom: a host of the hub's files"))
        return refusal_of(response, url, self._now())

    def _is_from_hub(self, response: requests.Response) -> bool:
        """Whether a response is the hub's own, and not from a host that it redirects to."""
        return urlsplit(response.url).netloc == urlsplit(self.endpoint).netloc


class HubObject(WebObject):
    """One file of a repository. `commit` is the one that its revision was, once it is open."""

    def __init__(self, url: HubUrl, settings: HubSettings, now: Callable[[], float]) -> None:
        self._repository = _Repository(url, settings, now)
        revision, path = quote(url.revision, safe=""), quote(url.path)
        super().__init__(url, now)
        self._request_url = f"{self._repository.page}/resolve/{revision}/{path}"
        self.commit: str | None = None

    def credentials(self) -> Mapping[str, str]:
        return self._repository.token

    def request(
        self, version: Version | None, unless_etag: str | None
    ) -> tuple[str, Mapping[str, str]]:
        # No If-Range: the redirect leads to one content, and its checksum is compared.
        return self._request_url, conditions(None, unless_etag, quote='"')

    def ask(
        self, session: requests.Session, url: str, headers: Mapping[str, str]
    ) -> requests.Response:
        response = super().ask(session, url, headers)
        self.commit = _first("X-Repo-Commit", response)
        return response

    def is_unchanged(self, response: requests.Response, unless_etag: str) -> bool:
        linked = response.headers.get(_LINKED_ETAG)
        return super().is_unchanged(response, unless_etag) or _plain(linked) == unless_etag

    def version(self, response: requests.Response, size: int | None) -> Version:
        linked = _plain(_first(_LINKED_ETAG, response))
        etag = linked or _plain(response.headers.get("ETag"))
        sha256 = linked if linked and _SHA256.fullmatch(linked) else None
        return _ContentVersion(size, etag, version_of(response.headers, size).pin, sha256)

    def refusal(self, response: requests.Response) -> Exception:
        return self._repository.refusal(response)


class HubPrefix:
    """All files of a repository, or of a directory in it, as of one commit."""

    def __init__(self, url: HubUrl, settings: HubSettings, now: Callable[[], float]) -> None:
        self.url = url
        self._settings = settings
        self._now = now
        self._repository = _Repository(url, settings, now)
        self.commit: str | None = None

    def list(self) -> tuple[Entry, ...]:
        with listing_errors(self.url):
            self.commit = commit = self._find_commit()
            files = (item for item in self._tree(commit) if item["type"] == "file")
            entries = (self._entry(file, commit) for file in files)
            return tuple(sorted(entries, key=lambda entry: entry.path))

    def _find_commit(self) -> str:
        revision = quote(self.url.revision, safe="")
        found, _ = self._ask(f"{self._repository.api}/revision/{revision}")
        return str(found["sha"])

    def _tree(self, commit: str) -> Iterator[Any]:
        directory = f"/{quote(self.url.path.rstrip('/'))}" if self.url.path else ""
        page: str | None = f"{self._repository.api}/tree/{commit}{directory}?recursive=true"
        while page:
            items, page = self._ask(page)
            yield from items

    def _ask(self, url: str) -> tuple[Any, str | None]:
        # The hub names the next page's URL: the token is sent to no other host.
        ours = url.startswith(f"{self._repository.endpoint}/")
        token = self._repository.token if ours else {}
        return get_json(url, token, self.url, self._repository.refusal)

    def _entry(self, item: Any, commit: str) -> Entry:
        path, sha256 = item["path"], item.get("lfs", {}).get("oid")
        source = HubObject(replace(self.url, path=path, revision=commit), self._settings, self._now)
        version = _ContentVersion(item["size"], sha256 or item["oid"], {}, sha256)
        return Entry(path.removeprefix(self.url.path), version, source)


def _first(name: str, response: requests.Response) -> str | None:
    """A header of the first response that has it, of the redirects and the last one."""
    responses = [*response.history, response]
    return next((r.headers[name] for r in responses if name in r.headers), None)


def _plain(etag: str | None) -> str | None:
    """An ETag as listings have it: without quotes, and whether it is a weak one."""
    return etag.removeprefix("W/").strip('"') if etag else None

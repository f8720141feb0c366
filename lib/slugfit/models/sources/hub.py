"""Files in model repositories on the Hugging Face hub.

The hub answers for a large file with its checksum and a redirect to another host, by a URL that is
signed for a while. The checksum tells which content it is; the other host's ETag, which is one of
its own, only holds the ranges together.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote, urlsplit

import requests

from slugfit.models.failures import FetchFailure
from slugfit.models.refusals import (
    AccessDenied,
    CredentialsWrong,
    Gated,
    ObjectMissing,
    RevisionMissing,
    ServerFailed,
)
from slugfit.models.sources import Entry, Retryable, Version
from slugfit.models.sources.answers import detail_of, refusal_of, understood
from slugfit.models.sources.web import WebObject, conditions, get_json, version_of
from slugfit.settings.model import HubSettings
from slugfit.settings.urls import HubUrl

_SHA256 = re.compile("[0-9a-f]{64}")
_LINKED_ETAG = "X-Linked-Etag"
_WITH_PAGE = {"GatedRepo": Gated, "RevisionNotFound": RevisionMissing}
_REFUSALS: dict[str, type[FetchFailure]] = {
    "EntryNotFound": ObjectMissing,
    "RepoNotFound": AccessDenied,  # what the hub says of a private one, too
}
_INVALID_TOKEN = "Invalid credentials"  # noqa: S105 (the hub's words)


@dataclass(frozen=True, eq=False)
class _Content(Version):
    """A version that its content tells: what pins it on one host may be another on the next."""

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Version):
            return NotImplemented
        return (self.size, self.etag, self.sha256) == (other.size, other.etag, other.sha256)

    __hash__ = None  # type: ignore[assignment] # as Version, whose pin can change


class _Repository:
    """A repository as its URL names it, and what the hub says when it gives nothing of it."""

    def __init__(self, url: HubUrl, settings: HubSettings, now: Callable[[], float]) -> None:
        self._url = url
        self._now = now
        self.endpoint = settings.endpoint
        self.page = f"{settings.endpoint}/{url.repo}"
        self.api = f"{settings.endpoint}/api/models/{url.repo}"
        self.token = {"Authorization": f"Bearer {settings.token}"} if settings.token else {}

    def refusal(self, response: requests.Response) -> Exception:
        display, status = self._url.display, response.status_code
        code = response.headers.get("X-Error-Code", "")
        detail = detail_of(response, f"hub code: {code}" if code else "")
        if code in _WITH_PAGE:
            return _WITH_PAGE[code](display, detail, self.page)
        if code in _REFUSALS:
            return _REFUSALS[code](display, detail)
        if _INVALID_TOKEN in response.headers.get("X-Error-Message", ""):
            return CredentialsWrong(display, detail)
        if status in (401, 403, 404) and not self.has_answered(response):
            # A link that was signed a moment ago.
            return Retryable(ServerFailed(display, f"{detail}\nanswered: not the hub itself"))
        return refusal_of(response, display, self._now())

    def has_answered(self, response: requests.Response) -> bool:
        """Whether an answer is the hub's own, and not that of a host that it redirects to."""
        return urlsplit(response.url).netloc == urlsplit(self.endpoint).netloc


class HubObject(WebObject):
    """One file of a repository. `commit` is the one that its revision was, once it is open."""

    def __init__(self, url: HubUrl, settings: HubSettings, now: Callable[[], float]) -> None:
        self._repository = _Repository(url, settings, now)
        revision, path = quote(url.revision, safe=""), quote(url.path)
        super().__init__(url.display, now)
        self._url = f"{self._repository.page}/resolve/{revision}/{path}"
        self.commit: str | None = None

    def credentials(self) -> Mapping[str, str]:
        return self._repository.token

    def request(
        self, version: Version | None, unless_etag: str | None
    ) -> tuple[str, Mapping[str, str]]:
        # No If-Range: where the redirect leads to is of one content, and which one is compared.
        return self._url, conditions(None, unless_etag, quote='"')

    def ask(
        self, session: requests.Session, url: str, headers: Mapping[str, str]
    ) -> requests.Response:
        response = super().ask(session, url, headers)
        self.commit = _told("X-Repo-Commit", response)
        return response

    def is_unchanged(self, response: requests.Response, unless_etag: str) -> bool:
        linked = response.headers.get(_LINKED_ETAG)
        return super().is_unchanged(response, unless_etag) or _plain(linked) == unless_etag

    def version(self, response: requests.Response, size: int | None) -> Version:
        linked = _plain(_told(_LINKED_ETAG, response))
        etag = linked or _plain(response.headers.get("ETag"))
        sha256 = linked if linked and _SHA256.fullmatch(linked) else None
        return _Content(size, etag, version_of(response.headers, size).pin, sha256)

    def refusal(self, response: requests.Response) -> Exception:
        return self._repository.refusal(response)


class HubPrefix:
    """All files of a repository, or of a directory in it, as of one commit."""

    def __init__(self, url: HubUrl, settings: HubSettings, now: Callable[[], float]) -> None:
        self._url = url
        self._settings = settings
        self._now = now
        self._repository = _Repository(url, settings, now)
        self.display = url.display
        self.commit: str | None = None

    def list(self) -> tuple[Entry, ...]:
        with understood(self.display):
            self.commit = commit = self._find_commit()
            files = (item for item in self._tree(commit) if item["type"] == "file")
            entries = (self._entry(file, commit) for file in files)
            return tuple(sorted(entries, key=lambda entry: entry.path))

    def _find_commit(self) -> str:
        revision = quote(self._url.revision, safe="")
        found, _ = self._ask(f"{self._repository.api}/revision/{revision}")
        return str(found["sha"])

    def _tree(self, commit: str) -> Iterator[Any]:
        directory = f"/{quote(self._url.path.rstrip('/'))}" if self._url.path else ""
        page: str | None = f"{self._repository.api}/tree/{commit}{directory}?recursive=true"
        while page:
            items, page = self._ask(page)
            yield from items

    def _ask(self, url: str) -> tuple[Any, str | None]:
        # The next page's URL is the hub's word: the token goes to no other host.
        ours = url.startswith(f"{self._repository.endpoint}/")
        token = self._repository.token if ours else {}
        return get_json(url, token, self.display, self._repository.refusal)

    def _entry(self, item: Any, commit: str) -> Entry:
        path, sha256 = item["path"], item.get("lfs", {}).get("oid")
        source = HubObject(
            replace(self._url, path=path, revision=commit), self._settings, self._now
        )
        version = _Content(item["size"], sha256 or item["oid"], {}, sha256)
        return Entry(path.removeprefix(self._url.path), version, source)


def _told(name: str, response: requests.Response) -> str | None:
    """A header of the first answer that has it: on the way to a file there are redirects."""
    answers = [*response.history, response]
    return next((a.headers[name] for a in answers if name in a.headers), None)


def _plain(etag: str | None) -> str | None:
    """An ETag as listings have it: without quotes, and whether it is a weak one."""
    return etag.removeprefix("W/").strip('"') if etag else None

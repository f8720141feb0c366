"""What the imitated hub answers, route by route."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

from support.file_handler import NO_HEADERS, FileHandler

if TYPE_CHECKING:
    from support.hub import HubFile, HubServer, Repository

NAME = r"(?P<name>[^/]+(?:/[^/]+)?)"
REVISION = r"(?P<revision>[^/]+)"
PATH = r"(?P<path>.+)"


class Refused(Exception):  # noqa: N818 -- reads as the hub says it
    """The hub's no, in its words."""

    def __init__(self, status: int, message: str, code: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.headers = {"X-Error-Message": message, **({"X-Error-Code": code} if code else {})}


class HubHandler(FileHandler):
    """One connection to a `HubServer`."""

    def __init__(self, hub: HubServer, *connection: Any) -> None:
        self._hub = hub
        super().__init__(*connection)

    def do_GET(self) -> None:  # noqa: N802 -- the name that http.server looks for
        self._hub.record(self.seen())
        try:
            self._route(urlsplit(self.path).path)
        except Refused as refusal:
            self.send_json({"error": str(refusal)}, refusal.status, refusal.headers)

    def do_HEAD(self) -> None:  # noqa: N802 -- the name that http.server looks for
        self.do_GET()

    def _route(self, path: str) -> None:
        for pattern, answer in ROUTES:
            if found := pattern.fullmatch(path):
                parts = {key: unquote(part or "") for key, part in found.groupdict().items()}
                new_name = self._hub.moved.get(parts["name"])
                if new_name is None:
                    answer(self, **parts)
                else:
                    self._redirect(307, self.path.replace(parts["name"], new_name, 1))
                return
        raise Refused(404, "Sorry, we can't find the page you are looking for.")

    def _info(self, name: str, revision: str) -> None:
        repository = self._repository(name)
        sha, files = self._commit(repository, revision or "main")
        self.send_json(
            {
                "id": name,
                "sha": sha,
                "private": repository.access == "private",
                "gated": "auto" if repository.access == "gated" else False,
                "siblings": [{"rfilename": path} for path in files],
            }
        )

    def _tree(self, name: str, revision: str, path: str) -> None:
        _, files = self._commit(self._repository(name), revision)
        query = parse_qs(urlsplit(self.path).query)
        recursive = query.get("recursive", [""])[0].lower() in ("true", "1")
        entries = _listing(files, path, recursive=recursive)
        if path and not entries:
            raise Refused(404, f'{path} does not exist on "{revision}"', "EntryNotFound")
        begin = int(query.get("cursor", ["0"])[0])
        end = begin + self._hub.page_size
        self.send_json(entries[begin:end], headers=self._next(end) if entries[end:] else {})

    def _next(self, cursor: int) -> dict[str, str]:
        target = re.sub(r"[?&]cursor=\d+", "", self.path)
        joint = "&" if "?" in target else "?"
        return {"Link": f'<{self._hub.endpoint}{target}{joint}cursor={cursor}>; rel="next"'}

    def _resolve(self, name: str, revision: str, path: str) -> None:
        sha, file = self._file(name, revision, path)
        commit = {"X-Repo-Commit": sha}
        if file.sha256 is None:
            here = quote(urlsplit(self.path).path, safe="")
            there = f"/api/resolve-cache/models/{name}/{sha}/{quote(path)}"
            self._redirect(307, f"{there}?{here}=&etag=%22{file.oid}%22", commit)
            return
        link = self._hub.cdn.link(file.sha256, self._hub.link_seconds)
        linked = {
            "X-Linked-Size": str(file.stored.size),
            "X-Linked-Etag": f'"{file.sha256}"',
            "X-Xet-Hash": file.stored.etag,
        }
        self._redirect(302, f"{self._hub.cdn_endpoint}{link}", {**commit, **linked})

    def _cached(self, name: str, revision: str, path: str) -> None:
        sha, file = self._file(name, revision, path)
        self.send_file(file.stored, {"X-Repo-Commit": sha, "Content-Type": "text/plain"})

    def _redirect(
        self, status: int, location: str, headers: Mapping[str, str] = NO_HEADERS
    ) -> None:
        body = f"Redirecting to {location}".encode()
        self.send_document(status, body, {"Location": location, **headers})

    def _file(self, name: str, revision: str, path: str) -> tuple[str, HubFile]:
        sha, files = self._commit(self._repository(name, files=True), revision)
        if path not in files:
            raise Refused(404, "Entry not found", "EntryNotFound")
        return sha, files[path]

    def _commit(self, repository: Repository, revision: str) -> tuple[str, Mapping[str, HubFile]]:
        sha = repository.branches.get(revision, revision)
        if sha not in repository.commits:
            raise Refused(404, f"Invalid rev id: {revision}", "RevisionNotFound")
        return sha, repository.commits[sha]

    def _repository(self, name: str, *, files: bool = False) -> Repository:
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        if token not in ("", self._hub.token, self._hub.strangers_token):
            raise Refused(401, "Invalid credentials in Authorization header")
        trusted = token == self._hub.token
        repository = self._hub.repositories.get(name)
        if repository is None or (repository.access == "private" and not trusted):
            if token:
                raise Refused(404, "Repository not found", "RepoNotFound")
            # The code is for those who have said who they are.
            raise Refused(401, "Invalid username or password.")
        if repository.access == "gated" and files and not trusted:
            restricted = f"Access to model {name} is restricted"
            if token:
                raise Refused(
                    403, f"{restricted} and you are not in the authorized list.", "GatedRepo"
                )
            raise Refused(401, f"{restricted}. Please log in.", "GatedRepo")
        return repository


# In this order: the first that fits a path answers.
ROUTES: tuple[tuple[re.Pattern[str], Callable[..., None]], ...] = (
    (re.compile(rf"/api/resolve-cache/models/{NAME}/{REVISION}/{PATH}"), HubHandler._cached),
    (re.compile(rf"/api/models/{NAME}/tree/{REVISION}(?:/{PATH})?"), HubHandler._tree),
    (re.compile(rf"/api/models/{NAME}(?:/revision/{REVISION})?"), HubHandler._info),
    (re.compile(rf"/{NAME}/resolve/{REVISION}/{PATH}"), HubHandler._resolve),
)


def _listing(files: Mapping[str, HubFile], below: str, *, recursive: bool) -> list[dict[str, Any]]:
    """The files and folders of a commit that are below a folder."""
    prefix = f"{below}/" if below else ""
    entries = {path: file.entry(path) for path, file in files.items() if path.startswith(prefix)}
    for path in list(entries):
        for folder in map(str, PurePosixPath(path).parents):
            if folder != "." and folder.startswith(prefix):
                oid = hashlib.sha1(folder.encode(), usedforsecurity=False).hexdigest()
                entries[folder] = {"type": "directory", "oid": oid, "size": 0, "path": folder}
    shown = (path for path in sorted(entries) if recursive or "/" not in path[len(prefix) :])
    return [entries[path] for path in shown]

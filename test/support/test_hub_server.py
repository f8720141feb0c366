"""The imitated hub answers as the Hugging Face Hub is known to."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from slugfit.local.client import Client, Response
from slugfit.local.servers import is_listening
from support.faults import Cut, FaultProxy
from support.hub import Access, HubServer

WEIGHTS = bytes(range(256)) * 400
SHA256 = hashlib.sha256(WEIGHTS).hexdigest()
ENTRY = "/acme/tiny/resolve/main/config.json"
FILES = {"config.json": b"{}", "onnx/model.onnx": WEIGHTS, "onnx/notes/read me.txt": b"hello\n"}


@pytest.fixture
def hub() -> Iterator[HubServer]:
    with HubServer() as hub:
        hub.commit("acme/tiny", FILES)
        yield hub


def get(hub: HubServer, path: str, token: str | None = None, method: str = "GET") -> Response:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return Client(hub.port).request(method, path, headers=headers)


def link(hub: HubServer) -> str:
    """Path and query of a link to the large file."""
    answer = get(hub, "/acme/tiny/resolve/main/onnx/model.onnx")
    assert answer.status == 302
    return answer.headers["Location"].removeprefix(hub.cdn.endpoint)


def deliver(hub: HubServer, target: str, **headers: str) -> Response:
    """What the delivery network answers; `_` in the names of headers stands for `-`."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Client(hub.cdn.port).get(target, named)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_small_file_comes_after_a_relative_redirect(hub: HubServer, method: str) -> None:
    sha = hub.repositories["acme/tiny"].branches["main"]
    first = get(hub, "/acme/tiny/resolve/main/onnx/notes/read%20me.txt", method=method)
    assert (first.status, first.headers["X-Repo-Commit"]) == (307, sha)
    location = first.headers["Location"]
    assert location.startswith(f"/api/resolve-cache/models/acme/tiny/{sha}/onnx/notes/read%20me")
    answer = get(hub, location, method=method)
    assert answer.body == (b"hello\n" if method == "GET" else b"")
    assert (answer.status, answer.headers["X-Repo-Commit"]) == (200, sha)
    # As `git hash-object` has it.
    assert answer.headers["ETag"] == '"ce013625030ba8dba906f756967f9e9ca394464a"'
    known = Client(hub.port).get(location, {"If-None-Match": answer.headers["ETag"]})
    assert (known.status, known.body) == (304, b"")


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_large_file_comes_from_another_host(hub: HubServer, method: str) -> None:
    answer = get(hub, "/acme/tiny/resolve/main/onnx/model.onnx", method=method)
    assert answer.status == 302
    assert answer.headers["X-Linked-Etag"] == f'"{SHA256}"'
    assert answer.headers["X-Linked-Size"] == str(len(WEIGHTS))
    assert answer.headers["X-Repo-Commit"] == hub.repositories["acme/tiny"].branches["main"]
    host = urlsplit(answer.headers["Location"]).netloc
    assert host == f"127.0.0.1:{hub.cdn.port}" != f"127.0.0.1:{hub.port}"
    delivered = deliver(hub, link(hub))
    assert (delivered.status, delivered.body) == (200, WEIGHTS)
    assert re.fullmatch('"[0-9a-f]{64}"', delivered.headers["ETag"])
    assert delivered.headers["ETag"] != f'"{SHA256}"'


def test_a_large_file_comes_in_parts(hub: HubServer) -> None:
    target = link(hub)
    etag = deliver(hub, target).headers["ETag"]
    for asked, part in [
        ("bytes=0-99", WEIGHTS[:100]),
        ("bytes=100-", WEIGHTS[100:]),
        ("bytes=-50", WEIGHTS[-50:]),
        ("bytes=102300-999999", WEIGHTS[102300:]),
    ]:
        answer = deliver(hub, target, Range=asked, If_Match=etag, If_Range=etag)
        assert (answer.status, answer.body) == (206, part)
    assert answer.headers["Content-Range"] == "bytes 102300-102399/102400"
    assert deliver(hub, target, Range="bytes=0-1", If_Range='"other"').body == WEIGHTS
    assert deliver(hub, target, Range="bytes=0-1", If_Match='"other"').status == 412
    beyond = deliver(hub, target, Range="bytes=102400-")
    assert (beyond.status, beyond.headers["Content-Range"]) == (416, "bytes */102400")


def test_links_expire_and_can_not_be_forged(hub: HubServer) -> None:
    target = link(hub)
    assert deliver(hub, target[:-1]).status == 403
    assert deliver(hub, target.replace("Expires=1", "Expires=2")).status == 403
    assert deliver(hub, target).status == 200
    hub.expire_links()
    assert "Request has expired" in deliver(hub, target).text
    hub.link_seconds = -1
    assert deliver(hub, link(hub)).status == 403


def test_the_other_host_refuses_a_token_that_was_meant_for_the_hub(hub: HubServer) -> None:
    target = link(hub)
    assert deliver(hub, target, Authorization=f"Bearer {hub.token}").status == 400
    assert [request.path for request in hub.cdn_requests] == [target]


def test_listings_come_in_pages(hub: HubServer) -> None:
    hub.page_size = 2
    paths: list[str] = []
    target = "/api/models/acme/tiny/tree/main?recursive=true&expand=false"
    for _ in range(3):
        answer = get(hub, target)
        paths += [entry["path"] for entry in answer.json()]
        if "Link" not in answer.headers:
            break
        found = re.fullmatch(rf'<{hub.endpoint}(\S+)>; rel="next"', answer.headers["Link"])
        assert found is not None
        target = found.group(1)
    assert paths == [
        "config.json",
        "onnx",
        "onnx/model.onnx",
        "onnx/notes",
        "onnx/notes/read me.txt",
    ]
    assert len(hub.requests) == 3


def test_pages_end_whatever_was_asked_for(hub: HubServer) -> None:
    hub.page_size = 1
    second = get(hub, "/api/models/acme/tiny/tree/main?cursor=1")
    assert [entry["path"] for entry in second.json()] == ["onnx"]
    assert "Link" not in second.headers
    link_header = get(hub, "/api/models/acme/tiny/tree/main/onnx?cursor=0").headers["Link"]
    assert "/tree/main/onnx?cursor=1>" in link_header


def test_listings_tell_sizes_and_checksums(hub: HubServer) -> None:
    entries = {entry["path"]: entry for entry in get_tree(hub, "main?recursive=true")}
    assert entries["onnx"]["type"] == "directory"
    large = entries["onnx/model.onnx"]
    assert (large["type"], large["size"]) == ("file", len(WEIGHTS))
    assert large["lfs"] == {"oid": SHA256, "size": len(WEIGHTS), "pointerSize": 131}
    small = entries["onnx/notes/read me.txt"]
    assert (small["size"], small["oid"]) == (6, "ce013625030ba8dba906f756967f9e9ca394464a")
    assert "lfs" not in small


def get_tree(hub: HubServer, rest: str) -> list[dict[str, object]]:
    entries: list[dict[str, object]] = get(hub, f"/api/models/acme/tiny/tree/{rest}").json()
    return entries


def test_listings_can_be_of_one_folder(hub: HubServer) -> None:
    assert [entry["path"] for entry in get_tree(hub, "main")] == ["config.json", "onnx"]
    below = ["onnx/model.onnx", "onnx/notes"]
    assert [entry["path"] for entry in get_tree(hub, "main/onnx")] == below
    below.append("onnx/notes/read me.txt")
    assert [entry["path"] for entry in get_tree(hub, "main/onnx?recursive=true")] == below
    answer = get(hub, "/api/models/acme/tiny/tree/main/nowhere")
    assert (answer.status, answer.headers["X-Error-Code"]) == (404, "EntryNotFound")


def test_branches_move_and_commits_stay(hub: HubServer, tmp_path: Path) -> None:
    first = hub.repositories["acme/tiny"].branches["main"]
    (tmp_path / "new").write_bytes(b"new weights")
    second = hub.commit("acme/tiny", {"onnx/model.onnx": tmp_path / "new"})
    other = hub.commit("acme/tiny", {"config.json": b"{}"}, branch="refs/pr/1")
    for revision, sha in [("main", second), (first, first), ("refs%2Fpr%2F1", other)]:
        info = get(hub, f"/api/models/acme/tiny/revision/{revision}").json()
        assert info["sha"] == sha
    sizes = {}
    for sha in first, second:
        answer = get(hub, f"/acme/tiny/resolve/{sha}/onnx/model.onnx")
        sizes[sha] = answer.headers["X-Linked-Size"]
    assert sizes == {first: "102400", second: "11"}
    siblings = [
        entry["rfilename"] for entry in get(hub, "/api/models/acme/tiny").json()["siblings"]
    ]
    assert siblings == sorted(FILES)


@pytest.mark.parametrize(
    ("access", "who", "answer"),
    [
        ("public", "nobody", (307, None, None)),
        ("public", "impostor", (401, None, "Invalid credentials in Authorization header")),
        ("gated", "nobody", (401, "GatedRepo", "Access to model acme/tiny is restricted")),
        ("gated", "stranger", (403, "GatedRepo", "Access to model acme/tiny is restricted")),
        ("gated", "friend", (307, None, None)),
        ("private", "nobody", (401, None, "Invalid username or password.")),
        ("private", "stranger", (404, "RepoNotFound", "Repository not found")),
        ("private", "friend", (307, None, None)),
    ],
)
def test_who_may_not_have_a_file_is_told_so(
    hub: HubServer, access: Access, who: str, answer: tuple[int, str | None, str | None]
) -> None:
    tokens = {"stranger": hub.strangers_token, "impostor": "hf_wrong", "friend": hub.token}
    hub.restrict("acme/tiny", access)
    said = get(hub, ENTRY, tokens.get(who))
    status, code, message = answer
    assert (said.status, said.headers.get("X-Error-Code")) == (status, code)
    assert (said.headers.get("X-Error-Message") or "").startswith(message or "")


@pytest.mark.parametrize(
    ("path", "code"),
    [("main/nothing", "EntryNotFound"), ("v9/config.json", "RevisionNotFound")],
)
def test_what_is_not_there_is_named(hub: HubServer, path: str, code: str) -> None:
    answer = get(hub, f"/acme/tiny/resolve/{path}")
    assert (answer.status, answer.headers["X-Error-Code"]) == (404, code)


def test_the_redirect_for_a_gated_file_needs_the_token_too(hub: HubServer) -> None:
    hub.restrict("acme/tiny", "gated")
    location = get(hub, ENTRY, hub.token).headers["Location"]
    assert get(hub, location).status == 401
    assert get(hub, location, hub.token).body == b"{}"


def test_a_gated_repository_shows_its_listing_and_a_private_one_does_not(hub: HubServer) -> None:
    hub.restrict("acme/tiny", "gated")
    assert get(hub, "/api/models/acme/tiny/tree/main").status == 200
    hub.restrict("acme/tiny", "private")
    assert get(hub, "/api/models/acme/tiny/tree/main").status == 401
    assert get(hub, "/api/models/acme/tiny/tree/main", hub.token).status == 200


def test_a_repository_that_moved_redirects(hub: HubServer) -> None:
    hub.move("acme/tiny", "acme/small")
    answer = get(hub, ENTRY)
    assert (answer.status, answer.headers["Location"]) == (
        307,
        "/acme/small/resolve/main/config.json",
    )
    assert get(hub, "/api/models/acme/small").json()["id"] == "acme/small"


def test_faults_can_stand_before_the_other_host(hub: HubServer) -> None:
    with FaultProxy(hub.cdn.port, [Cut(100)]) as faults:
        hub.cdn_endpoint = faults.url()
        answer = get(hub, "/acme/tiny/resolve/main/onnx/model.onnx")
        assert urlsplit(answer.headers["Location"]).port == faults.port


def test_the_hub_is_gone_afterwards() -> None:
    with HubServer() as hub:
        ports, folder = (hub.port, hub.cdn.port), hub._folder
        assert hub.config == {"HF_ENDPOINT": hub.endpoint, "HF_TOKEN": hub.token}
        assert all(map(is_listening, ports))
    assert not any(map(is_listening, ports))
    assert not folder.exists()

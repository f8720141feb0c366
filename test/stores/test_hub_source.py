"""Files in model repositories, from a server that answers as the Hugging Face hub does."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from itertools import repeat
from pathlib import Path

import pytest

from slugfit.base.errors import Failure
from slugfit.fetch.failures import ChecksumMismatch
from slugfit.local.servers import free_port
from slugfit.stores import FIRST_BYTES, Changed, Retryable
from slugfit.stores.hub import HubSettings, HubUrl
from slugfit.stores.hub_client import HubObject, HubPrefix
from slugfit.stores.refusals import (
    AccessDenied,
    CredentialsWrong,
    Gated,
    ObjectMissing,
    RequestRejected,
    RevisionMissing,
    ServerFailed,
    Unreachable,
)
from support.build_log import error_text
from support.faults import Answer, Corrupt, Cut, FaultProxy, Page
from support.fetching import LARGE, SMALL, Bench, everything, read, refusal, retryable
from support.http import Reply, ScriptedServer
from support.hub import HubServer
from support.servers import RangeServer
from support.sources import url_of

REPO = "acme/tiny"
LARGE_SHA256 = hashlib.sha256(LARGE).hexdigest()
CONFIG = b'{"layers": 2}'
CONFIG_OID = hashlib.sha1(b"blob 13\0" + CONFIG, usedforsecurity=False).hexdigest()
FILES = {
    "config.json": CONFIG,
    "model.onnx": LARGE,
    "onnx/small.onnx": SMALL,
    "onnx/deep/with space.txt": b"words",
}
TOKEN = "hf_t0ken"


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


@pytest.fixture(scope="module")
def started() -> Iterator[HubServer]:
    with HubServer() as hub:
        hub.commit(REPO, FILES)
        for name in ("acme/gated", "acme/private"):
            hub.commit(name, FILES)
        hub.restrict("acme/gated", "gated")
        hub.restrict("acme/private", "private")
        yield hub


@pytest.fixture
def hub(started: HubServer) -> HubServer:
    started.forget_requests()
    started.cdn_endpoint, started.page_size = started.cdn.endpoint, 1000
    return started


def model(
    hub: HubServer,
    path: str,
    repo: str = REPO,
    revision: str = "main",
    token: str | None = None,
) -> HubObject:
    return HubObject(HubUrl(repo, path, revision), HubSettings(hub.endpoint, token), lambda: 0.0)


def prefix(
    hub: HubServer,
    path: str = "",
    repo: str = REPO,
    revision: str = "main",
    token: str | None = None,
) -> HubPrefix:
    return HubPrefix(HubUrl(repo, path, revision), HubSettings(hub.endpoint, token), lambda: 0.0)


def test_a_large_file_comes_in_ranges_and_with_the_hubs_checksum(
    hub: HubServer, bench: Bench
) -> None:
    source = model(hub, "model.onnx")
    received = bench.fetch(source)
    assert received is not None
    assert (received.sha256, received.etag) == (LARGE_SHA256, LARGE_SHA256)
    assert bench.target.read_bytes() == LARGE
    assert len(hub.requests) == 1
    assert len(hub.cdn_requests) > 1
    assert all("If-Range" in request.headers for request in hub.cdn_requests[1:])


def test_a_small_file_comes_without_a_checksum(hub: HubServer, bench: Bench) -> None:
    received = bench.fetch(model(hub, "config.json"))
    assert received is not None
    assert (received.bytes, received.etag) == (len(CONFIG), CONFIG_OID)
    assert not hub.cdn_requests


def test_the_commit_behind_a_branch_is_known_once_a_file_is_open(hub: HubServer) -> None:
    source = model(hub, "config.json")
    assert source.commit is None
    read(source)
    assert source.commit == hub.repositories[REPO].branches["main"]


def test_a_file_of_a_commit_and_of_a_branch_with_a_slash_can_be_named(hub: HubServer) -> None:
    sha = hub.commit("acme/branches", {"config.json": b"one"}, branch="refs/pr/1")
    for revision in (sha, "refs/pr/1"):
        assert read(model(hub, "config.json", "acme/branches", revision)) == b"one"
    assert hub.requests[-2].path == "/acme/branches/resolve/refs%2Fpr%2F1/config.json"


def test_every_path_can_be_named(hub: HubServer) -> None:
    path = "größe/100%/a+b=c&d?e#f.json"
    hub.commit("acme/paths", {path: b"found"})
    assert read(model(hub, path, "acme/paths")) == b"found"


def test_the_token_goes_to_the_hub_and_nowhere_else(hub: HubServer, bench: Bench) -> None:
    assert bench.content(model(hub, "model.onnx", "acme/private", token=hub.token)) == LARGE
    assert read(model(hub, "config.json", "acme/private", token=hub.token)) == CONFIG
    asked = {request.headers.get("Authorization") for request in hub.requests}
    assert asked == {f"Bearer {hub.token}"}
    assert {r.headers.get("Authorization") for r in hub.cdn_requests} == {None}


def test_without_a_token_none_is_sent(hub: HubServer) -> None:
    read(model(hub, "config.json"))
    assert {request.headers.get("Authorization") for request in hub.requests} == {None}


def test_an_unchanged_large_file_is_known_by_the_hubs_word_alone(hub: HubServer) -> None:
    assert read(model(hub, "model.onnx"), LARGE_SHA256) is None
    assert not hub.cdn_requests


def test_an_unchanged_small_file_is_not_fetched_again(hub: HubServer) -> None:
    assert read(model(hub, "config.json"), CONFIG_OID) is None


def test_a_changed_file_comes_whole(hub: HubServer) -> None:
    assert read(model(hub, "config.json"), "0" * 40) == CONFIG
    assert read(model(hub, "onnx/small.onnx"), "0" * 64) == SMALL


def test_two_answers_are_of_one_version_if_the_content_is_one(hub: HubServer) -> None:
    with model(hub, "model.onnx").open() as first:
        assert first is not None
    # Another host, with an ETag of its own.
    with RangeServer(LARGE, {"ETag": '"other"'}) as other:
        linked = {"X-Linked-Etag": f'"{LARGE_SHA256}"', "Location": other.url()}
        table = {f"/{REPO}/resolve/main/model.onnx": Reply(b"", 302, linked)}
        with ScriptedServer(table) as fake:
            settings = HubSettings(fake.url().rstrip("/"))
            source = HubObject(HubUrl(REPO, "model.onnx"), settings, lambda: 0.0)
            with source.open(start=10, version=first.version) as second:
                assert second is not None
                assert second.version == first.version
                assert first.version == second.version
                assert everything(second) == LARGE[10 : 10 + FIRST_BYTES]


def test_a_branch_that_moves_on_is_noticed(hub: HubServer) -> None:
    hub.commit("acme/moving", {"model.onnx": LARGE})
    with model(hub, "model.onnx", "acme/moving").open() as opened:
        assert opened is not None
    hub.commit("acme/moving", {"model.onnx": LARGE[::-1]})
    moved = model(hub, "model.onnx", "acme/moving")
    with pytest.raises(Changed), moved.open(start=10, version=opened.version):
        pass


def test_a_broken_file_is_gone_on_with_by_another_link(hub: HubServer, bench: Bench) -> None:
    with FaultProxy(hub.cdn.port, [Cut(5_000_000), *[Answer(503)] * 100]) as faults:
        hub.cdn_endpoint = faults.url()
        with pytest.raises(ServerFailed):
            bench.fetch(model(hub, "model.onnx"))
        faults.set([])
        hub.expire_links()
        assert bench.content(model(hub, "model.onnx")) == LARGE
    assert bench.watch.there == 5_000_000


def test_a_link_that_expires_on_the_way_is_replaced(hub: HubServer, bench: Bench) -> None:
    # The first part arrives; then the link is over.
    with FaultProxy(hub.cdn.port, [None, *[Answer(403)] * 3]) as faults:
        hub.cdn_endpoint = faults.url()
        assert bench.content(model(hub, "model.onnx")) == LARGE
    assert len(hub.requests) > 1


def test_bytes_that_are_not_the_hubs_are_refused(hub: HubServer, bench: Bench) -> None:
    with FaultProxy(hub.cdn.port, repeat(Corrupt(3))) as faults:
        hub.cdn_endpoint = faults.url()
        with pytest.raises(ChecksumMismatch) as caught:
            bench.fetch(model(hub, "onnx/small.onnx"))
    assert caught.value.expected == hashlib.sha256(SMALL).hexdigest()
    assert not bench.target.exists()


def test_another_checksum_than_the_hubs_is_refused_before_any_byte(
    hub: HubServer, bench: Bench
) -> None:
    with pytest.raises(ChecksumMismatch) as caught:
        bench.fetch(model(hub, "model.onnx"), sha256="0" * 64)
    assert caught.value.found == LARGE_SHA256


def test_a_repository_that_was_renamed_is_found(hub: HubServer) -> None:
    hub.commit("acme/before", FILES)
    hub.move("acme/before", "acme/after")
    assert read(model(hub, "config.json", "acme/before", token=hub.token)) == CONFIG
    assert len(prefix(hub, "", "acme/before").list()) == len(FILES)


@pytest.mark.parametrize(
    ("name", "failure", "said"),
    [
        ("acme/tiny@main/no.json", ObjectMissing, "404 Not Found\nhub code: EntryNotFound"),
        ("acme/tiny@v9/config.json", RevisionMissing, "404 Not Found\nhub code: RevisionNotFound"),
        ("acme/no@main/config.json", AccessDenied, "401 Unauthorized"),
        ("acme/private@main/config.json", AccessDenied, "401 Unauthorized"),
        ("acme/gated@main/config.json", Gated, "401 Unauthorized\nhub code: GatedRepo"),
    ],
)
def test_what_a_stranger_does_not_get(
    hub: HubServer, name: str, failure: type[Failure], said: str
) -> None:
    url = url_of(f"hf://{name}")
    assert isinstance(url, HubUrl)
    found = refusal(HubObject(url, HubSettings(hub.endpoint), lambda: 0.0))
    assert type(found) is failure
    assert f"hf://{name}\nstatus: {said}\n\n" in error_text(found)


@pytest.mark.parametrize(
    ("repo", "failure", "said"),
    [
        ("acme/no", AccessDenied, "404 Not Found\nhub code: RepoNotFound"),
        ("acme/private", AccessDenied, "404 Not Found\nhub code: RepoNotFound"),
        ("acme/gated", Gated, "403 Forbidden\nhub code: GatedRepo"),
    ],
)
def test_what_a_token_does_not_open(
    hub: HubServer, repo: str, failure: type[Failure], said: str
) -> None:
    found = refusal(model(hub, "config.json", repo, token=hub.strangers_token))
    assert type(found) is failure
    assert f"status: {said}\n\n" in error_text(found)
    assert hub.strangers_token not in error_text(found) + repr(found)


def test_a_wrong_token_is_told_apart_though_the_file_is_public(hub: HubServer) -> None:
    failure = refusal(model(hub, "config.json", token=TOKEN))
    assert type(failure) is CredentialsWrong
    assert (
        error_text(failure)
        == """\
Error: The store does not accept the key for a model.

hf://acme/tiny@main/config.json
status: 401 Unauthorized

To fix this:
1. Make a new token that may read, and give it to the app:
   heroku config:set HF_TOKEN=hf_…

For more information, see:
https://github.com/slugfit/slugfit/blob/main/docs/errors.md#fetchcredentials-wrong
"""
    )


def test_gated_files_read_so(hub: HubServer) -> None:
    failure = refusal(model(hub, "config.json", "acme/gated"))
    assert failure.kind == "user"
    assert (
        error_text(failure)
        == f"""\
Error: A model is only for those who accept its conditions.

hf://acme/gated@main/config.json
status: 401 Unauthorized
hub code: GatedRepo

The hub identifies you by the token.

To fix this:
1. Log in, and accept the conditions on the model's page:
   {hub.endpoint}/acme/gated
2. Give the app a token of the same account, which may read gated repositories:
   heroku config:set HF_TOKEN=hf_…

For more information, see:
https://github.com/slugfit/slugfit/blob/main/docs/errors.md#fetchgated
"""
    )


def test_a_missing_revision_reads_so(hub: HubServer) -> None:
    failure = refusal(model(hub, "config.json", revision="v9"))
    assert (
        error_text(failure)
        == f"""\
Error: The repository of a model has no such revision.

hf://acme/tiny@v9/config.json
status: 404 Not Found
hub code: RevisionNotFound

To fix this:
1. Compare what comes after the @ with the repository's commits, tags and branches:
   {hub.endpoint}/acme/tiny/commits
2. Write a slash in a revision's name as %2F:
   hf://org/name@refs%2Fpr%2F1/file

For more information, see:
https://github.com/slugfit/slugfit/blob/main/docs/errors.md#fetchrevision-missing
"""
    )


def test_a_repository_that_the_hub_does_not_show_reads_so(hub: HubServer) -> None:
    failure = refusal(model(hub, "config.json", "acme/private"))
    assert (
        error_text(failure)
        == """\
Error: The store denies access to a model.

hf://acme/private@main/config.json
status: 401 Unauthorized

To those who may not read it, the hub says that a private repository does
not exist.

To fix this:
1. Compare the repository's name with the one on its page.
2. If it is private, give the app a token that may read it:
   heroku config:set HF_TOKEN=hf_…

For more information, see:
https://github.com/slugfit/slugfit/blob/main/docs/errors.md#fetchaccess-denied
"""
    )


def test_a_missing_file_reads_so(hub: HubServer) -> None:
    failure = refusal(model(hub, "onnx/no.onnx"))
    assert (
        error_text(failure)
        == """\
Error: A model is not where the configuration says.

hf://acme/tiny@main/onnx/no.onnx
status: 404 Not Found
hub code: EntryNotFound

To fix this:
1. Compare the name, upper and lower case included, with what is stored:
   https://huggingface.co/acme/tiny/tree/main
2. Upload the model, then build again.

For more information, see:
https://github.com/slugfit/slugfit/blob/main/docs/errors.md#fetchobject-missing
"""
    )


def test_who_refuses_a_fresh_link_may_think_again(hub: HubServer) -> None:
    with FaultProxy(hub.cdn.port, repeat(Answer(403))) as faults:
        hub.cdn_endpoint = faults.url()
        failure = retryable(model(hub, "model.onnx"))
    assert type(failure) is ServerFailed
    assert failure.detail == "status: 403 Forbidden\nfrom: a host of the hub's files"
    assert "Signature" not in error_text(failure)


def test_a_hub_that_is_busy_may_ask_for_time(hub: HubServer) -> None:
    with FaultProxy(hub.port, [Answer(429, retry_after="12")]) as faults:
        settings = HubSettings(faults.url())
        source = HubObject(HubUrl(REPO, "config.json"), settings, lambda: 0.0)
        with pytest.raises(Retryable) as caught:
            read(source)
        assert caught.value.after == 12
        assert type(caught.value.failure) is ServerFailed
        assert read(source) == CONFIG


def test_a_hub_that_nobody_hears_reads_so() -> None:
    settings = HubSettings(f"http://127.0.0.1:{free_port()}")
    failure = retryable(HubObject(HubUrl(REPO, "config.json"), settings, lambda: 0.0))
    assert type(failure) is Unreachable
    assert "1. HF_ENDPOINT, if it is set;\n2. the provider's" in error_text(failure)


def test_no_secret_shows_in_what_is_opened(hub: HubServer) -> None:
    with model(hub, "model.onnx", "acme/private", token=hub.token).open() as opened:
        assert opened is not None
        assert opened.address is not None
        assert "Signature=" in opened.address.url
        shown = repr(opened)
    assert "Signature=" not in shown
    assert hub.token not in shown


def test_a_repository_is_listed_as_of_one_commit(hub: HubServer) -> None:
    hub.page_size = 3
    whole = prefix(hub)
    entries = whole.list()
    assert [entry.path for entry in entries] == sorted(FILES)
    assert whole.commit == hub.repositories[REPO].branches["main"]
    assert {entry.source.url.display for entry in entries} == {
        f"hf://{REPO}@{whole.commit}/{path}" for path in FILES
    }
    assert len([r for r in hub.requests if "/tree/" in r.path]) > 1


def test_a_listing_tells_the_versions_that_the_files_have(hub: HubServer) -> None:
    for entry in prefix(hub).list():
        content = FILES[entry.path]
        assert entry.version.size == len(content)
        with entry.source.open(version=entry.version) as opened:
            assert opened is not None
            assert opened.version == entry.version
            assert opened.version.etag == entry.version.etag
            assert everything(opened) == content[:FIRST_BYTES]


def test_a_listing_knows_the_checksums_of_large_files(hub: HubServer) -> None:
    sums = {entry.path: entry.version.sha256 for entry in prefix(hub).list()}
    assert sums["model.onnx"] == LARGE_SHA256
    assert sums["config.json"] is None


def test_a_directory_is_listed_relative_to_itself(hub: HubServer) -> None:
    assert [entry.path for entry in prefix(hub, "onnx/").list()] == [
        "deep/with space.txt",
        "small.onnx",
    ]


def test_a_private_repository_is_listed_with_the_token(hub: HubServer) -> None:
    entries = prefix(hub, repo="acme/private", token=hub.token).list()
    assert read(next(e.source for e in entries if e.path == "config.json")) == CONFIG


@pytest.mark.parametrize(
    ("path", "repo", "revision", "failure"),
    [
        ("no/", REPO, "main", ObjectMissing),
        ("", REPO, "v9", RevisionMissing),
        ("", "acme/no", "main", AccessDenied),
    ],
)
def test_what_can_not_be_listed(
    hub: HubServer, path: str, repo: str, revision: str, failure: type[Failure]
) -> None:
    with pytest.raises(failure):
        prefix(hub, path, repo, revision).list()


def test_the_token_does_not_follow_a_listing_to_another_host(hub: HubServer) -> None:
    with ScriptedServer({"/more": Reply(b"[]")}) as other:
        link = {"Link": f'<{other.url("/more")}>; rel="next"'}
        table = {
            f"/api/models/{REPO}/revision/main": Reply(b'{"sha": "c0ffee"}'),
            f"/api/models/{REPO}/tree/c0ffee": Reply(b"[]", headers=link),
        }
        with ScriptedServer(table) as fake:
            url = HubUrl(REPO, "")
            assert not HubPrefix(url, HubSettings(fake.url()[:-1], TOKEN), lambda: 0.0).list()
            assert "Authorization" in fake.requests[-1].headers
        assert "Authorization" not in other.requests[0].headers


def test_a_page_instead_of_a_listing_may_be_better_next_time(hub: HubServer) -> None:
    with FaultProxy(hub.port, [Page()]) as faults, pytest.raises(Retryable) as caught:
        HubPrefix(HubUrl(REPO, ""), HubSettings(faults.url()), lambda: 0.0).list()
    assert caught.value.failure.id == "fetch::server-failed"


@pytest.mark.parametrize("document", ["[]", '{"sha": "c0ffee"}'])
def test_a_document_that_is_no_listing_is_refused(document: str) -> None:
    reply = Reply(document.encode())
    table = {f"/api/models/{REPO}/{path}": reply for path in ("revision/main", "tree/c0ffee")}
    with ScriptedServer(table) as server, pytest.raises(RequestRejected) as caught:
        HubPrefix(HubUrl(REPO, ""), HubSettings(server.url("")), lambda: 0.0).list()
    assert caught.value.detail == "reason: the response is no listing"

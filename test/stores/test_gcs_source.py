"""Objects in Google Cloud Storage, from a server that speaks its protocol."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from slugfit.base.errors import Failure
from slugfit.base.http import Connection, Network
from slugfit.local.servers import free_port
from slugfit.stores import FIRST_BYTES, Changed, Retryable
from slugfit.stores.gcs import GcsSettings, GcsUrl
from slugfit.stores.gcs_client import GcsObject, GcsPrefix
from slugfit.stores.refusals import (
    AccessDenied,
    BucketMissing,
    ClockSkewed,
    CredentialsWrong,
    ObjectMissing,
    RequestRejected,
    ServerFailed,
    Unreachable,
)
from support.build_log import error_text
from support.faults import Answer, Cut, FaultProxy, Page
from support.fetching import LARGE, SMALL, Bench, everything, read, refusal, retryable
from support.gcs import GcsServer
from support.http import Reply, ScriptedServer
from support.servers import RangeServer
from support.sources import url_of

DIRECTORY = {"a.bin": b"a", "b/c d.bin": b"cd", "b/größe?#%.bin": b"odd"}
FOR_NOBODY = {
    "type": "service_account",
    "client_email": "a@b.example",
    "private_key": "-----BEGIN PRIVATE KEY-----\ns3cr3t\n-----END PRIVATE KEY-----\n",
    "token_uri": "https://oauth2.example/token",
}


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


@pytest.fixture(scope="module")
def started() -> Iterator[GcsServer]:
    with GcsServer() as server:
        for bucket, private in (("models", False), ("secret", True)):
            server.create_bucket(bucket, private=private)
            server.put(bucket, "small.tflite", SMALL)
            server.put(bucket, "dir/large.onnx", LARGE)
        for name, content in DIRECTORY.items():
            server.put("models", f"many/{name}", content)
        yield server


@pytest.fixture
def gcs(started: GcsServer) -> GcsServer:
    started.forget_requests()
    return started


def settings(gcs: GcsServer, *, key: bool = False) -> GcsSettings:
    return GcsSettings(gcs.endpoint, json.dumps(gcs.service_account) if key else None)


def model(gcs: GcsServer, name: str, bucket: str = "models", *, key: bool = False) -> GcsObject:
    return GcsObject(GcsUrl(bucket, name), settings(gcs, key=key), lambda: 0.0)


def somewhere(endpoint: str, service_account: str | None = None) -> GcsObject:
    return GcsObject(GcsUrl("b", "m"), GcsSettings(endpoint, service_account), lambda: 0.0)


def test_a_large_object_comes_in_ranges_of_one_generation(gcs: GcsServer, bench: Bench) -> None:
    generation = gcs.put("models", "dir/large.onnx", LARGE)
    received = bench.fetch(model(gcs, "dir/large.onnx"))
    assert received is not None
    assert received.etag == generation
    assert bench.target.read_bytes() == LARGE
    first, *others = gcs.requests
    assert first.path == "/download/storage/v1/b/models/o/dir%2Flarge.onnx?alt=media"
    assert first.headers["Range"] == f"bytes=0-{FIRST_BYTES - 1}"
    assert {request.path for request in others} == {f"{first.path}&generation={generation}"}


def test_a_small_object_comes_in_one_request(gcs: GcsServer, bench: Bench) -> None:
    assert bench.content(model(gcs, "small.tflite")) == SMALL
    assert len(gcs.requests) == 1


def test_an_empty_object_comes(gcs: GcsServer, bench: Bench) -> None:
    gcs.put("models", "empty", b"")
    assert bench.content(model(gcs, "empty")) == b""


def test_a_public_object_is_read_without_a_token(gcs: GcsServer) -> None:
    assert read(model(gcs, "small.tflite")) == SMALL
    assert "Authorization" not in gcs.requests[0].headers
    assert not gcs.tokens.requests


def test_a_private_object_is_read_with_one_token(gcs: GcsServer, bench: Bench) -> None:
    gcs.tokens.forget_requests()
    assert bench.content(model(gcs, "dir/large.onnx", "secret", key=True)) == LARGE
    assert len({request.headers["Authorization"] for request in gcs.requests}) == 1
    assert len(gcs.tokens.requests) == 1


def test_a_generation_can_be_named(gcs: GcsServer) -> None:
    generation = gcs.put("models", "versioned", b"one")
    url = GcsUrl("models", "versioned", generation)
    source = GcsObject(url, settings(gcs), lambda: 0.0)
    assert source.url.display == f"gs://models/versioned?generation={generation}"
    assert read(source) == b"one"
    assert f"generation={generation}" in gcs.requests[0].path


def test_an_unchanged_object_is_not_fetched_again(gcs: GcsServer, bench: Bench) -> None:
    generation = gcs.put("models", "kept", SMALL)
    assert read(model(gcs, "kept"), generation) is None
    assert bench.fetch(model(gcs, "kept"), unless_etag=generation) is None


def test_a_changed_object_comes_whole(gcs: GcsServer, bench: Bench) -> None:
    generation = gcs.put("models", "replaced", SMALL)
    gcs.put("models", "replaced", LARGE)
    received = bench.fetch(model(gcs, "replaced"), unless_etag=generation)
    assert received is not None
    assert bench.target.read_bytes() == LARGE


def test_another_generation_is_not_mixed_with_the_first(gcs: GcsServer) -> None:
    gcs.put("models", "moving", LARGE)
    with model(gcs, "moving").open() as opened:
        assert opened is not None
    gcs.put("models", "moving", LARGE[::-1])
    for start in (0, 1000):
        with (
            pytest.raises(Changed),
            model(gcs, "moving").open(start=start, version=opened.version),
        ):
            pass


def test_a_broken_object_is_gone_on_with(gcs: GcsServer, bench: Bench) -> None:
    port = int(gcs.endpoint.rpartition(":")[2])
    with FaultProxy(port, [Cut(5_000_000), *[Answer(503)] * 100]) as faults:
        told = replace(settings(gcs, key=True), endpoint=faults.url())
        source = GcsObject(GcsUrl("secret", "dir/large.onnx"), told, lambda: 0.0)
        with pytest.raises(ServerFailed):
            bench.fetch(source)
        faults.set([])
        assert bench.content(source) == LARGE
    assert bench.watch.there == 5_000_000


def test_a_token_is_used_as_long_as_it_is_valid(gcs: GcsServer) -> None:
    gcs.tokens.forget_requests()
    source = model(gcs, "small.tflite", "secret", key=True)
    assert read(source) == SMALL
    assert read(source) == SMALL
    assert len(gcs.tokens.requests) == 1


def test_what_is_stored_encoded_arrives_as_stored(bench: Bench) -> None:
    headers = {"X-Goog-Generation": "7", "Content-Encoding": "gzip"}
    with RangeServer(LARGE, headers) as server:
        assert bench.content(somewhere(server.url(""))) == LARGE
        assert {r.headers["Accept-Encoding"] for r in server.requests} == {"gzip"}


@pytest.mark.parametrize(
    ("bucket", "name", "failure", "evidence"),
    [
        ("models", "no", ObjectMissing, "status: 404 Not Found"),
        ("secret", "small.tflite", AccessDenied, "status: 401 Unauthorized"),
    ],
)
def test_what_the_store_does_not_give(
    gcs: GcsServer, bucket: str, name: str, failure: type[Failure], evidence: str
) -> None:
    found = refusal(model(gcs, name, bucket))
    assert type(found) is failure
    assert f"gs://{bucket}/{name}\n{evidence}" in error_text(found)


# As Google's own server says it.
_NO_BUCKET = Reply(b"The specified bucket does not exist.", 404)
_NO_OBJECT = Reply(b"No such object: b/m", 404)
_DENIED = Reply(
    b"a@b.example does not have storage.objects.get access to the Google Cloud Storage object.", 403
)
_INVALID = Reply(b'{"error": {"code": 401, "message": "Invalid Credentials"}}', 401)
_PAYER = Reply(b"Bucket is a requester pays bucket but no user project provided.", 400)


@pytest.mark.parametrize(
    ("reply", "failure", "evidence"),
    [
        (
            _NO_BUCKET,
            BucketMissing,
            "status: 404 Not Found\nGoogle says: The specified bucket does not exist.",
        ),
        (_NO_OBJECT, ObjectMissing, "status: 404 Not Found\nGoogle says: No such object: b/m"),
        (
            _DENIED,
            AccessDenied,
            "status: 403 Forbidden\nGoogle says: a@b.example does not have storage.objects.get "
            "access to the Google Cloud Storage object.",
        ),
        (
            _INVALID,
            CredentialsWrong,
            "status: 401 Unauthorized\nGoogle says: Invalid Credentials",
        ),
        (
            _PAYER,
            RequestRejected,
            "status: 400 Bad Request\n"
            "Google says: Bucket is a requester pays bucket but no user project provided.",
        ),
        (Reply(b"<html>\x1b[31mno</html>", 400), RequestRejected, "status: 400 Bad Request"),
    ],
)
def test_what_the_store_says(reply: Reply, failure: type[Failure], evidence: str) -> None:
    with ScriptedServer({"/download/storage/v1/b/b/o/m": reply}) as server:
        found = refusal(somewhere(server.url("")))
    assert type(found) is failure
    assert f"\ngs://b/m\n{evidence}\n\n" in error_text(found)


@pytest.mark.parametrize(
    "reply",
    [
        Reply(b"The project exceeded the rate limit for the bucket.", 429),
        Reply(b'{"error": {"message": "User Rate Limit Exceeded"}}', 403),
        Reply(b"Backend Error", 503, headers={"Retry-After": "3"}),
    ],
)
def test_a_store_that_is_busy_is_asked_again(reply: Reply) -> None:
    with ScriptedServer({"/download/storage/v1/b/b/o/m": reply}) as server:
        assert type(retryable(somewhere(server.url("")))) is ServerFailed


def test_a_missing_object_reads_so() -> None:
    with ScriptedServer({"/download/storage/v1/b/b/o/m": _NO_OBJECT}) as server:
        failure = refusal(somewhere(server.url("")))
    assert (
        error_text(failure)
        == """\
Error: A model is not where the configuration says.

gs://b/m
status: 404 Not Found
Google says: No such object: b/m

To fix this:
1. Compare the name, upper and lower case included, with what is stored:
   gcloud storage ls gs://b/
2. Upload the model, then build again.

For more information, see:
https://github.com/slugfit/slugfit/blob/main/docs/errors.md#fetchobject-missing
"""
    )


def test_denied_access_reads_so() -> None:
    with ScriptedServer({"/download/storage/v1/b/b/o/m": _DENIED}) as server:
        failure = refusal(somewhere(server.url("")))
    assert (
        error_text(failure)
        == """\
Error: The store denies access to a model.

gs://b/m
status: 403 Forbidden
Google says: a@b.example does not have storage.objects.get access to the Google Cloud \
Storage object.

Google also denies access to an object that does not exist, when the service
account may not list the bucket.

To fix this:
1. Give the service account the role Storage Object Viewer on the bucket. If the app
   has no service account, give it the key of one:
   heroku config:set GOOGLE_CREDENTIALS="$(cat key.json)"
2. Compare the object's name with what is stored.

For more information, see:
https://github.com/slugfit/slugfit/blob/main/docs/errors.md#fetchaccess-denied
"""
    )


def test_a_missing_bucket_reads_so() -> None:
    failure = BucketMissing(url_of("gs://b/m"), "status: 404 Not Found")
    assert (
        error_text(failure)
        == """\
Error: The bucket of a model does not exist.

gs://b/m
status: 404 Not Found

To fix this:
1. Compare the bucket's name with those of your project:
   gcloud storage ls

For more information, see:
https://github.com/slugfit/slugfit/blob/main/docs/errors.md#fetchbucket-missing
"""
    )


def test_a_key_of_another_account_reads_so(gcs: GcsServer) -> None:
    account = {**gcs.service_account, "client_email": "other@b.example"}
    failure = refusal(somewhere(gcs.endpoint, json.dumps(account)))
    assert (
        error_text(failure)
        == """\
Error: The store does not accept the key for a model.

gs://b/m
Google says: invalid_grant: Invalid issuer or audience.

To fix this:
1. Check that the service account and its key still exist:
   gcloud iam service-accounts keys list --iam-account=…
2. Give the app the whole JSON file of a key:
   heroku config:set GOOGLE_CREDENTIALS="$(cat key.json)"

For more information, see:
https://github.com/slugfit/slugfit/blob/main/docs/errors.md#fetchcredentials-wrong
"""
    )


@pytest.mark.parametrize("text", [json.dumps(FOR_NOBODY), '{"private_key": "s3cr3t"}', "s3cr3t"])
def test_a_key_that_is_none_is_told_apart_and_not_shown(gcs: GcsServer, text: str) -> None:
    failure = refusal(somewhere(gcs.endpoint, text))
    assert type(failure) is CredentialsWrong
    assert failure.detail == "reason: the private key is not valid"
    assert "s3cr3t" not in error_text(failure) + repr(failure)


def test_a_clock_that_is_wrong_reads_so(gcs: GcsServer) -> None:
    message = (
        "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable "
        "timeframe. Check your iat and exp values in the JWT claim."
    )
    error = json.dumps({"error": "invalid_grant", "error_description": message}).encode()
    failure = refusal_by_token_endpoint(gcs, Reply(error, 400))
    assert type(failure) is ClockSkewed
    assert (
        error_text(failure)
        == f"""\
Error: The clocks of the build machine and the store differ.

gs://b/m
Google says: invalid_grant: {message}

Google refuses signatures that are more than a few minutes off.

This is often temporary. Build again; if it persists, check:
1. the time of this machine: date --utc
2. the time of the store, in the Date header of its responses.

For more information, see:
https://github.com/slugfit/slugfit/blob/main/docs/errors.md#fetchclock-skewed
"""
    )


def refusal_by_token_endpoint(gcs: GcsServer, reply: Reply) -> Failure:
    # ScriptedServer answers no POST: the proxy answers in its place.
    answer = Answer(reply.status, body=reply.body, headers={"Content-Type": "application/json"})
    with FaultProxy(free_port(), [answer] * 9) as faults:
        account = {**gcs.service_account, "token_uri": faults.url("/token")}
        return refusal(somewhere(gcs.endpoint, json.dumps(account)))


def test_a_token_endpoint_that_nobody_hears_may_answer_next_time(gcs: GcsServer) -> None:
    account = {**gcs.service_account, "token_uri": f"http://127.0.0.1:{free_port()}/token"}
    failure = retryable(somewhere(gcs.endpoint, json.dumps(account)))
    assert type(failure) is Unreachable
    assert failure.detail == "reason: Connection refused"


def test_no_secret_shows_in_what_is_opened(gcs: GcsServer) -> None:
    source = model(gcs, "dir/large.onnx", "secret", key=True)
    with source.open() as opened:
        assert opened is not None
        assert opened.address is not None
        token = opened.address.headers["Authorization"].removeprefix("Bearer ")
        assert token not in repr(opened) + repr(source)


def prefix(gcs: GcsServer, name: str, bucket: str = "models", *, key: bool = False) -> GcsPrefix:
    return GcsPrefix(GcsUrl(bucket, name), settings(gcs, key=key), lambda: 0.0)


def test_a_directory_is_listed_relative_to_itself(gcs: GcsServer) -> None:
    gcs.put("models", "many/folder/", b"")
    entries = prefix(gcs, "many/").list()
    assert [entry.path for entry in entries] == sorted(DIRECTORY)
    for entry in entries:
        assert read(entry.source) == DIRECTORY[entry.path]


def test_a_listing_tells_versions_and_addresses(gcs: GcsServer) -> None:
    for entry in prefix(gcs, "many/").list():
        with entry.source.open(version=entry.version) as opened:
            assert opened is not None
            assert opened.version == entry.version
        assert entry.address is not None
        with closing(Connection(Network())) as line:
            answer = line.get(entry.address.url, entry.address.headers)
            assert (answer.status, answer.read(100)) == (200, DIRECTORY[entry.path])


def test_a_private_bucket_is_listed_with_one_token(gcs: GcsServer) -> None:
    gcs.tokens.forget_requests()
    small = next(e for e in prefix(gcs, "", "secret", key=True).list() if "small" in e.path)
    with small.source.open() as opened:
        assert opened is not None
        assert everything(opened) == SMALL
    assert len(gcs.tokens.requests) == 1


def test_a_listing_comes_in_pages(gcs: GcsServer) -> None:
    item = {"size": "1", "generation": "7"}
    pages = [
        {"items": [{"name": "many/b", **item}], "nextPageToken": "t/2"},
        {"nextPageToken": "t/3"},
        {"items": [{"name": "many/a", **item}]},
    ]
    replies = [Reply(json.dumps(page).encode()) for page in pages]
    with ScriptedServer({"/storage/v1/b/models/o": replies}) as server:
        listing = GcsPrefix(GcsUrl("models", "many/"), GcsSettings(server.url("")), lambda: 0.0)
        assert [entry.path for entry in listing.list()] == ["a", "b"]
        assert [r.path.partition("pageToken=")[2] for r in server.requests] == [
            "",
            "t%2F2",
            "t%2F3",
        ]


def test_a_missing_bucket_can_not_be_listed() -> None:
    with ScriptedServer({"/storage/v1/b/models/o": _NO_BUCKET}) as server:
        listing = GcsPrefix(GcsUrl("models", "many/"), GcsSettings(server.url("")), lambda: 0.0)
        with pytest.raises(BucketMissing):
            listing.list()


def test_a_page_instead_of_a_listing_may_be_better_next_time() -> None:
    with FaultProxy(free_port(), [Page()]) as faults, pytest.raises(Retryable) as caught:
        GcsPrefix(GcsUrl("models", "many/"), GcsSettings(faults.url()), lambda: 0.0).list()
    assert type(caught.value.failure) is ServerFailed


@pytest.mark.parametrize("listed", ["[]", '{"items": [{"name": "many/a"}]}', '{"items": 1}'])
def test_a_document_that_is_no_listing_is_refused(listed: str) -> None:
    with ScriptedServer({"/storage/v1/b/models/o": Reply(listed.encode())}) as server:
        listing = GcsPrefix(GcsUrl("models", "many/"), GcsSettings(server.url("")), lambda: 0.0)
        with pytest.raises(RequestRejected) as caught:
            listing.list()
    assert caught.value.detail == "reason: the response is no listing"

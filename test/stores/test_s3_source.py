"""Objects in S3, from a real server that speaks its protocol."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import repeat
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import boto3
import pytest

from slugfit.base.errors import Failure
from slugfit.fetch.failures import HtmlPage
from slugfit.fetch.transfer.transfer import ReceivedObject
from slugfit.local.client import Client
from slugfit.local.servers import free_port
from slugfit.stores import FIRST_BYTES, Address, Changed, Entry, Retryable, Version
from slugfit.stores.failures import Truncated
from slugfit.stores.refusals import (
    AccessDenied,
    BucketMissing,
    ClockSkewed,
    CredentialsExpired,
    CredentialsWrong,
    ObjectMissing,
    RequestRejected,
    ServerFailed,
    Unreachable,
    WrongRegion,
)
from slugfit.stores.s3 import AddressingStyle, S3Credentials, S3Settings, S3Url
from slugfit.stores.s3_bucket import S3Bucket
from slugfit.stores.s3_client import S3Object, S3Prefix
from slugfit.stores.s3_presigned import urls_like
from support import fetching
from support.build_log import error_text
from support.chance import chance
from support.faults import Answer, FaultProxy
from support.fetching import LARGE, Bench, everything
from support.http import Reply, ScriptedServer, failing, redirect
from support.paths import REPOSITORY
from support.s3 import REGION, S3Server
from support.servers import CannedServer, CuttingProxy, chunked
from support.sources import url_of

MODEL = chance().randbytes(3_000_000)
ETAG = hashlib.md5(MODEL, usedforsecurity=False).hexdigest()
URL = "s3://models/digits.tflite"
NOW = 1_700_000_000.0
CLASS_NAME = re.compile(r"\b[A-Z][a-z]+[A-Z]\w*|\w+(?:Error|Exception)\b")

_PUBLIC = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"AWS": ["*"]},
            "Action": ["s3:GetObject"],
            "Resource": ["arn:aws:s3:::public/*"],
        }
    ],
}


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


@pytest.fixture(scope="session")
def started() -> Iterator[S3Server]:
    with S3Server() as server:
        server.create_bucket("models")
        server.put("models", "digits.tflite", MODEL)
        yield server


@pytest.fixture
def s3(started: S3Server) -> S3Server:
    started.forget_requests()
    return started


def settings(s3: S3Server, *, endpoint: str | None = None, secret: str | None = None) -> S3Settings:
    key = S3Credentials(s3.access_key, secret or s3.secret_key)
    return S3Settings((key,), REGION, endpoint or s3.endpoint)


def without_key(endpoint: str) -> S3Settings:
    return S3Settings((), REGION, endpoint)


def bucket_of(url: str, told: S3Settings, *, payer: bool = False) -> tuple[S3Url, S3Bucket]:
    parsed = url_of(url)
    assert isinstance(parsed, S3Url)
    return parsed, S3Bucket(parsed.bucket, told, lambda: NOW, payer)


def source(url: str, told: S3Settings, *, payer: bool = False) -> S3Object:
    return S3Object(*bucket_of(url, told, payer=payer))


def listed(url: str, told: S3Settings) -> tuple[Entry, ...]:
    return S3Prefix(*bucket_of(url, told)).list()


def fetch(url: str, told: S3Settings, etag: str | None = None) -> bytes | None:
    return fetching.read(source(url, told), etag)


def refusal(url: str, told: S3Settings) -> Failure:
    """The failure that no other try would cure."""
    return fetching.refusal(source(url, told))


def retryable(url: str, told: S3Settings) -> Failure:
    """The failure that another try may cure."""
    return fetching.retryable(source(url, told))


def s3_error(status: int, code: str, more: str = "", **headers: str) -> Reply:
    """How S3 refuses."""
    text = f"<Error><Code>{code}</Code><Message>m</Message>{more}</Error>"
    return Reply(f"<?xml version='1.0'?>{text}".encode(), status, headers)


def answered(reply: Reply, key: S3Credentials | None = None) -> Failure | Retryable:
    """What comes of a store that answers like this."""
    with ScriptedServer({"/models/digits.tflite": reply}) as server:
        told = S3Settings((key,) if key else (), REGION, server.url().rstrip("/"))
        with pytest.raises((Failure, Retryable)) as caught:
            fetch(URL, told)
        assert len(server.requests) == 1
    assert isinstance(caught.value, (Failure, Retryable))
    return caught.value


def test_an_object_comes_with_its_version(s3: S3Server) -> None:
    with source(URL, settings(s3)).open() as opened:
        assert opened
        assert opened.version == Version(len(MODEL), ETAG, {"If-Match": f'"{ETAG}"'})
        assert everything(opened) == MODEL
    assert [(r.method, r.path) for r in s3.requests] == [("GET", "/models/digits.tflite")]
    assert s3.requests[0].headers["Range"] == f"bytes=0-{FIRST_BYTES - 1}"
    assert "slugfit" in s3.requests[0].headers["User-Agent"]


def test_of_a_large_object_the_first_part_comes_and_an_address_for_the_others(
    s3: S3Server,
) -> None:
    s3.put("models", "large", LARGE)
    with source("s3://models/large", settings(s3)).open() as opened:
        assert opened
        assert opened.version.size == len(LARGE)
        assert everything(opened) == LARGE[:FIRST_BYTES]
        assert opened.address
        assert opened.address.headers == opened.version.pin
        assert urlsplit(opened.address.url).path == "/models/large"
        assert "X-Amz-Signature=" in opened.address.url
        assert s3.secret_key not in opened.address.url
        assert "X-Amz-Signature" not in repr(opened)
        known = opened.version
    start = len(LARGE) - 5
    with source("s3://models/large", settings(s3)).open(start=start, version=known) as opened:
        assert opened
        assert everything(opened) == LARGE[-5:]


def test_a_large_object_arrives_in_parts_of_one_version(s3: S3Server, bench: Bench) -> None:
    s3.put("models", "large", LARGE)
    assert bench.content(source("s3://models/large", settings(s3))) == LARGE
    assert len(s3.requests) > 2
    etag = hashlib.md5(LARGE, usedforsecurity=False).hexdigest()
    assert {r.headers.get("If-Match") for r in s3.requests[1:]} == {f'"{etag}"'}


def test_an_empty_object_comes_empty(s3: S3Server, bench: Bench) -> None:
    s3.put("models", "empty", b"")
    assert bench.content(source("s3://models/empty", settings(s3))) == b""


def test_an_unchanged_object_has_no_body(s3: S3Server) -> None:
    assert fetch(URL, settings(s3), ETAG) is None
    assert s3.requests[0].headers["If-None-Match"] == f'"{ETAG}"'


def test_a_changed_object_comes_whole(s3: S3Server) -> None:
    assert fetch(URL, settings(s3), "0" * 32) == MODEL


def test_another_version_than_the_one_asked_for_is_none(s3: S3Server) -> None:
    s3.put("models", "changing", MODEL)
    changing = source("s3://models/changing", settings(s3))
    with changing.open() as opened:
        assert opened
        known = opened.version
    with changing.open(start=5, version=known) as opened:
        assert opened
        assert everything(opened) == MODEL[5:]
    s3.put("models", "changing", MODEL[::-1])
    for start in (0, 5):
        with pytest.raises(Changed), changing.open(start=start, version=known):
            pass


def test_a_start_beyond_the_end_is_of_another_version(s3: S3Server) -> None:
    with pytest.raises(Changed), source(URL, settings(s3)).open(start=len(MODEL)):
        pass


@pytest.mark.parametrize(
    "headers", [{}, {"Content-Range": "bytes 0-9/3000000"}, {"Content-Range": "something else"}]
)
def test_the_beginning_is_not_taken_for_the_middle(headers: dict[str, str]) -> None:
    """By a store that does not look at ranges."""
    reply = Reply(MODEL, 206 if headers else 200, headers, etag='"1"')
    with ScriptedServer({"/models/digits.tflite": reply}) as server:
        object_ = source(URL, without_key(server.url().rstrip("/")))
        with pytest.raises(Changed), object_.open(start=5):
            pass


def test_a_store_that_serves_no_parts_is_read_whole(bench: Bench) -> None:
    with ScriptedServer({"/models/digits.tflite": Reply(MODEL, etag='"1"')}) as server:
        object_ = source(URL, without_key(server.url().rstrip("/")))
        assert bench.content(object_) == MODEL
        assert len(server.requests) == 1


def test_a_part_of_no_version_is_not_taken() -> None:
    reply = Reply(b"x" * 10, 206, {"Content-Range": "bytes 0-9/20"})
    failure = answered(reply)
    assert isinstance(failure, RequestRejected)
    assert failure.detail == "reason: the store names no version (ETag)"


def test_a_version_of_another_store_is_not_asked_for(s3: S3Server) -> None:
    """The record of an earlier run is not to be trusted."""
    odd = Version(len(MODEL), "1", {"Host": "elsewhere"})
    with source(URL, settings(s3)).open(version=odd) as opened:
        assert opened
        assert opened.version.etag == ETAG


@pytest.mark.parametrize(
    ("url", "key"),
    [
        ("s3://models/with space.bin", "with space.bin"),
        ("s3://models/with%20escape.bin", "with escape.bin"),
        ("s3://models/größe/模型.bin", "größe/模型.bin"),
        ("s3://models/gr%C3%B6%C3%9Fer.bin", "größer.bin"),
        ("s3://models/100%25.bin", "100%.bin"),
        ("s3://models/99%.bin", "99%.bin"),
        ("s3://models/literal%2520escape.bin", "literal%20escape.bin"),
        ("s3://models/a+b=c&d;e,f@g:h$i!'()*~.bin", "a+b=c&d;e,f@g:h$i!'()*~.bin"),
        ("s3://models/question%3Fmark%23.bin", "question?mark#.bin"),
    ],
)
def test_every_key_can_be_named(s3: S3Server, url: str, key: str) -> None:
    parsed = url_of(url)
    assert isinstance(parsed, S3Url)
    display = parsed.display
    s3.put("models", key, key.encode())
    object_ = source(url, settings(s3))
    assert object_.url.display == display
    assert fetch(url, settings(s3)) == key.encode()
    with object_.open() as opened:
        # Others get it by its address.
        assert opened and opened.address
        answer = Client(int(s3.endpoint.rpartition(":")[2])).get(_target(opened.address.url))
        assert answer.body == key.encode()


def test_a_missing_object_is_told_apart(s3: S3Server) -> None:
    failure = refusal("s3://models/no/such.tflite", settings(s3))
    assert type(failure) is ObjectMissing
    assert (
        error_text(failure)
        == """\
Error: A model is not where the configuration says.

s3://models/no/such.tflite
status: 404
S3 code: NoSuchKey

To fix this:
1. Compare the name, upper and lower case included, with what is stored:
   aws s3 ls s3://models/no/
2. Upload the model, then build again.

For more information, see:
https://github.com/slugfit/slugfit/blob/main/docs/errors.md#fetchobject-missing
"""
    )


def test_a_missing_bucket_is_told_apart(s3: S3Server) -> None:
    failure = refusal("s3://no-such-bucket/digits.tflite", settings(s3))
    assert type(failure) is BucketMissing
    assert failure.detail == "status: 404\nS3 code: NoSuchBucket"


def test_a_temporary_key_that_has_expired_is_told_apart() -> None:
    key = S3Credentials("AKIAEXAMPLE", "s" * 40, "t0ken")
    failure = answered(s3_error(400, "ExpiredToken"), key)
    assert isinstance(failure, CredentialsExpired)
    assert "heroku config:unset AWS_SESSION_TOKEN" in error_text(failure)
    assert "t0ken" not in error_text(failure)


@pytest.mark.parametrize("code", ["InvalidToken", "InvalidAccessKeyId", "SignatureDoesNotMatch"])
def test_a_key_that_the_store_does_not_know_is_told_apart(code: str) -> None:
    assert isinstance(answered(s3_error(403, code)), CredentialsWrong)


def test_clocks_that_differ_are_told_apart() -> None:
    failure = answered(s3_error(403, "RequestTimeTooSkewed"))
    assert isinstance(failure, ClockSkewed)
    assert failure.kind == "upstream"


@pytest.mark.parametrize(
    "reply",
    [
        s3_error(301, "PermanentRedirect", **{"x-amz-bucket-region": "eu-north-1"}),
        s3_error(400, "AuthorizationHeaderMalformed", "<Region>eu-north-1</Region>"),
        s3_error(
            400, "IllegalLocationConstraintException", **{"x-amz-bucket-region": "eu-north-1"}
        ),
    ],
)
def test_a_wrong_region_is_told_apart_and_the_right_one_named(reply: Reply) -> None:
    key = S3Credentials("AKIAEXAMPLE", "s" * 40)
    # The client itself asks where the bucket is, and is told again.
    with ScriptedServer(dict.fromkeys(("/models", "/models/digits.tflite"), reply)) as server:
        failure = refusal(URL, S3Settings((key,), REGION, server.url().rstrip("/")))
    assert isinstance(failure, WrongRegion)
    assert (failure.used, failure.right) == (REGION, "eu-north-1")
    assert "heroku config:set AWS_REGION=eu-north-1" in error_text(failure)


def test_a_denied_object_is_told_apart() -> None:
    failure = answered(s3_error(403, "AccessDenied"))
    assert isinstance(failure, AccessDenied)
    assert failure.detail == "status: 403\nS3 code: AccessDenied"


def test_the_stores_wish_to_wait_is_passed_on() -> None:
    busy = answered(s3_error(503, "SlowDown", **{"Retry-After": "77"}))
    assert isinstance(busy, Retryable)
    assert busy.after == 77


def test_a_certain_version_is_asked_for_by_its_name(s3: S3Server) -> None:
    with ScriptedServer({"/models/m": s3_part(b"x")}) as server:
        told = S3Settings((S3Credentials("AKIA", "s" * 40),), REGION, server.url().rstrip("/"))
        with source("s3://models/m?versionId=v.1", told).open() as opened:
            assert opened and opened.address
            assert "versionId=v.1&" in opened.address.url
        assert server.requests[0].path == "/models/m?versionId=v.1"


def test_who_pays_for_requests_says_so_with_each(s3: S3Server) -> None:
    with ScriptedServer({"/models/m": s3_part(b"x")}) as server:
        told = S3Settings((S3Credentials("AKIA", "s" * 40),), REGION, server.url().rstrip("/"))
        with source("s3://models/m", told, payer=True).open() as opened:
            assert opened and opened.address
            assert opened.address.headers["x-amz-request-payer"] == "requester"
        assert server.requests[0].headers["x-amz-request-payer"] == "requester"


@pytest.mark.parametrize(
    ("style", "endpoint", "url"),
    [
        ("path", "http://store.invalid:9", "http://store.invalid:9/models/digits.tflite"),
        ("virtual", "http://store.invalid:9", "http://models.store.invalid:9/digits.tflite"),
        ("auto", "http://127.0.0.1:9", "http://127.0.0.1:9/models/digits.tflite"),
        ("auto", None, "https://models.s3.amazonaws.com/digits.tflite"),
    ],
)
def test_the_bucket_is_in_the_path_or_in_the_hosts_name(
    style: AddressingStyle, endpoint: str | None, url: str
) -> None:
    told = S3Settings((S3Credentials("AKIA", "s" * 40),), REGION, endpoint, style)
    _, bucket = bucket_of(URL, told)
    address = bucket.address("digits.tflite", Version(1), None)
    assert address.url.partition("?")[0] == url


KEYS = (
    "m",
    "dir/größe/模型",
    "a+b=c&d;e,f@g:h$i!'()*~.bin",
    "with%20escape",
    "?#",
    "/lead",
    "a//b",
)


def signing(told: S3Settings, *, payer: bool = False) -> list[tuple[Address, Address]]:
    """The addresses of KEYS, one by one and all at once, signed in the same second."""
    _, bucket = bucket_of(URL, told, payer=payer)
    version = Version(1, "1", {"If-Match": '"1"'})
    while True:
        second = int(time.time())
        address_of = bucket.addresses("digits.tflite")
        pairs = [(bucket.address(key, version, None), address_of(key, version)) for key in KEYS]
        if int(time.time()) == second:
            return pairs


@pytest.mark.parametrize("style", ["path", "virtual"])
@pytest.mark.parametrize("endpoint", [None, "http://127.0.0.1:9", "http://store.invalid:80/base"])
@pytest.mark.parametrize(
    "key",
    [
        S3Credentials("AKIAEXAMPLE", "s" * 40),
        S3Credentials("AKIAEXAMPLE", "s/+" * 13, "t0ken/+=", "eu-north-1"),
        None,
    ],
)
def test_many_addresses_are_signed_as_botocore_signs_each(
    style: AddressingStyle, endpoint: str | None, key: S3Credentials | None
) -> None:
    told = S3Settings((key,) if key else (), REGION, endpoint, style)
    for payer in (False, True):
        for one, of_many in signing(told, payer=payer):
            assert (one.url, one.headers) == (of_many.url, of_many.headers)


def test_a_url_that_is_not_understood_is_no_example() -> None:
    told = S3Settings((S3Credentials("AKIAEXAMPLE", "s" * 40),), REGION)
    url = bucket_of(URL, told)[1].address("digits.tflite", Version(1), None).url
    assert urls_like(url, "digits.tflite", "s" * 40, {})
    assert urls_like(url, "digits.tflite", "another", {}) is None
    assert urls_like(url, "tflite.digits", "s" * 40, {}) is None
    assert (
        urls_like(url.replace("host", "host%3Bx-amz-else"), "digits.tflite", "s" * 40, {}) is None
    )
    assert urls_like(url.partition("?")[0], "digits.tflite", "s" * 40, {}) is None
    assert urls_like(url, "digits.tflite", None, {}) is None


def test_a_prefix_lists_all_objects_below_it(s3: S3Server) -> None:
    s3.create_bucket("many")
    for name in ("dir/b", "dir/größe/模型", "dir/a+b%20c", "other", "directory", "dir/folder/"):
        s3.put("many", name, b"" if name.endswith("/") else name.encode())
    entries = listed("s3://many/dir/", settings(s3))
    assert [entry.path for entry in entries] == ["a+b%20c", "b", "größe/模型"]
    for entry in entries:
        content = f"dir/{entry.path}".encode()
        etag = hashlib.md5(content, usedforsecurity=False).hexdigest()
        assert entry.version == Version(len(content), etag, {"If-Match": f'"{etag}"'})
        assert fetching.read(entry.source) == content
        assert entry.address
        answer = Client(int(s3.endpoint.rpartition(":")[2])).get(_target(entry.address.url))
        assert answer.body == content


def test_a_list_may_have_many_pages() -> None:
    names = [f"dir/{number:04}" for number in range(2_500)]
    pages = [_page(names[at : at + 1000], f"t{at}" if at < 2000 else "") for at in (0, 1000, 2000)]
    with ScriptedServer({"/models": pages}) as server:
        entries = listed("s3://models/dir/", without_key(server.url().rstrip("/")))
        asked = [parse_qs(urlsplit(request.path).query) for request in server.requests]
    assert [f"dir/{entry.path}" for entry in entries] == names
    assert [query.get("continuation-token") for query in asked] == [None, ["t0"], ["t1000"]]
    assert {query["prefix"][0] for query in asked} == {"dir/"}


def test_the_prefix_of_nothing_is_empty(s3: S3Server) -> None:
    assert listed("s3://models/no-such/", settings(s3)) == ()


def test_the_listing_of_a_missing_bucket_is_refused(s3: S3Server) -> None:
    with pytest.raises(BucketMissing) as caught:
        listed("s3://no-such-bucket/dir/", settings(s3))
    assert caught.value.source == S3Url("no-such-bucket", "dir/")


def test_a_wrong_key_is_told_apart_and_not_shown(s3: S3Server) -> None:
    failure = refusal(URL, settings(s3, secret="wr0ng" * 8))
    assert type(failure) is CredentialsWrong
    assert (
        error_text(failure)
        == """\
Error: The store does not accept the key for a model.

s3://models/digits.tflite
status: 403
S3 code: SignatureDoesNotMatch

To fix this:
1. Compare the key with the store's. A trailing space or line break makes it invalid:
   heroku config:set AWS_ACCESS_KEY_ID=… AWS_SECRET_ACCESS_KEY=…
2. If the key is for a store other than AWS, name its endpoint:
   heroku config:set AWS_ENDPOINT_URL_S3=https://…

For more information, see:
https://github.com/slugfit/slugfit/blob/main/docs/errors.md#fetchcredentials-wrong
"""
    )
    assert "wr0ng" not in error_text(failure)
    assert s3.access_key not in error_text(failure)


def test_an_unknown_key_is_told_apart(s3: S3Server) -> None:
    told = S3Settings((S3Credentials("AKIAUNKNOWN", "x" * 40),), REGION, s3.endpoint)
    failure = refusal(URL, told)
    assert type(failure) is CredentialsWrong
    assert failure.detail == "status: 403\nS3 code: InvalidAccessKeyId"


def test_without_a_key_a_private_bucket_is_denied_and_the_request_is_unsigned(
    s3: S3Server,
) -> None:
    failure = refusal(URL, without_key(s3.endpoint))
    assert type(failure) is AccessDenied
    assert failure.detail == "status: 403\nS3 code: AccessDenied"
    assert "Authorization" not in s3.requests[0].headers


def test_without_a_key_a_public_bucket_is_read(s3: S3Server) -> None:
    s3.create_bucket("public")
    s3.put("public", "m", b"for all")
    _client(s3).put_bucket_policy(Bucket="public", Policy=json.dumps(_PUBLIC))
    assert fetch("s3://public/m", without_key(s3.endpoint)) == b"for all"
    assert "Authorization" not in s3.requests[-1].headers


def test_the_key_of_an_add_on_is_for_its_own_bucket_only(s3: S3Server) -> None:
    s3.create_bucket("add-on")
    s3.put("add-on", "m", b"the add-on's")
    own = S3Credentials(s3.access_key, s3.secret_key, region=REGION, bucket="add-on")
    told = S3Settings((own,), None, s3.endpoint)
    assert fetch("s3://add-on/m", told) == b"the add-on's"
    assert type(refusal(URL, told)) is AccessDenied
    signed = ["Authorization" in request.headers for request in s3.requests]
    assert signed == [True, False]


def test_a_region_and_a_session_token_are_passed_on() -> None:
    key = S3Credentials("AKIAEXAMPLE", "s" * 40, "t0ken", "eu-north-1")
    with ScriptedServer({"/b/m": s3_part(b"x")}) as server:
        fetch("s3://b/m", S3Settings((key,), "us-west-2", server.url().rstrip("/")))
        headers = server.requests[0].headers
    assert "/eu-north-1/s3/aws4_request" in headers["Authorization"]
    assert headers["X-Amz-Security-Token"] == "t0ken"


def test_a_refused_connection_may_be_accepted_next_time() -> None:
    failure = retryable(URL, without_key(f"http://127.0.0.1:{free_port()}"))
    assert type(failure) is Unreachable
    assert failure.kind == "upstream"
    assert (
        error_text(failure)
        == """\
Error: The store of a model can't be reached.

s3://models/digits.tflite
reason: Connection refused

This is often temporary. Build again; if it persists, check:
1. the host's name in the source, and AWS_ENDPOINT_URL if it is set;
2. the provider's status page.

For more information, see:
https://github.com/slugfit/slugfit/blob/main/docs/errors.md#fetchunreachable
"""
    )


def test_a_store_that_hangs_up_without_a_word_may_answer_next_time() -> None:
    with CannedServer(b"") as server:
        failure = retryable(URL, without_key(server.url))
        # Our transfer counts the tries: the client is not to make any of its own.
        assert server.connections == 1
    assert type(failure) is Unreachable
    assert not CLASS_NAME.search(failure.detail)


@pytest.mark.parametrize("status", [429, 500, 502, 503])
def test_a_store_that_fails_may_answer_next_time(status: int) -> None:
    table = {"/models/digits.tflite": failing(1, Reply(MODEL, etag='"1"'), status)}
    with ScriptedServer(table) as server:
        told = without_key(server.url().rstrip("/"))
        failure = retryable(URL, told)
        assert len(server.requests) == 1
        assert fetch(URL, told) == MODEL
    assert type(failure) is ServerFailed
    assert failure.detail.startswith(f"status: {status}\n")


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        (400, "RequestTimeout", ServerFailed),
        (503, "SlowDown", ServerFailed),
        (400, "InvalidRequest", RequestRejected),
        (405, "MethodNotAllowed", RequestRejected),
        (401, "Unauthorized", AccessDenied),
    ],
)
def test_the_stores_own_code_is_told(status: int, code: str, expected: type[Failure]) -> None:
    answer = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>m</Message></Error>"
    with (
        ScriptedServer({"/models/digits.tflite": Reply(answer.encode(), status)}) as server,
        pytest.raises((Failure, Retryable)) as caught,
    ):
        fetch(URL, without_key(server.url().rstrip("/")))
    raised = caught.value
    failure = raised.failure if isinstance(raised, Retryable) else raised
    assert type(failure) is expected
    assert isinstance(raised, Retryable) == (expected is ServerFailed)
    assert f"status: {status}\nS3 code: {code}\n" in error_text(failure)


def test_a_store_that_breaks_off_may_finish_next_time(s3: S3Server) -> None:
    port = int(s3.endpoint.rpartition(":")[2])
    with CuttingProxy(port, after=1_500_000, times=1) as proxy:
        told = settings(s3, endpoint=proxy.url)
        failure = retryable(URL, told)
        assert fetch(URL, told) == MODEL
    assert isinstance(failure, Truncated)
    assert failure.source == url_of(URL)
    assert failure.size == len(MODEL)
    closed = re.fullmatch(r"reason: the connection closed after (\d+) bytes", failure.detail)
    assert closed
    assert 1_400_000 < int(closed[1]) < 1_500_000


def test_a_transfer_survives_a_store_that_breaks_off(s3: S3Server, bench: Bench) -> None:
    port = int(s3.endpoint.rpartition(":")[2])
    with CuttingProxy(port, after=100_000, times=3) as proxy:
        received = bench.fetch(source(URL, settings(s3, endpoint=proxy.url)))
    sha256 = hashlib.sha256(MODEL).hexdigest()
    assert received == ReceivedObject(sha256, len(MODEL), ETAG)
    assert [path.name for path in bench.target.parent.iterdir()] == ["model"]


def test_a_transfer_gives_up_on_a_store_that_sends_nothing(s3: S3Server, bench: Bench) -> None:
    with FaultProxy(int(s3.endpoint.rpartition(":")[2]), repeat(Answer(503))) as faults:
        told = settings(s3, endpoint=faults.url())
        with pytest.raises(ServerFailed):
            bench.fetch(source(URL, told))
        assert len(faults.played) == 6
    assert list(bench.target.parent.iterdir()) == []


def test_an_object_that_is_replaced_on_the_way_comes_of_one_version(
    s3: S3Server, bench: Bench
) -> None:
    s3.put("models", "moving", LARGE)

    class Replacing(fetching.Silence):
        """The first bytes are on their way by then."""

        def begin(self, size: int | None, there: int) -> None:
            s3.put("models", "moving", LARGE[::-1])

    bench.watch = Replacing()
    assert bench.content(source("s3://models/moving", settings(s3))) == LARGE[::-1]


def test_a_store_may_leave_out_length_and_etag(bench: Bench) -> None:
    with CannedServer(chunked(b"one ", b"two")) as server:
        object_ = source(URL, without_key(server.url))
        with object_.open() as opened:
            assert opened
            assert opened.version == Version(None)
            assert everything(opened) == b"one two"
        assert bench.content(object_) == b"one two"


def test_an_endpoint_that_is_a_web_site_is_found_out(bench: Bench) -> None:
    page = Reply(b"<!doctype html>", etag='"1"')
    with ScriptedServer({"/models/digits.tflite": page}) as server, pytest.raises(HtmlPage):
        bench.fetch(source(URL, without_key(server.url().rstrip("/"))))


def test_an_endpoint_that_sends_elsewhere_is_refused() -> None:
    with ScriptedServer({"/models/digits.tflite": redirect("http://127.0.0.1:1/")}) as server:
        failure = refusal(URL, without_key(server.url().rstrip("/")))
    assert type(failure) is RequestRejected


@pytest.mark.parametrize(
    ("url", "told"),
    [
        pytest.param(URL, S3Settings(region="not a region"), id="region"),
        pytest.param(URL, without_key("http://host:port"), id="port"),
        pytest.param(URL, without_key("http://under_score:99999"), id="big port"),
    ],
)
def test_settings_that_no_store_can_have_are_refused(url: str, told: S3Settings) -> None:
    failure = refusal(url, told)
    assert type(failure) is RequestRejected
    assert not CLASS_NAME.search(failure.detail)


def test_a_name_that_no_bucket_can_have_is_refused() -> None:
    bucket = S3Bucket("Not_A_Bucket!", S3Settings(region=REGION), lambda: NOW)
    failure = fetching.refusal(S3Object(S3Url(bucket.name, "m"), bucket))
    assert type(failure) is RequestRejected
    assert not CLASS_NAME.search(failure.detail)


def test_a_key_never_shows_itself() -> None:
    key = S3Credentials("AKIAEXAMPLE", "5ecre7", "t0ken", REGION, "models")
    shown = repr(S3Settings((key,), REGION))
    assert "AKIAEXAMPLE" not in shown
    assert "5ecre7" not in shown
    assert "t0ken" not in shown


_FETCH = """
import json, sys, time
from slugfit.stores.s3 import S3Credentials, S3Settings, S3Url
from slugfit.stores.s3_client import S3Object
from slugfit.stores.s3_bucket import S3Bucket
from slugfit.stores.s3_presigned import urls_like
key, secret, endpoint, ambient = json.load(sys.stdin)
credentials = (S3Credentials(key, secret),) if key else ()
settings = S3Settings(credentials, None, endpoint, ambient=ambient)
bucket = S3Bucket("models", settings, time.time)
length = 0
with S3Object(S3Url("models", "digits.tflite"), bucket).open() as opened:
    while piece := opened.body.read(1 << 16):
        length += len(piece)
print(length)
"""


def _fetch_in(
    home: Path, s3: S3Server, key: str, *, ambient: bool = False, **environ: str
) -> tuple[str, str]:
    (home / ".aws").mkdir()
    (home / ".aws/credentials").write_text(
        "[default]\naws_access_key_id = AKIAHOME\naws_secret_access_key = home\n"
    )
    (home / ".aws/config").write_text("[default]\nregion = mars-1\nmax_attempts = 9\n")
    child = subprocess.run(
        [sys.executable, "-c", _FETCH],
        env={"HOME": str(home), "PYTHONPATH": str(REPOSITORY / "lib"), **environ},
        input=json.dumps([key, s3.secret_key, s3.endpoint, ambient]).encode(),
        capture_output=True,
        check=False,
    )
    lines = child.stderr.decode().splitlines() or [""]
    return child.stdout.decode().strip(), lines[-1]


def test_files_in_the_home_directory_and_other_variables_change_nothing(
    s3: S3Server, tmp_path: Path
) -> None:
    said = _fetch_in(
        tmp_path,
        s3,
        s3.access_key,
        AWS_ACCESS_KEY_ID="AKIAENVIRONMENT",
        AWS_SECRET_ACCESS_KEY="environment",
        AWS_SESSION_TOKEN="environment",
        AWS_DEFAULT_REGION="moon-1",
        AWS_ENDPOINT_URL="http://127.0.0.1:1",
    )
    assert said == (str(len(MODEL)), "")
    assert "/us-east-1/s3/" in s3.requests[0].headers["Authorization"]


def test_the_name_of_a_profile_changes_nothing(s3: S3Server, tmp_path: Path) -> None:
    said = _fetch_in(tmp_path, s3, s3.access_key, AWS_PROFILE="no-such-profile")
    assert said == (str(len(MODEL)), "")


def test_no_key_is_taken_from_anywhere_else(s3: S3Server, tmp_path: Path) -> None:
    _fetch_in(tmp_path, s3, "", AWS_ACCESS_KEY_ID="AKIAENV", AWS_SECRET_ACCESS_KEY="x")
    assert "Authorization" not in s3.requests[0].headers


def test_on_a_developers_computer_the_client_may_look_around(s3: S3Server, tmp_path: Path) -> None:
    environ = {"AWS_ACCESS_KEY_ID": s3.access_key, "AWS_SECRET_ACCESS_KEY": s3.secret_key}
    said = _fetch_in(tmp_path, s3, "", ambient=True, AWS_REGION=REGION, **environ)
    assert said == (str(len(MODEL)), "")


def s3_part(content: bytes) -> Reply:
    """A store's answer to a range that has all of a small object."""
    shown = f"bytes 0-{len(content) - 1}/{len(content)}"
    return Reply(content, 206, {"Content-Range": shown}, etag='"1"')


def _page(names: list[str], token: str) -> Reply:
    """A part of a bucket's listing; `token` leads to the next one."""
    items = "".join(
        f'<Contents><Key>{name}</Key><Size>1</Size><ETag>"1"</ETag></Contents>' for name in names
    )
    more = f"<NextContinuationToken>{token}</NextContinuationToken>" if token else ""
    told = f"<IsTruncated>{'true' if token else 'false'}</IsTruncated>{more}{items}"
    return Reply(f"<ListBucketResult>{told}</ListBucketResult>".encode())


def _target(url: str) -> str:
    """A URL without its host."""
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}"


def _client(s3: S3Server) -> Any:
    return boto3.client(
        "s3",
        endpoint_url=s3.endpoint,
        aws_access_key_id=s3.access_key,
        aws_secret_access_key=s3.secret_key,
        region_name=REGION,
    )

"""Objects in S3, from a real server that speaks its protocol."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest

from slugfit.errors import Failure
from slugfit.models.failures import (
    AccessDenied,
    HtmlPage,
    ObjectMissing,
    RequestRejected,
    ServerFailed,
    Truncated,
    Unreachable,
)
from slugfit.models.fetch import open_source
from slugfit.models.sources import CHUNK_BYTES, Retryable
from slugfit.models.sources.http import HttpSource
from slugfit.models.sources.s3 import S3Source
from slugfit.models.transfer import Received, Transfer
from slugfit.settings.model import S3Credentials, S3Settings
from support.http import Reply, ScriptedServer, failing, redirect
from support.paths import REPOSITORY
from support.processes import free_port
from support.s3 import REGION, S3Server
from unit.build_log import error_text
from unit.chance import chance
from unit.servers import CannedServer, CuttingProxy, chunked

MODEL = chance().randbytes(3_000_000)
ETAG = hashlib.md5(MODEL, usedforsecurity=False).hexdigest()
URL = "s3://models/digits.tflite"
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


def fetch(url: str, told: S3Settings, etag: str | None = None) -> bytes | None:
    with S3Source(url, told).open(etag) as body:
        return b"".join(body.chunks) if body else None


def refusal(url: str, told: S3Settings) -> Failure:
    """The failure that no other try would cure."""
    with pytest.raises(Failure) as caught:
        fetch(url, told)
    return caught.value


def invitation(url: str, told: S3Settings) -> Failure:
    """The failure that another try may cure."""
    with pytest.raises(Retryable) as caught:
        fetch(url, told)
    return caught.value.failure


def test_an_object_comes_with_its_size_and_etag(s3: S3Server) -> None:
    with S3Source(URL, settings(s3)).open(None) as body:
        assert body is not None
        assert (body.size, body.etag) == (len(MODEL), ETAG)
        pieces = list(body.chunks)
    assert b"".join(pieces) == MODEL
    assert max(map(len, pieces)) <= CHUNK_BYTES
    assert [(r.method, r.path) for r in s3.requests] == [("GET", "/models/digits.tflite")]
    assert "slugfit" in s3.requests[0].headers["User-Agent"]


def test_an_unchanged_object_has_no_body(s3: S3Server) -> None:
    assert fetch(URL, settings(s3), ETAG) is None
    assert s3.requests[0].headers["If-None-Match"] == f'"{ETAG}"'


def test_a_changed_object_comes_whole(s3: S3Server) -> None:
    assert fetch(URL, settings(s3), "0" * 32) == MODEL


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
    s3.put("models", key, key.encode())
    source = S3Source(url, settings(s3))
    assert source.display == url
    assert fetch(url, settings(s3)) == key.encode()


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
https://github.com/slugfit/slugfit#fetchobject-missing
"""
    )


def test_a_missing_bucket_is_told_apart(s3: S3Server) -> None:
    failure = refusal("s3://no-such-bucket/digits.tflite", settings(s3))
    assert type(failure) is ObjectMissing
    assert failure.detail == "status: 404\nS3 code: NoSuchBucket"


def test_a_wrong_key_is_told_apart_and_not_shown(s3: S3Server) -> None:
    failure = refusal(URL, settings(s3, secret="wr0ng" * 8))
    assert type(failure) is AccessDenied
    assert (
        error_text(failure)
        == """\
Error: The store denies access to a model.

s3://models/digits.tflite
status: 403
S3 code: SignatureDoesNotMatch

S3 also denies access to an object that does not exist, when the key may not
list the bucket.

To fix this:
1. Check which key the app has:
   heroku config | grep -E 'AWS_|BUCKETEER_|CLOUDCUBE_'
2. Give that key the permission s3:GetObject on the object, and s3:ListBucket
   on the bucket.
3. Compare the object's name with what is stored.

For more information, see:
https://github.com/slugfit/slugfit#fetchaccess-denied
"""
    )
    assert "wr0ng" not in error_text(failure)
    assert s3.access_key not in error_text(failure)


def test_an_unknown_key_is_told_apart(s3: S3Server) -> None:
    told = S3Settings((S3Credentials("AKIAUNKNOWN", "x" * 40),), REGION, s3.endpoint)
    failure = refusal(URL, told)
    assert type(failure) is AccessDenied
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
    client = boto3.client(
        "s3",
        endpoint_url=s3.endpoint,
        aws_access_key_id=s3.access_key,
        aws_secret_access_key=s3.secret_key,
        region_name=REGION,
    )
    client.put_bucket_policy(Bucket="public", Policy=json.dumps(_PUBLIC))
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
    with ScriptedServer({"/b/m": Reply(b"x", etag='"1"')}) as server:
        fetch("s3://b/m", S3Settings((key,), "us-west-2", server.url().rstrip("/")))
        headers = server.requests[0].headers
    assert "/eu-north-1/s3/aws4_request" in headers["Authorization"]
    assert headers["X-Amz-Security-Token"] == "t0ken"


def test_a_refused_connection_may_be_accepted_next_time() -> None:
    failure = invitation(URL, without_key(f"http://127.0.0.1:{free_port()}"))
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
https://github.com/slugfit/slugfit#fetchunreachable
"""
    )


def test_a_store_that_hangs_up_without_a_word_may_answer_next_time() -> None:
    with CannedServer(b"") as server:
        failure = invitation(URL, without_key(server.url))
        # Our transfer counts the tries: the client is not to make any of its own.
        assert server.connections == 1
    assert type(failure) is Unreachable
    assert not CLASS_NAME.search(failure.detail)


@pytest.mark.parametrize("status", [429, 500, 502, 503])
def test_a_store_that_fails_may_answer_next_time(status: int) -> None:
    table = {"/models/digits.tflite": failing(1, Reply(MODEL, etag='"1"'), status)}
    with ScriptedServer(table) as server:
        told = without_key(server.url().rstrip("/"))
        failure = invitation(URL, told)
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
        failure = invitation(URL, told)
        assert fetch(URL, told) == MODEL
    assert isinstance(failure, Truncated)
    assert failure.source == URL
    assert failure.size == len(MODEL)
    closed = re.fullmatch(r"reason: the connection closed after (\d+) bytes", failure.detail)
    assert closed
    assert 1_400_000 < int(closed[1]) < 1_500_000


def test_a_transfer_survives_a_store_that_breaks_off_three_times(
    s3: S3Server, tmp_path: Path
) -> None:
    port = int(s3.endpoint.rpartition(":")[2])
    sleeps: list[float] = []
    with CuttingProxy(port, after=100_000, times=3) as proxy:
        received = Transfer(sleeps.append, chance()).fetch(
            S3Source(URL, settings(s3, endpoint=proxy.url)),
            tmp_path.joinpath,
            announce=lambda _: None,
        )
    sha256 = hashlib.sha256(MODEL).hexdigest()
    assert received == Received(sha256, len(MODEL), ETAG)
    assert [path.name for path in tmp_path.iterdir()] == [sha256]
    assert len(sleeps) == 3


def test_a_transfer_gives_up_on_a_store_that_always_breaks_off(
    s3: S3Server, tmp_path: Path
) -> None:
    port = int(s3.endpoint.rpartition(":")[2])
    with CuttingProxy(port, after=100_000, times=99) as proxy:
        source = S3Source(URL, settings(s3, endpoint=proxy.url))
        with pytest.raises(Truncated) as caught:
            Transfer(lambda _: None, chance()).fetch(
                source, tmp_path.joinpath, announce=lambda _: None
            )
        assert proxy.connections == 4
    assert caught.value.size == len(MODEL)
    assert list(tmp_path.iterdir()) == []


def test_a_store_may_leave_out_length_and_etag() -> None:
    with (
        CannedServer(chunked(b"one ", b"two")) as server,
        S3Source(URL, without_key(server.url)).open(None) as body,
    ):
        assert body is not None
        assert (body.size, body.etag) == (None, None)
        assert b"".join(body.chunks) == b"one two"


def test_an_endpoint_that_is_a_web_site_is_found_out(tmp_path: Path) -> None:
    page = Reply(b"<!doctype html>", etag='"1"')
    with ScriptedServer({"/models/digits.tflite": page}) as server:
        source = S3Source(URL, without_key(server.url().rstrip("/")))
        with pytest.raises(HtmlPage):
            Transfer(lambda _: None, chance()).fetch(
                source, tmp_path.joinpath, announce=lambda _: None
            )


def test_an_endpoint_that_sends_elsewhere_is_refused() -> None:
    with ScriptedServer({"/models/digits.tflite": redirect("http://127.0.0.1:1/")}) as server:
        failure = refusal(URL, without_key(server.url().rstrip("/")))
    assert type(failure) is RequestRejected


@pytest.mark.parametrize(
    ("url", "told"),
    [
        pytest.param("s3://Not_A_Bucket!/m", S3Settings(region=REGION), id="bucket"),
        pytest.param(URL, S3Settings(region="not a region"), id="region"),
        pytest.param(URL, without_key("http://host:port"), id="port"),
        pytest.param(URL, without_key("http://under_score:99999"), id="big port"),
    ],
)
def test_settings_that_no_store_can_have_are_refused(url: str, told: S3Settings) -> None:
    failure = refusal(url, told)
    assert type(failure) is RequestRejected
    assert not CLASS_NAME.search(failure.detail)


def test_a_key_never_shows_itself() -> None:
    key = S3Credentials("AKIAEXAMPLE", "5ecre7", "t0ken", REGION, "models")
    shown = repr(S3Settings((key,), REGION))
    assert "AKIAEXAMPLE" not in shown
    assert "5ecre7" not in shown
    assert "t0ken" not in shown


_FETCH = """
import json, sys
from slugfit.models.sources.s3 import S3Source
from slugfit.settings.model import S3Credentials, S3Settings
key, secret, endpoint = json.load(sys.stdin)
credentials = (S3Credentials(key, secret),) if key else ()
source = S3Source("s3://models/digits.tflite", S3Settings(credentials, None, endpoint))
with source.open(None) as body:
    print(len(b"".join(body.chunks)))
"""


def _fetch_in(home: Path, s3: S3Server, key: str, **environ: str) -> tuple[str, str]:
    (home / ".aws").mkdir()
    (home / ".aws/credentials").write_text(
        "[default]\naws_access_key_id = AKIAHOME\naws_secret_access_key = home\n"
    )
    (home / ".aws/config").write_text("[default]\nregion = mars-1\nmax_attempts = 9\n")
    child = subprocess.run(
        [sys.executable, "-c", _FETCH],
        env={"HOME": str(home), "PYTHONPATH": str(REPOSITORY / "lib"), **environ},
        input=json.dumps([key, s3.secret_key, s3.endpoint]).encode(),
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


def test_a_url_finds_its_source() -> None:
    assert isinstance(open_source(URL, S3Settings()), S3Source)
    assert isinstance(open_source("https://host/m", S3Settings()), HttpSource)
    assert isinstance(open_source("http://host/m", S3Settings()), HttpSource)

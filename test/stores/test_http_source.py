"""Objects behind http:// URLs, from a real server that does what a table says."""

from __future__ import annotations

import gzip
import re
import subprocess
import sys
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from socket import gaierror

import pytest

from slugfit.base.errors import Failure
from slugfit.local.servers import free_port
from slugfit.stores import FIRST_BYTES, Changed, Retryable
from slugfit.stores.client_errors import reason
from slugfit.stores.failures import Truncated
from slugfit.stores.refusals import (
    AccessDenied,
    MalformedResponse,
    ObjectMissing,
    RequestRejected,
    ServerFailed,
    Unreachable,
)
from slugfit.stores.web import HttpUrl
from slugfit.stores.web_client import HttpObject
from support.build_log import error_text
from support.faults import Answer, Cut, FaultProxy
from support.fetching import LARGE, SMALL, Bench, everything, read, refusal, retryable
from support.http import Reply, ScriptedServer, failing, redirect
from support.paths import REPOSITORY
from support.servers import CannedServer, RangeServer, chunked
from support.sources import url_of

NOW = 1_800_000_000.0
SIGNED = "?X-Amz-Signature=5ecre7&expires=60"
CLASS_NAME = re.compile(r"\b[A-Z][a-z]+[A-Z]\w*|\w+(?:Error|Exception)\b")
PINNED = {"ETag": '"v1"'}


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with ScriptedServer({"/model": Reply(SMALL, etag='"v1"')}) as server:
        yield server


def source(url: str, authorization: str | None = None) -> HttpObject:
    return HttpObject(HttpUrl(url), lambda: NOW, authorization)


def fetch(url: str, etag: str | None = None) -> bytes | None:
    return read(source(url), etag)


def test_a_body_comes_with_its_size_and_etag(server: ScriptedServer) -> None:
    with source(server.url("/model")).open() as opened:
        assert opened is not None
        assert (opened.version.size, opened.version.etag) == (len(SMALL), '"v1"')
        assert opened.version.sha256 is None
        assert everything(opened) == SMALL


def test_a_request_asks_for_the_stored_bytes_and_says_who_asks(server: ScriptedServer) -> None:
    fetch(server.url("/model"))
    (request,) = server.requests
    assert request.headers["Accept-Encoding"] == "identity"
    assert request.headers["User-Agent"] == "slugfit"
    assert request.headers["Range"] == f"bytes=0-{FIRST_BYTES - 1}"
    assert "If-None-Match" not in request.headers
    assert "Authorization" not in request.headers


def test_an_unchanged_object_has_no_body(server: ScriptedServer) -> None:
    assert fetch(server.url("/model"), '"v1"') is None
    assert server.requests[0].headers["If-None-Match"] == '"v1"'


def test_a_changed_object_comes_whole(server: ScriptedServer) -> None:
    assert fetch(server.url("/model"), '"v0"') == SMALL


def test_the_query_is_sent_but_never_shown(server: ScriptedServer) -> None:
    model = source(server.url("/model" + SIGNED))
    assert read(model) == SMALL
    assert server.requests[0].path == "/model" + SIGNED
    assert model.url.display == server.url("/model")


def test_a_fragment_is_not_shown() -> None:
    assert source("https://host:8080/a%20b?sig=1#token=2").url.display == "https://host:8080/a%20b"


@pytest.mark.parametrize(
    ("status", "failure", "phrase"),
    [
        (401, AccessDenied, "status: 401 Unauthorized"),
        (403, AccessDenied, "status: 403 Forbidden"),
        (404, ObjectMissing, "status: 404 Not Found"),
        (410, ObjectMissing, "status: 410 Gone"),
        (400, RequestRejected, "status: 400 Bad Request"),
        (412, RequestRejected, "status: 412 Precondition Failed"),
        # Its name depends on the Python that serves it.
        (416, RequestRejected, f"status: 416 {HTTPStatus(416).phrase}"),
        (204, RequestRejected, "status: 204 No Content"),
        (206, MalformedResponse, "header: no Content-Range"),
        (300, RequestRejected, "status: 300 Multiple Choices"),
    ],
)
def test_what_no_other_try_would_cure(
    server: ScriptedServer, status: int, failure: type[Failure], phrase: str
) -> None:
    server.set("/no", Reply(status=status))
    found = refusal(source(server.url("/no" + SIGNED)))
    assert type(found) is failure
    assert f"{server.url('/no')}\n{phrase}\n\n" in error_text(found)
    assert "5ecre7" not in error_text(found) + str(found)


@pytest.mark.parametrize(
    ("status", "phrase"),
    [
        (408, "status: 408 Request Timeout"),
        (429, "status: 429 Too Many Requests"),
        (500, "status: 500 Internal Server Error"),
        (502, "status: 502 Bad Gateway"),
        (503, "status: 503 Service Unavailable"),
        (504, "status: 504 Gateway Timeout"),
    ],
)
def test_what_another_try_may_cure(server: ScriptedServer, status: int, phrase: str) -> None:
    server.set("/busy", failing(1, Reply(SMALL), status))
    found = retryable(source(server.url("/busy" + SIGNED)))
    assert type(found) is ServerFailed
    assert f"{server.url('/busy')}\n{phrase}\n\n" in error_text(found)
    assert "5ecre7" not in error_text(found) + str(found)
    assert fetch(server.url("/busy")) == SMALL


def test_a_missing_object_reads_so() -> None:
    failure = ObjectMissing(url_of("https://host/model"), "status: 404 Not Found")
    assert failure.kind == "user"
    assert str(failure) == "A model is not where the configuration says: https://host/model"
    assert (
        error_text(failure)
        == """\
Error: A model is not where the configuration says.

https://host/model
status: 404 Not Found

To fix this:
1. Compare the name, upper and lower case included, with what is stored:
   curl --location --head 'https://host/model'
2. Upload the model, then build again.

For more information, see:
https://github.com/slugfit/slugfit/blob/main/docs/errors.md#fetchobject-missing
"""
    )


def test_denied_access_reads_so() -> None:
    failure = AccessDenied(url_of("https://host/model"), "status: 403 Forbidden")
    assert failure.kind == "user"
    assert (
        error_text(failure)
        == """\
Error: The store denies access to a model.

https://host/model
status: 403 Forbidden

To fix this:
1. If the link is signed, make a new one: signatures expire.
2. For private files in object storage, use s3://bucket/key with a key.
3. If the server wants an Authorization header, name the config var that has it:
   authorization = "MODEL_AUTHORIZATION"

For more information, see:
https://github.com/slugfit/slugfit/blob/main/docs/errors.md#fetchaccess-denied
"""
    )


def test_a_rejected_request_reads_so() -> None:
    failure = RequestRejected(url_of("https://host/model"), "status: 400 Bad Request")
    assert failure.kind == "user"
    assert (
        error_text(failure)
        == """\
Error: The store rejects the request for a model.

https://host/model
status: 400 Bad Request

To fix this:
1. Check the source's URL.

For more information, see:
https://github.com/slugfit/slugfit/blob/main/docs/errors.md#fetchrequest-rejected
"""
    )


def test_a_server_that_fails_reads_so() -> None:
    failure = ServerFailed(url_of("https://host/model"), "status: 503 Service Unavailable")
    assert failure.kind == "upstream"
    assert (
        error_text(failure)
        == """\
Error: The store of a model responds with errors.

https://host/model
status: 503 Service Unavailable

This is often temporary. Build again; if it persists, check:
1. the provider's status page.

For more information, see:
https://github.com/slugfit/slugfit/blob/main/docs/errors.md#fetchserver-failed
"""
    )


def test_a_refused_connection_reads_so() -> None:
    url = f"http://127.0.0.1:{free_port()}/model"
    failure = retryable(source(url + SIGNED))
    assert failure.kind == "upstream"
    assert str(failure) == f"The store of a model can't be reached: {url}"
    assert (
        error_text(failure)
        == f"""\
Error: The store of a model can't be reached.

{url}
reason: Connection refused

This is often temporary. Build again; if it persists, check:
1. the host's name in the source;
2. the provider's status page.

For more information, see:
https://github.com/slugfit/slugfit/blob/main/docs/errors.md#fetchunreachable
"""
    )


def test_a_server_that_hangs_up_without_a_word_may_answer_next_time(server: ScriptedServer) -> None:
    server.set("/silent", Reply(hang_up=True))
    failure = retryable(source(server.url("/silent" + SIGNED)))
    assert type(failure) is Unreachable
    assert failure.detail.startswith("reason: ")
    assert not CLASS_NAME.search(failure.detail)
    assert "5ecre7" not in failure.detail


def test_an_answer_that_is_no_http_may_be_better_next_time() -> None:
    with CannedServer(b"SSH-2.0-OpenSSH_9.9\r\n") as server:
        failure = retryable(source(server.url + "/model" + SIGNED))
    assert type(failure) is Unreachable
    assert not CLASS_NAME.search(failure.detail)
    assert "5ecre7" not in failure.detail


def test_a_name_that_no_one_knows_is_told_in_the_systems_words() -> None:
    wrapped = OSError("GET https://host/?sig=5ecre7")
    wrapped.__cause__ = gaierror(-2, "Name or service not known")
    assert reason(wrapped) == "reason: Name or service not known"


def test_errors_that_go_round_in_a_circle_have_an_innermost_one_as_well() -> None:
    first, second = ConnectionRefusedError(111, "Connection refused"), OSError(5, "Other")
    first.__cause__, second.__cause__ = second, first
    assert reason(first) == "reason: Other"


def test_a_body_that_breaks_off_may_come_whole_next_time(server: ScriptedServer) -> None:
    server.set("/cut", [Reply(SMALL, truncate_at=1000), Reply(SMALL)])
    failure = retryable(source(server.url("/cut" + SIGNED)))
    assert isinstance(failure, Truncated)
    assert failure.source.display == server.url("/cut")
    assert failure.size == len(SMALL)
    assert failure.detail == "reason: the connection closed after 1000 bytes"
    assert fetch(server.url("/cut")) == SMALL


def test_a_body_without_a_length_comes_whole() -> None:
    answer = chunked(b"one ", b"two ", b"three")
    with CannedServer(answer) as server, source(server.url).open() as opened:
        assert opened is not None
        assert (opened.version.size, opened.version.etag) == (None, None)
        assert everything(opened) == b"one two three"


def test_a_body_without_a_length_that_breaks_off_is_noticed() -> None:
    with CannedServer(chunked(b"one ", b"two ").removesuffix(b"0\r\n\r\n")) as server:
        failure = retryable(source(server.url))
    assert isinstance(failure, Truncated)
    assert failure.size is None
    assert not CLASS_NAME.search(failure.detail)


def test_a_body_that_ends_with_the_connection_comes_whole() -> None:
    with CannedServer(b"HTTP/1.0 200 OK\r\n\r\nto the end") as server:
        assert fetch(server.url) == b"to the end"


def test_a_length_that_is_no_number_is_refused() -> None:
    answer = b"HTTP/1.0 200 OK\r\nContent-Length: much\r\n\r\nall"
    with CannedServer(answer) as server:
        assert refusal(source(server.url)).id == "fetch::malformed-response"


def test_an_encoding_that_nobody_asked_for_is_undone(server: ScriptedServer) -> None:
    server.set("/packed", Reply(gzip.compress(SMALL), headers={"Content-Encoding": "gzip"}))
    with source(server.url("/packed")).open() as opened:
        assert opened is not None
        # The announced length is that of the encoded bytes, of which nobody asks.
        assert opened.version.size is None
        assert everything(opened) == SMALL


def test_an_encoding_that_breaks_off_is_noticed(server: ScriptedServer) -> None:
    packed = Reply(gzip.compress(SMALL), headers={"Content-Encoding": "gzip"}, truncate_at=30)
    server.set("/packed", packed)
    failure = retryable(source(server.url("/packed")))
    assert isinstance(failure, Truncated)
    assert failure.detail == "reason: the connection closed after 30 bytes"


def test_an_encoding_that_is_another_than_it_says_is_noticed(server: ScriptedServer) -> None:
    server.set("/packed", Reply(SMALL, headers={"Content-Encoding": "gzip"}))
    failure = retryable(source(server.url("/packed")))
    assert isinstance(failure, Truncated)
    assert not CLASS_NAME.search(failure.detail)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_followed(server: ScriptedServer, status: int) -> None:
    server.set("/old", redirect("/model", status))
    assert fetch(server.url("/old")) == SMALL
    assert fetch(server.url("/old"), '"v1"') is None


def test_a_redirect_to_another_host_is_followed(server: ScriptedServer) -> None:
    with ScriptedServer({"/signed": Reply(b"from elsewhere")}) as other:
        server.set("/old", redirect(other.url("/signed" + SIGNED)))
        model = source(server.url("/old"))
        assert read(model) == b"from elsewhere"
    assert model.url.display == server.url("/old")


def test_a_redirect_that_goes_round_in_a_circle_is_refused(server: ScriptedServer) -> None:
    server.set("/a", redirect("/b" + SIGNED))
    server.set("/b", redirect("/a" + SIGNED))
    failure = refusal(source(server.url("/a")))
    assert type(failure) is RequestRejected
    assert failure.source.display == server.url("/a")
    assert not CLASS_NAME.search(failure.detail)
    assert "5ecre7" not in failure.detail
    assert len(server.requests) <= 31


@pytest.mark.parametrize(
    "location", ["ftp://host/model?sig=5ecre7", "http://[::1?sig=5ecre7", "file:///etc/passwd"]
)
def test_a_redirect_to_where_nobody_can_go_is_refused(
    server: ScriptedServer, location: str
) -> None:
    server.set("/old", redirect(location))
    failure = refusal(source(server.url("/old")))
    assert type(failure) is RequestRejected
    assert not CLASS_NAME.search(failure.detail)
    assert "5ecre7" not in failure.detail


def test_a_redirect_without_a_destination_is_refused(server: ScriptedServer) -> None:
    server.set("/old", Reply(status=302))
    failure = refusal(source(server.url("/old")))
    assert type(failure) is RequestRejected
    assert failure.detail == "status: 302 Found"


def test_whoever_stops_reading_leaves_no_connection_behind(server: ScriptedServer) -> None:
    with source(server.url("/model")).open() as opened:
        assert opened is not None
        assert opened.body.read(1)
    assert fetch(server.url("/model")) == SMALL


_FETCH = """
import sys, time
from slugfit.stores.web import HttpUrl
from slugfit.stores.web_client import HttpObject
with HttpObject(HttpUrl(sys.argv[1]), time.time).open() as opened:
    while piece := opened.body.read(1 << 16):
        sys.stdout.buffer.write(piece)
"""


@pytest.mark.parametrize("path", ["/model", "/old"])
def test_the_passwords_in_netrc_are_sent_to_nobody(
    server: ScriptedServer, tmp_path: Path, path: str
) -> None:
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login me password 5ecre7\n")
    (tmp_path / ".netrc").chmod(0o600)
    server.set("/old", redirect("/model"))
    child = subprocess.run(
        [sys.executable, "-c", _FETCH, server.url(path)],
        env={"HOME": str(tmp_path), "PYTHONPATH": str(REPOSITORY / "lib")},
        capture_output=True,
        check=False,
    )
    assert child.stderr == b""
    assert child.stdout == SMALL
    assert [r.headers.get("Authorization") for r in server.requests] == [None] * len(
        server.requests
    )


def test_a_large_object_comes_in_ranges(bench: Bench) -> None:
    with RangeServer(LARGE, PINNED) as server:
        assert bench.content(source(server.url())) == LARGE
        first, *others = server.requests
    assert first.headers["Range"] == f"bytes=0-{FIRST_BYTES - 1}"
    assert others
    assert {request.headers["If-Range"] for request in others} == {'"v1"'}


def test_a_small_object_comes_in_one_request(bench: Bench) -> None:
    with RangeServer(SMALL, PINNED) as server:
        assert bench.content(source(server.url())) == SMALL
        assert len(server.requests) == 1


def test_a_server_that_knows_no_ranges_sends_all_at_once(
    server: ScriptedServer, bench: Bench
) -> None:
    server.set("/large", Reply(LARGE, etag='"v1"'))
    assert bench.content(source(server.url("/large"))) == LARGE
    assert len(server.requests) == 1


def test_an_empty_object_has_no_range(server: ScriptedServer, bench: Bench) -> None:
    no_range = Reply(status=416, headers={"Content-Range": "bytes */0"})
    server.set("/empty", [no_range, Reply(b"", etag='"v1"')])
    assert bench.content(source(server.url("/empty"))) == b""
    assert ["Range" in request.headers for request in server.requests] == [True, False]


@pytest.mark.parametrize("headers", [{}, {"ETag": 'W/"v1"'}])
def test_what_nothing_pins_comes_all_at_once(bench: Bench, headers: dict[str, str]) -> None:
    with RangeServer(LARGE, headers) as server:
        assert bench.content(source(server.url())) == LARGE
        assert ["Range" in request.headers for request in server.requests] == [True, False]


def test_a_date_pins_what_has_no_etag(bench: Bench) -> None:
    date = "Sat, 01 Aug 2026 12:00:00 GMT"
    with RangeServer(LARGE, {"Last-Modified": date}) as server:
        assert bench.content(source(server.url())) == LARGE
        assert {request.headers["If-Range"] for request in server.requests[1:]} == {date}


def test_a_part_that_is_encoded_is_asked_for_again_as_a_whole(bench: Bench) -> None:
    with RangeServer(gzip.compress(SMALL), {**PINNED, "Content-Encoding": "gzip"}) as server:
        assert bench.content(source(server.url())) == SMALL
        assert ["Range" in request.headers for request in server.requests] == [True, False]


def test_a_broken_body_is_gone_on_with(bench: Bench) -> None:
    with (
        RangeServer(LARGE, PINNED) as server,
        # Nobody else may finish the work of the one that breaks off.
        FaultProxy(server.port, [Cut(5_000_000), *[Answer(503)] * 100]) as faults,
    ):
        with pytest.raises(ServerFailed):
            bench.fetch(source(faults.url("/model")))
        faults.set([])
        server.forget_requests()
        assert bench.content(source(faults.url("/model"))) == LARGE
        assert bench.watch.there == 5_000_000
        assert server.requests[0].headers["Range"].startswith("bytes=5000000-")


def test_another_version_is_not_mixed_with_the_first(bench: Bench) -> None:
    with RangeServer(LARGE, PINNED) as server:
        with source(server.url()).open() as opened:
            assert opened is not None
        server.content, server.headers = LARGE[::-1], {"ETag": '"v2"'}
        for start in (0, 1000):
            with (
                pytest.raises(Changed),
                source(server.url()).open(start=start, version=opened.version),
            ):
                pass


def test_a_version_that_is_still_there_is_gone_on_with() -> None:
    with RangeServer(LARGE, PINNED) as server:
        with source(server.url()).open() as first:
            assert first is not None
        with source(server.url()).open(start=1000, version=first.version) as opened:
            assert opened is not None
            assert opened.version == first.version
            assert everything(opened) == LARGE[1000 : 1000 + FIRST_BYTES]


def test_an_answer_that_begins_elsewhere_is_refused(server: ScriptedServer) -> None:
    elsewhere = {"Content-Range": "bytes 5-9/10"}
    server.set("/odd", Reply(b"56789", 206, headers=elsewhere))
    assert refusal(source(server.url("/odd"))).id == "fetch::malformed-response"


def test_a_server_may_ask_for_time(server: ScriptedServer) -> None:
    server.set("/busy", Reply(status=429, headers={"Retry-After": "17"}))
    with pytest.raises(Retryable) as caught:
        fetch(server.url("/busy"))
    assert caught.value.after == 17


def test_an_unchanged_object_is_not_fetched_again(server: ScriptedServer, bench: Bench) -> None:
    assert bench.fetch(source(server.url("/model")), unless_etag='"v1"') is None


def test_the_authorization_is_sent_with_every_request(bench: Bench) -> None:
    with RangeServer(LARGE, PINNED) as server:
        assert bench.content(source(server.url(), "Bearer t0ken")) == LARGE
        sent = {request.headers.get("Authorization") for request in server.requests}
    assert sent == {"Bearer t0ken"}


def test_the_authorization_follows_a_redirect_on_its_own_host(server: ScriptedServer) -> None:
    server.set("/old", redirect("/model"))
    assert read(source(server.url("/old"), "Bearer t0ken")) == SMALL
    assert [r.headers.get("Authorization") for r in server.requests] == ["Bearer t0ken"] * 2


def test_the_authorization_is_not_sent_to_another_host(
    server: ScriptedServer, bench: Bench
) -> None:
    with RangeServer(LARGE, PINNED) as other:
        server.set("/old", redirect(other.url("/signed" + SIGNED)))
        assert bench.content(source(server.url("/old"), "Bearer t0ken")) == LARGE
        assert len(other.requests) > 1
        assert {r.headers.get("Authorization") for r in other.requests} == {None}
        # Those who go on take the way round, for the signature may be over.
        assert {r.path for r in other.requests} == {"/signed" + SIGNED}


def test_no_secret_shows_in_what_is_opened() -> None:
    with (
        RangeServer(LARGE, PINNED) as server,
        source(server.url("/model" + SIGNED), "Bearer t0ken").open() as opened,
    ):
        assert opened is not None
        assert opened.address is not None
        shown = repr(opened)
    assert "5ecre7" not in shown
    assert "t0ken" not in shown


@pytest.mark.parametrize("value", ["Bearer t0k\nen", "Bearer t0kén\u2028"])
def test_an_authorization_that_no_header_can_hold_is_not_shown(
    server: ScriptedServer, value: str
) -> None:
    failure = refusal(source(server.url("/model"), value))
    assert type(failure) is RequestRejected
    assert failure.detail == "reason: the credentials have characters that a header can't have"

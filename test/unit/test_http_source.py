"""Objects behind http:// URLs, from a real server that does what a table says."""

from __future__ import annotations

import gzip
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from socket import gaierror

import pytest

from slugfit.errors import Failure
from slugfit.models.failures import (
    AccessDenied,
    ObjectMissing,
    RequestRejected,
    ServerFailed,
    Truncated,
    Unreachable,
)
from slugfit.models.sources import CHUNK_BYTES, Retryable
from slugfit.models.sources.http import HttpSource
from slugfit.models.sources.reasons import reason
from support.http import Reply, ScriptedServer, failing, redirect
from support.paths import REPOSITORY
from support.processes import free_port
from unit.build_log import error_text
from unit.servers import CannedServer, chunked

MODEL = bytes(range(256)) * 8000
SIGNED = "?X-Amz-Signature=5ecre7&expires=60"
CLASS_NAME = re.compile(r"\b[A-Z][a-z]+[A-Z]\w*|\w+(?:Error|Exception)\b")


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with ScriptedServer({"/model": Reply(MODEL, etag='"v1"')}) as server:
        yield server


def fetch(url: str, etag: str | None = None) -> bytes | None:
    with HttpSource(url).open(etag) as body:
        return b"".join(body.chunks) if body else None


def refusal(url: str) -> Failure:
    """The failure that no other try would cure."""
    with pytest.raises(Failure) as caught:
        fetch(url)
    return caught.value


def invitation(url: str) -> Failure:
    """The failure that another try may cure."""
    with pytest.raises(Retryable) as caught:
        fetch(url)
    return caught.value.failure


def test_a_body_comes_with_its_size_and_etag(server: ScriptedServer) -> None:
    with HttpSource(server.url("/model")).open(None) as body:
        assert body is not None
        assert (body.size, body.etag) == (len(MODEL), '"v1"')
        pieces = list(body.chunks)
    assert b"".join(pieces) == MODEL
    assert max(map(len, pieces)) <= CHUNK_BYTES


def test_a_request_asks_for_the_stored_bytes_and_says_who_asks(server: ScriptedServer) -> None:
    fetch(server.url("/model"))
    (request,) = server.requests
    assert request.headers["Accept-Encoding"] == "identity"
    assert request.headers["User-Agent"] == "slugfit"
    assert "If-None-Match" not in request.headers
    assert "Authorization" not in request.headers


def test_an_unchanged_object_has_no_body(server: ScriptedServer) -> None:
    assert fetch(server.url("/model"), '"v1"') is None
    assert server.requests[0].headers["If-None-Match"] == '"v1"'


def test_a_changed_object_comes_whole(server: ScriptedServer) -> None:
    assert fetch(server.url("/model"), '"v0"') == MODEL


def test_the_query_is_sent_but_never_shown(server: ScriptedServer) -> None:
    source = HttpSource(server.url("/model" + SIGNED))
    with source.open(None) as body:
        assert body is not None
    assert server.requests[0].path == "/model" + SIGNED
    assert source.display == server.url("/model")


def test_neither_fragment_nor_credentials_are_shown() -> None:
    source = HttpSource("https://user:pa55word@host:8080/a%20b?sig=1#token=2")
    assert source.display == "https://host:8080/a%20b"


@pytest.mark.parametrize(
    ("status", "failure", "phrase"),
    [
        (401, AccessDenied, "status: 401 Unauthorized"),
        (403, AccessDenied, "status: 403 Forbidden"),
        (404, ObjectMissing, "status: 404 Not Found"),
        (410, ObjectMissing, "status: 410 Gone"),
        (400, RequestRejected, "status: 400 Bad Request"),
        (416, RequestRejected, "status: 416 Requested Range Not Satisfiable"),
        (204, RequestRejected, "status: 204 No Content"),
        (206, RequestRejected, "status: 206 Partial Content"),
        (300, RequestRejected, "status: 300 Multiple Choices"),
    ],
)
def test_what_no_other_try_would_cure(
    server: ScriptedServer, status: int, failure: type[Failure], phrase: str
) -> None:
    server.set("/no", Reply(status=status))
    found = refusal(server.url("/no" + SIGNED))
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
    server.set("/busy", failing(1, Reply(MODEL), status))
    found = invitation(server.url("/busy" + SIGNED))
    assert type(found) is ServerFailed
    assert f"{server.url('/busy')}\n{phrase}\n\n" in error_text(found)
    assert "5ecre7" not in error_text(found) + str(found)
    assert fetch(server.url("/busy")) == MODEL


def test_a_missing_object_reads_so() -> None:
    failure = ObjectMissing("https://host/model", "status: 404 Not Found")
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
https://github.com/slugfit/slugfit#fetchobject-missing
"""
    )


def test_denied_access_reads_so() -> None:
    failure = AccessDenied("https://host/model", "status: 403 Forbidden")
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

For more information, see:
https://github.com/slugfit/slugfit#fetchaccess-denied
"""
    )


def test_a_rejected_request_reads_so() -> None:
    failure = RequestRejected("https://host/model", "status: 400 Bad Request")
    assert failure.kind == "user"
    assert (
        error_text(failure)
        == """\
Error: The store rejects the request for a model.

https://host/model
status: 400 Bad Request

To fix this:
1. Check the source's URL, the region (AWS_REGION) and AWS_ENDPOINT_URL.

For more information, see:
https://github.com/slugfit/slugfit#fetchrequest-rejected
"""
    )


def test_a_server_that_fails_reads_so() -> None:
    failure = ServerFailed("https://host/model", "status: 503 Service Unavailable")
    assert failure.kind == "upstream"
    assert (
        error_text(failure)
        == """\
Error: The store of a model fails to answer the request.

https://host/model
status: 503 Service Unavailable

This is often temporary. Build again; if it persists, check:
1. the provider's status page.

For more information, see:
https://github.com/slugfit/slugfit#fetchserver-failed
"""
    )


def test_a_refused_connection_reads_so() -> None:
    url = f"http://127.0.0.1:{free_port()}/model"
    failure = invitation(url + SIGNED)
    assert failure.kind == "upstream"
    assert str(failure) == f"The store of a model can't be reached: {url}"
    assert (
        error_text(failure)
        == f"""\
Error: The store of a model can't be reached.

{url}
reason: Connection refused

This is often temporary. Build again; if it persists, check:
1. the host's name in the source, and AWS_ENDPOINT_URL if it is set;
2. the provider's status page.

For more information, see:
https://github.com/slugfit/slugfit#fetchunreachable
"""
    )


def test_a_server_that_hangs_up_without_a_word_may_answer_next_time(server: ScriptedServer) -> None:
    server.set("/silent", Reply(hang_up=True))
    failure = invitation(server.url("/silent" + SIGNED))
    assert type(failure) is Unreachable
    assert failure.detail.startswith("reason: ")
    assert not CLASS_NAME.search(failure.detail)
    assert "5ecre7" not in failure.detail


def test_an_answer_that_is_no_http_may_be_better_next_time() -> None:
    with CannedServer(b"SSH-2.0-OpenSSH_9.9\r\n") as server:
        failure = invitation(server.url + "/model" + SIGNED)
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
    server.set("/cut", [Reply(MODEL, truncate_at=1000), Reply(MODEL)])
    failure = invitation(server.url("/cut" + SIGNED))
    assert isinstance(failure, Truncated)
    assert failure.source == server.url("/cut")
    assert failure.size == len(MODEL)
    assert failure.detail == "reason: the connection closed after 1000 bytes"
    assert fetch(server.url("/cut")) == MODEL


def test_a_body_without_a_length_comes_whole() -> None:
    answer = chunked(b"one ", b"two ", b"three")
    with CannedServer(answer) as server, HttpSource(server.url).open(None) as body:
        assert body is not None
        assert (body.size, body.etag) == (None, None)
        assert b"".join(body.chunks) == b"one two three"


def test_a_body_without_a_length_that_breaks_off_is_noticed() -> None:
    with CannedServer(chunked(b"one ", b"two ").removesuffix(b"0\r\n\r\n")) as server:
        failure = invitation(server.url)
    assert isinstance(failure, Truncated)
    assert failure.size is None
    assert not CLASS_NAME.search(failure.detail)


def test_a_body_that_ends_with_the_connection_comes_whole() -> None:
    with CannedServer(b"HTTP/1.0 200 OK\r\n\r\nto the end") as server:
        assert fetch(server.url) == b"to the end"


def test_a_length_that_is_no_number_counts_as_none() -> None:
    answer = b"HTTP/1.0 200 OK\r\nContent-Length: much\r\n\r\nall"
    with CannedServer(answer) as server, HttpSource(server.url).open(None) as body:
        assert body is not None
        assert (body.size, b"".join(body.chunks)) == (None, b"all")


def test_an_encoding_that_nobody_asked_for_is_undone(server: ScriptedServer) -> None:
    server.set("/packed", Reply(gzip.compress(MODEL), headers={"Content-Encoding": "gzip"}))
    with HttpSource(server.url("/packed")).open(None) as body:
        assert body is not None
        # The announced length is that of the encoded bytes, of which nobody asks.
        assert body.size is None
        assert b"".join(body.chunks) == MODEL


def test_an_encoding_that_breaks_off_is_noticed(server: ScriptedServer) -> None:
    packed = Reply(gzip.compress(MODEL), headers={"Content-Encoding": "gzip"}, truncate_at=30)
    server.set("/packed", packed)
    failure = invitation(server.url("/packed"))
    assert isinstance(failure, Truncated)
    assert failure.detail == "reason: the connection closed after 30 bytes"


def test_an_encoding_that_is_another_than_it_says_is_noticed(server: ScriptedServer) -> None:
    server.set("/packed", Reply(MODEL, headers={"Content-Encoding": "gzip"}))
    failure = invitation(server.url("/packed"))
    assert isinstance(failure, Truncated)
    assert not CLASS_NAME.search(failure.detail)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_followed(server: ScriptedServer, status: int) -> None:
    server.set("/old", redirect("/model", status))
    assert fetch(server.url("/old")) == MODEL
    assert fetch(server.url("/old"), '"v1"') is None


def test_a_redirect_to_another_host_is_followed(server: ScriptedServer) -> None:
    with ScriptedServer({"/signed": Reply(b"from elsewhere")}) as other:
        server.set("/old", redirect(other.url("/signed" + SIGNED)))
        source = HttpSource(server.url("/old"))
        with source.open(None) as body:
            assert body is not None
            assert b"".join(body.chunks) == b"from elsewhere"
    assert source.display == server.url("/old")


def test_a_redirect_that_goes_round_in_a_circle_is_refused(server: ScriptedServer) -> None:
    server.set("/a", redirect("/b" + SIGNED))
    server.set("/b", redirect("/a" + SIGNED))
    failure = refusal(server.url("/a"))
    assert type(failure) is RequestRejected
    assert failure.source == server.url("/a")
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
    failure = refusal(server.url("/old"))
    assert type(failure) is RequestRejected
    assert not CLASS_NAME.search(failure.detail)
    assert "5ecre7" not in failure.detail


def test_a_redirect_without_a_destination_is_refused(server: ScriptedServer) -> None:
    server.set("/old", Reply(status=302))
    failure = refusal(server.url("/old"))
    assert type(failure) is RequestRejected
    assert failure.detail == "status: 302 Found"


def test_whoever_stops_reading_leaves_no_connection_behind(server: ScriptedServer) -> None:
    with HttpSource(server.url("/model")).open(None) as body:
        assert body is not None
        next(body.chunks)
    assert fetch(server.url("/model")) == MODEL


_FETCH = """
import sys
from slugfit.models.sources.http import HttpSource
with HttpSource(sys.argv[1]).open(None) as body:
    sys.stdout.buffer.write(b"".join(body.chunks))
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
    assert child.stdout == MODEL
    assert [r.headers.get("Authorization") for r in server.requests] == [None] * len(
        server.requests
    )

"""Blobs in Azure Blob Storage, from Microsoft's own emulator, and from servers that speak as it."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from slugfit.base.errors import Failure
from slugfit.base.http import Connection, Network
from slugfit.local.servers import free_port
from slugfit.stores import FIRST_BYTES, Changed, Retryable
from slugfit.stores.azure import AzureSettings, AzureUrl
from slugfit.stores.azure_client import AzureBlob, AzurePrefix
from slugfit.stores.failures import FetchFailure
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
)
from support import azure as emulator
from support.azure import ACCOUNT, AzureServer
from support.build_log import error_text
from support.faults import Answer, Cut, FaultProxy
from support.fetching import LARGE, SMALL, Bench, everything, read, refusal, retryable
from support.http import Reply, ScriptedServer
from support.servers import RangeServer

DIRECTORY = {"a.bin": b"a", "b/c d.bin": b"cd", "b/größe?#%.bin": b"odd"}
KEY = base64.b64encode(b"k" * 64).decode()
SAS = "sv=2021-12-02&sr=c&sp=rl&se=2030-01-01T00%3A00%3A00Z&sig=5ecre7%3D"


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


@pytest.fixture(scope="module")
def started() -> Iterator[AzureServer]:
    if why := emulator.missing():
        pytest.skip(why)
    with AzureServer() as server:
        for container, public in (("models", False), ("public", True)):
            server.create_container(container, public=public)
            server.put(container, "small.tflite", SMALL)
            server.put(container, "dir/large.onnx", LARGE)
        for name, content in DIRECTORY.items():
            server.put("models", f"many/{name}", content)
        yield server


@pytest.fixture
def azure(started: AzureServer) -> AzureServer:
    started.forget_requests()
    return started


def by_key(azure: AzureServer) -> AzureSettings:
    return AzureSettings(azure.endpoint, key=azure.key)


def by_sas(azure: AzureServer) -> AzureSettings:
    return AzureSettings(azure.endpoint, sas_token=azure.sas("models"))


def by_nothing(azure: AzureServer) -> AzureSettings:
    return AzureSettings(azure.endpoint)


def blob(settings: AzureSettings, name: str, container: str = "models") -> AzureBlob:
    return AzureBlob(AzureUrl(ACCOUNT, container, name), settings, time.time)


def prefix(settings: AzureSettings, name: str, container: str = "models") -> AzurePrefix:
    return AzurePrefix(AzureUrl(ACCOUNT, container, name), settings, time.time)


def somewhere(endpoint: str, *, key: str | None = None, sas: str | None = SAS) -> AzureBlob:
    settings = AzureSettings(endpoint, key, None if key else sas)
    return AzureBlob(AzureUrl("acc", "c", "m"), settings, time.time)


@pytest.mark.parametrize("settings", [by_key, by_sas])
def test_a_large_blob_comes_in_ranges_of_one_version(
    azure: AzureServer, bench: Bench, settings: Callable[[AzureServer], AzureSettings]
) -> None:
    assert bench.content(blob(settings(azure), "dir/large.onnx")) == LARGE
    first, *others = azure.requests
    assert first.headers["Range"] == f"bytes=0-{FIRST_BYTES - 1}"
    assert others
    assert all(request.headers["If-Match"].startswith('"0x') for request in others)
    assert {request.path for request in azure.requests} == {first.path}
    assert {request.headers["x-ms-version"] for request in azure.requests} == {"2021-12-02"}


def test_a_small_blob_comes_in_one_request(azure: AzureServer, bench: Bench) -> None:
    assert bench.content(blob(by_key(azure), "small.tflite")) == SMALL
    assert len(azure.requests) == 1


def test_a_public_blob_is_read_without_a_token(azure: AzureServer, bench: Bench) -> None:
    assert bench.content(blob(by_nothing(azure), "dir/large.onnx", "public")) == LARGE
    assert {request.path for request in azure.requests} == {f"/{ACCOUNT}/public/dir/large.onnx"}


def test_an_empty_blob_comes(azure: AzureServer, bench: Bench) -> None:
    azure.put("models", "empty", b"")
    assert bench.content(blob(by_key(azure), "empty")) == b""


def test_a_token_goes_before_a_key(azure: AzureServer) -> None:
    settings = replace(by_sas(azure), key="no key")
    assert read(blob(settings, "small.tflite")) == SMALL


def test_an_account_has_an_address_of_its_own() -> None:
    source = AzureBlob(AzureUrl("acc", "c", "a b"), AzureSettings(), time.time)
    assert source.request(None, None)[0] == "https://acc.blob.core.windows.net/c/a%20b"
    assert source.url.display == "az://acc/c/a b"


def test_an_unchanged_blob_is_not_fetched_again(azure: AzureServer, bench: Bench) -> None:
    source = blob(by_key(azure), "small.tflite")
    with source.open() as opened:
        assert opened is not None
        etag = opened.version.etag
    assert read(source, etag) is None
    assert bench.fetch(source, unless_etag=etag) is None


def test_a_changed_blob_comes_whole(azure: AzureServer) -> None:
    assert read(blob(by_key(azure), "small.tflite"), "0x0") == SMALL


def test_another_version_is_not_mixed_with_the_first(azure: AzureServer) -> None:
    azure.put("models", "moving", LARGE)
    source = blob(by_key(azure), "moving")
    with source.open() as opened:
        assert opened is not None
    azure.put("models", "moving", LARGE[::-1])
    for start in (0, 1000):
        with pytest.raises(Changed), source.open(start=start, version=opened.version):
            pass


def test_a_broken_blob_is_gone_on_with(azure: AzureServer, bench: Bench) -> None:
    port = int(azure.endpoint.rpartition(":")[2].partition("/")[0])
    with FaultProxy(port, [Cut(5_000_000), *[Answer(503)] * 100]) as faults:
        settings = replace(by_key(azure), endpoint=faults.url(f"/{ACCOUNT}"))
        source = blob(settings, "dir/large.onnx")
        with pytest.raises(ServerFailed):
            bench.fetch(source)
        faults.set([])
        assert bench.content(source) == LARGE
    assert bench.watch.there == 5_000_000


def test_what_is_stored_encoded_arrives_as_stored(bench: Bench) -> None:
    with RangeServer(LARGE, {"ETag": '"0x1"', "Content-Encoding": "gzip"}) as server:
        assert bench.content(somewhere(server.url(""))) == LARGE


def test_a_missing_blob_reads_so(azure: AzureServer) -> None:
    failure = refusal(blob(by_key(azure), "dir/no.onnx"))
    assert type(failure) is ObjectMissing
    assert (
        error_text(failure)
        == f"""\
Error: A model is not where the configuration says.

az://{ACCOUNT}/models/dir/no.onnx
status: 404 The specified blob does not exist.
Azure code: BlobNotFound

To fix this:
1. Compare the name, upper and lower case included, with what is stored:
   az storage blob list --output table --account-name {ACCOUNT} --container-name models
2. Upload the model, then build again.

For more information, see:
https://github.com/slugfit/slugfit/blob/main/docs/errors.md#fetchobject-missing
"""
    )


def test_a_missing_container_reads_so(azure: AzureServer) -> None:
    failure = refusal(blob(by_key(azure), "m", "nothing"))
    assert type(failure) is BucketMissing
    assert (
        error_text(failure)
        == f"""\
Error: The container of a model does not exist.

az://{ACCOUNT}/nothing/m
status: 404 The specified container does not exist.
Azure code: ContainerNotFound

To fix this:
1. Compare the container's name with those of the account:
   az storage container list --output table --account-name …

For more information, see:
https://github.com/slugfit/slugfit/blob/main/docs/errors.md#fetchbucket-missing
"""
    )


# What Azure says, as people report it.
def said(status: int, code: str, detail: str = "") -> Reply:
    text = f"<Error><Code>{code}</Code><Message>Said by Azure.</Message>"
    if detail:
        text += f"<AuthenticationErrorDetail>{detail}</AuthenticationErrorDetail>"
    return Reply(f"{text}</Error>".encode(), status, {"x-ms-error-code": code})


_EXPIRED = (
    "Signed expiry time [Thu, 01 Jan 2026 00:00:00 GMT] must be after signed start time "
    "[Sat, 01 Aug 2026 12:00:00 GMT]"
)
_FRAME = (
    "Signature not valid in the specified time frame: Start [Fri, 22 May 2026 18:45:17 GMT] - "
    "Expiry [Tue, 30 Jun 2026 18:45:00 GMT] - Current [Tue, 30 Jun 2026 19:27:39 GMT]"
)
_MISMATCH = "Signature did not match. String to sign used was r\n\n2026\n/blob/acc/c"


@pytest.mark.parametrize(
    ("reply", "failure"),
    [
        (said(403, "AuthenticationFailed", _EXPIRED), CredentialsExpired),
        (said(403, "AuthenticationFailed", _FRAME), CredentialsExpired),
        (said(403, "AuthenticationFailed", _MISMATCH), CredentialsWrong),
        (said(403, "AuthenticationFailed", "Request date header too old: 'x'"), ClockSkewed),
        (said(400, "InvalidAuthenticationInfo"), CredentialsWrong),
        (said(403, "AuthorizationPermissionMismatch"), AccessDenied),
        (said(403, "AuthorizationFailure"), AccessDenied),
        (said(403, "AccountIsDisabled"), AccessDenied),
        (said(401, "NoAuthenticationInformation"), AccessDenied),
        (said(409, "PublicAccessNotPermitted"), AccessDenied),
        (said(404, "ResourceNotFound"), ObjectMissing),
        (said(404, "ContainerNotFound"), BucketMissing),
        (said(409, "BlobArchived"), RequestRejected),
    ],
)
def test_what_azure_says(reply: Reply, failure: type[Failure]) -> None:
    with ScriptedServer({"/c/m": reply}) as server:
        found = refusal(somewhere(server.url("")))
    assert isinstance(found, FetchFailure)
    assert type(found) is failure
    code = reply.headers["x-ms-error-code"]
    assert f"status: {reply.status} " in found.detail
    assert f"\nAzure code: {code}" in found.detail
    assert "5ecre7" not in error_text(found) + repr(found)


def test_a_private_container_hides_from_strangers() -> None:
    with ScriptedServer({"/c/m": said(404, "ResourceNotFound")}) as server:
        assert type(refusal(somewhere(server.url(""), sas=None))) is AccessDenied


def test_a_token_that_was_just_made_can_only_be_too_old_if_a_clock_is_wrong() -> None:
    with ScriptedServer({"/c/m": said(403, "AuthenticationFailed", _EXPIRED)}) as server:
        assert type(refusal(somewhere(server.url(""), key=KEY))) is ClockSkewed


@pytest.mark.parametrize(
    "reply", [said(503, "ServerBusy"), said(500, "OperationTimedOut"), said(500, "InternalError")]
)
def test_a_store_that_is_busy_is_asked_again(reply: Reply) -> None:
    with ScriptedServer({"/c/m": reply}) as server:
        assert type(retryable(somewhere(server.url("")))) is ServerFailed


def test_a_token_whose_time_is_over_reads_so() -> None:
    with ScriptedServer({"/c/m": said(403, "AuthenticationFailed", _EXPIRED)}) as server:
        failure = refusal(somewhere(server.url("")))
    assert (
        error_text(failure)
        == f"""\
Error: The key for a model's container has expired.

az://acc/c/m
status: 403 Forbidden
Azure code: AuthenticationFailed
Azure says: {_EXPIRED}

A SAS token is valid for the period that was chosen when it was made.

To fix this:
1. Make a new SAS token with a later expiry time:
   heroku config:set AZURE_STORAGE_SAS_TOKEN=…

For more information, see:
https://github.com/slugfit/slugfit/blob/main/docs/errors.md#fetchcredentials-expired
"""
    )


def test_a_wrong_key_reads_so() -> None:
    with ScriptedServer({"/c/m": said(403, "AuthenticationFailed", _MISMATCH)}) as server:
        failure = refusal(somewhere(server.url(""), key=KEY))
    assert (
        error_text(failure)
        == """\
Error: The store does not accept the key for a model.

az://acc/c/m
status: 403 Forbidden
Azure code: AuthenticationFailed

To fix this:
1. Compare the key with that of the account in the source. A trailing space or line
   break makes it invalid:
   heroku config:set AZURE_STORAGE_KEY=…
2. If the app has a SAS token, make a new one: it ends with its key.
   heroku config:set AZURE_STORAGE_SAS_TOKEN=…

For more information, see:
https://github.com/slugfit/slugfit/blob/main/docs/errors.md#fetchcredentials-wrong
"""
    )


def test_denied_access_reads_so() -> None:
    with ScriptedServer({"/c/m": said(403, "AuthorizationPermissionMismatch")}) as server:
        failure = refusal(somewhere(server.url("")))
    assert (
        error_text(failure)
        == """\
Error: The store denies access to a model.

az://acc/c/m
status: 403 Forbidden
Azure code: AuthorizationPermissionMismatch

To clients without credentials, Azure says that a private container does not
exist, or that it is not public.

To fix this:
1. Give the app a SAS token that may read, and list for a directory:
   heroku config:set AZURE_STORAGE_SAS_TOKEN=…
2. Or give it the account's key:
   heroku config:set AZURE_STORAGE_KEY=…
3. Check that the account's firewall allows builds, whose addresses change.

For more information, see:
https://github.com/slugfit/slugfit/blob/main/docs/errors.md#fetchaccess-denied
"""
    )


def test_a_key_that_is_none_is_told_apart_and_not_shown(azure: AzureServer) -> None:
    settings = AzureSettings(azure.endpoint, key="s3cr3t")
    for ask in (lambda: read(blob(settings, "m")), lambda: prefix(settings, "d/").list()):
        with pytest.raises(CredentialsWrong) as caught:
            ask()
        assert caught.value.detail == "reason: the key is not base64"
        assert "s3cr3t" not in error_text(caught.value) + repr(caught.value)


def test_an_account_that_nobody_hears_reads_so() -> None:
    endpoint = f"http://127.0.0.1:{free_port()}"
    failure = retryable(somewhere(endpoint))
    assert type(failure) is Unreachable
    assert failure.detail == "reason: Connection refused"
    assert "AZURE_STORAGE_SERVICE_ENDPOINT" in error_text(failure)
    with pytest.raises(Retryable) as caught:
        prefix(AzureSettings(endpoint, sas_token=SAS), "d/").list()
    assert isinstance(caught.value.failure, Unreachable)
    assert caught.value.failure.detail == "reason: Connection refused"


def test_no_secret_shows_in_what_is_opened(azure: AzureServer) -> None:
    with blob(by_key(azure), "dir/large.onnx").open() as opened:
        assert opened is not None
        assert opened.address is not None
        assert "sig=" in opened.address.url
        assert "sig=" not in repr(opened)


@pytest.mark.parametrize("settings", [by_key, by_sas])
def test_a_directory_is_listed_relative_to_itself(
    azure: AzureServer, settings: Callable[[AzureServer], AzureSettings]
) -> None:
    azure.put("models", "many/folder/", b"")
    entries = prefix(settings(azure), "many/").list()
    assert [entry.path for entry in entries] == sorted(DIRECTORY)
    for entry in entries:
        assert read(entry.source) == DIRECTORY[entry.path]


def test_a_listing_tells_versions_and_addresses(azure: AzureServer) -> None:
    for entry in prefix(by_key(azure), "many/").list():
        with entry.source.open(version=entry.version) as opened:
            assert opened is not None
            assert opened.version == entry.version
            assert everything(opened) == DIRECTORY[entry.path]
        assert entry.address is not None
        with closing(Connection(Network())) as line:
            answer = line.get(entry.address.url, entry.address.headers)
            assert (answer.status, answer.read(100)) == (200, DIRECTORY[entry.path])


@pytest.mark.parametrize(
    ("reply", "failure"),
    [
        (said(404, "ContainerNotFound"), BucketMissing),
        (said(403, "AuthenticationFailed", _EXPIRED), CredentialsExpired),
        (said(403, "AuthorizationPermissionMismatch"), AccessDenied),
    ],
)
def test_what_can_not_be_listed(reply: Reply, failure: type[FetchFailure]) -> None:
    with ScriptedServer({"/models": reply}) as server:
        listing = prefix(AzureSettings(server.url(""), sas_token=SAS), "many/")
        with pytest.raises(failure) as caught:
            listing.list()
        assert len(server.requests) == 1
    assert f"Azure code: {reply.headers['x-ms-error-code']}" in caught.value.detail
    assert "5ecre7" not in error_text(caught.value)


def test_a_store_that_is_too_busy_to_list_is_asked_again() -> None:
    with ScriptedServer({"/models": said(503, "ServerBusy")}) as server:
        listing = prefix(AzureSettings(server.url(""), sas_token=SAS), "many/")
        with pytest.raises(Retryable) as caught:
            listing.list()
        assert len(server.requests) == 1
    assert type(caught.value.failure) is ServerFailed


# As accounts with a hierarchical namespace list their directories.
_BLOB = (
    "<Blob><Name>many/{}</Name><Properties><Etag>0x1</Etag><Content-Length>1</Content-Length>"
    "<BlobType>BlockBlob</BlobType></Properties><Metadata>{}</Metadata></Blob>"
)
_PAGE = (
    '<?xml version="1.0" encoding="utf-8"?><EnumerationResults><Blobs>{}</Blobs>'
    "<NextMarker>{}</NextMarker></EnumerationResults>"
)


def test_a_listing_comes_in_pages_and_a_directory_in_it_is_no_file() -> None:
    folder = _BLOB.format("sub", "<hdi_isfolder>true</hdi_isfolder>")
    pages = [
        _PAGE.format(folder + _BLOB.format("sub/b", ""), "m/2"),
        _PAGE.format(_BLOB.format("a", ""), ""),
    ]
    xml = {"Content-Type": "application/xml"}
    with ScriptedServer({"/models": [Reply(p.encode(), headers=xml) for p in pages]}) as server:
        entries = prefix(AzureSettings(server.url(""), sas_token=SAS), "many/").list()
        assert "marker=m%2F2" in server.requests[1].path
    assert [entry.path for entry in entries] == ["a", "sub/b"]
    assert [entry.version.etag for entry in entries] == ["0x1", "0x1"]

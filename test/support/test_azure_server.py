"""The Azure server is Microsoft's own emulator, and sees every request."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from azure.core.exceptions import HttpResponseError
from azure.storage.blob import BlobServiceClient

from slugfit.local.client import Client, Response
from slugfit.local.servers import is_listening
from support.azure import AzureServer, missing
from support.faults import Cut, FaultProxy

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing())

MODEL = bytes(range(256)) * 400


@pytest.fixture(scope="module")
def server() -> Iterator[AzureServer]:
    with AzureServer() as server:
        server.create_container("models")
        server.create_container("open", public=True)
        yield server


@pytest.fixture
def azure(server: AzureServer) -> AzureServer:
    """The server, with one blob in place and no requests seen."""
    server.put("models", "digits/model", MODEL)
    server.forget_requests()
    return server


def get(azure: AzureServer, target: str, **headers: str) -> Response:
    """What the server answers; `_` in the names of headers stands for `-`."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    port = int(azure.endpoint.split(":")[2].split("/")[0])
    return Client(port).get(f"/devstoreaccount1/{target}", named)


def test_a_blob_comes_back_by_the_accounts_key(azure: AzureServer, tmp_path: Path) -> None:
    (tmp_path / "model").write_bytes(MODEL[::-1])
    azure.put("models", "digits/other", tmp_path / "model")
    config = azure.config
    with BlobServiceClient(
        config["AZURE_STORAGE_SERVICE_ENDPOINT"], credential=config["AZURE_STORAGE_KEY"]
    ) as client:
        blob = client.get_blob_client("models", "digits/other")
        assert blob.download_blob().readall() == MODEL[::-1]
    assert [request.method for request in azure.requests] == ["GET"]


def test_another_key_is_refused(azure: AzureServer) -> None:
    with (
        BlobServiceClient(azure.endpoint, credential="b3RoZXI=") as client,
        pytest.raises(HttpResponseError, match="AuthorizationFailure"),
    ):
        client.get_blob_client("models", "digits/model").download_blob()


def test_a_sas_token_reads_and_lists_until_it_expires(azure: AzureServer) -> None:
    sas = azure.sas("models")
    assert get(azure, f"models/digits/model?{sas}").body == MODEL
    listing = get(azure, f"models?restype=container&comp=list&prefix=digits/&{sas}")
    assert "<Name>digits/model</Name>" in listing.text
    assert get(azure, f"open?restype=container&comp=list&{sas}").status == 403
    late = get(azure, f"models/digits/model?{azure.sas('models', seconds=-60)}")
    assert (late.status, late.headers["x-ms-error-code"]) == (403, "AuthorizationFailure")


def test_a_blob_comes_in_parts_of_one_version(azure: AzureServer) -> None:
    target = f"models/digits/model?{azure.sas('models')}"
    first = get(azure, target, x_ms_version="2021-12-02", Range="bytes=0-99")
    assert (first.status, first.body) == (206, MODEL[:100])
    assert first.headers["content-range"] == "bytes 0-99/102400"
    etag = first.headers["etag"]
    beyond = get(azure, target, x_ms_version="2021-12-02", Range="bytes=102400-")
    assert (beyond.status, beyond.headers["x-ms-error-code"]) == (416, "InvalidRange")
    assert beyond.headers["Content-Range"] == "bytes */102400"
    azure.put("models", "empty", b"")
    nothing = f"models/empty?{azure.sas('models')}"
    assert get(azure, nothing, x_ms_version="2021-12-02", Range="bytes=0-99").status == 416
    assert get(azure, nothing).body == b""
    assert get(azure, target, If_None_Match=etag).status == 304
    azure.put("models", "digits/model", b"new")
    changed = get(azure, target, If_Match=etag, Range="bytes=100-199")
    assert (changed.status, changed.headers["x-ms-error-code"]) == (412, "ConditionNotMet")


def test_public_blobs_want_no_key_and_others_do(azure: AzureServer) -> None:
    azure.put("open", "model", MODEL)
    assert get(azure, "open/model").body == MODEL
    assert get(azure, "models/digits/model").status == 403


@pytest.mark.parametrize(
    ("target", "code"),
    [("models/none", "BlobNotFound"), ("nothing/model", "ContainerNotFound")],
)
def test_errors_are_those_of_azure(azure: AzureServer, target: str, code: str) -> None:
    container, _, blob = target.partition("/")
    with (
        BlobServiceClient(azure.endpoint, credential=azure.key) as client,
        pytest.raises(HttpResponseError) as error,
    ):
        client.get_blob_client(container, blob).download_blob()
    assert error.value.status_code == 404
    assert code in str(error.value)


def test_a_deleted_blob_is_gone(azure: AzureServer) -> None:
    azure.delete("models", "digits/model")
    assert get(azure, f"models/digits/model?{azure.sas('models')}").status == 404


def test_faults_can_stand_before_the_server(azure: AzureServer) -> None:
    port = int(azure.endpoint.split(":")[2].split("/")[0])
    with FaultProxy(port, [Cut(after=50_000)]) as faults:
        url = faults.url("/devstoreaccount1")
        with BlobServiceClient(url, credential=azure.key) as client:
            blob = client.get_blob_client("models", "digits/model")
            assert blob.download_blob().readall() == MODEL
        assert faults.faults == [Cut(after=50_000)]


def test_the_server_is_gone_afterwards() -> None:
    with AzureServer() as server:
        ports = [server._proxy.port, server._emulator.port]
        assert all(map(is_listening, ports))
    assert not any(map(is_listening, ports))

"""The Google Cloud Storage server keeps generations, conditions and private buckets."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from google.auth.exceptions import RefreshError
from google.auth.transport.requests import Request as Transport
from google.oauth2 import service_account

from slugfit.local.client import Client, Response
from slugfit.local.servers import is_listening
from support.gcs import GcsServer

MODEL = bytes(range(256)) * 400
OBJECT = "/storage/v1/b/models/o/digits%2Fmodel"
READ = "https://www.googleapis.com/auth/devstorage.read_only"


@pytest.fixture(scope="module")
def server() -> Iterator[GcsServer]:
    with GcsServer() as server:
        server.create_bucket("models")
        server.create_bucket("secret", private=True)
        server.put("secret", "model", MODEL)
        yield server


@pytest.fixture
def gcs(server: GcsServer) -> GcsServer:
    """The server, with one object in place and no requests seen."""
    server.put("models", "digits/model", MODEL)
    server.forget_requests()
    return server


def get(gcs: GcsServer, target: str, **headers: str) -> Response:
    """What the server answers; `_` in the names of headers stands for `-`."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Client(int(gcs.endpoint.rpartition(":")[2])).get(target, named)


def token(gcs: GcsServer, scope: str = READ) -> str:
    """A token, as Google's own library gets it."""
    info = gcs.service_account
    credentials = service_account.Credentials.from_service_account_info(info, scopes=[scope])  # type: ignore[no-untyped-call]
    credentials.refresh(Transport())
    return str(credentials.token)


def test_an_object_has_metadata_a_generation_and_hashes(gcs: GcsServer, tmp_path: Path) -> None:
    (tmp_path / "model").write_bytes(MODEL)
    generation = gcs.put("models", "digits/model", tmp_path / "model")
    metadata = get(gcs, OBJECT).json()
    assert (metadata["size"], metadata["generation"]) == (str(len(MODEL)), generation)
    answer = get(gcs, f"{OBJECT}?alt=media")
    assert (answer.status, answer.body) == (200, MODEL)
    assert answer.headers["X-Goog-Generation"] == generation
    assert answer.headers["Etag"] == f'"{metadata["etag"]}"'
    hashes = f"crc32c={metadata['crc32c']},md5={metadata['md5Hash']}"
    assert answer.headers["X-Goog-Hash"] == hashes


@pytest.mark.parametrize("root", ["", "/download"])
def test_an_object_comes_in_parts(gcs: GcsServer, root: str) -> None:
    target = f"{root}{OBJECT}?alt=media"
    for asked, part in [
        ("bytes=5-9", MODEL[5:10]),
        ("bytes=102390-999999", MODEL[102390:]),
        ("bytes=-7", MODEL[-7:]),
    ]:
        answer = get(gcs, target, Range=asked)
        assert (answer.status, answer.body) == (206, part)
    assert get(gcs, target, Range="bytes=102400-").status == 416


def test_a_generation_can_be_asked_for_until_it_is_replaced(gcs: GcsServer) -> None:
    old = get(gcs, OBJECT).json()["generation"]
    assert get(gcs, f"{OBJECT}?alt=media&generation={old}").body == MODEL
    assert get(gcs, f"{OBJECT}?alt=media&ifGenerationMatch={old}").body == MODEL
    assert get(gcs, f"{OBJECT}?alt=media&ifGenerationNotMatch={old}").status == 304
    new = gcs.put("models", "digits/model", b"new")
    assert get(gcs, f"{OBJECT}?alt=media&generation={old}").status == 404
    refused = get(gcs, f"{OBJECT}?alt=media&ifGenerationMatch={old}", Range="bytes=0-9")
    assert (refused.status, refused.json()["error"]["code"]) == (412, 412)
    assert get(gcs, f"{OBJECT}?alt=media&ifGenerationNotMatch={old}").body == b"new"
    assert get(gcs, f"{OBJECT}?alt=media&ifGenerationMatch={new}").body == b"new"


def test_etags_are_conditions_too(gcs: GcsServer) -> None:
    etag = get(gcs, f"{OBJECT}?alt=media").headers["Etag"]
    assert get(gcs, f"{OBJECT}?alt=media", If_None_Match=etag).status == 304
    assert get(gcs, f"{OBJECT}?alt=media", If_None_Match='"other"').status == 200
    assert get(gcs, f"{OBJECT}?alt=media", If_Match=etag).status == 200
    assert get(gcs, f"{OBJECT}?alt=media", If_Match='"other"').status == 412


def test_listings_come_in_pages(gcs: GcsServer) -> None:
    for number in range(5):
        gcs.put("models", f"many/{number}", b"x")
    target, names = "/storage/v1/b/models/o?prefix=many/&maxResults=2", []
    page = get(gcs, target).json()
    names += [entry["name"] for entry in page["items"]]
    while "nextPageToken" in page:
        page = get(gcs, f"{target}&pageToken={page['nextPageToken']}").json()
        names += [entry["name"] for entry in page["items"]]
    assert names == [f"many/{number}" for number in range(5)]
    assert len(gcs.requests) == 3


@pytest.mark.parametrize("target", ["models/o/none", "models/o/none?alt=media", "none/o/model"])
def test_what_is_missing_is_not_found(gcs: GcsServer, target: str) -> None:
    assert get(gcs, f"/storage/v1/b/{target}").status == 404


def test_a_deleted_object_is_gone(gcs: GcsServer) -> None:
    gcs.delete("models", "digits/model")
    assert get(gcs, OBJECT).status == 404


def test_a_private_bucket_wants_a_token_of_the_account(gcs: GcsServer) -> None:
    target = "/storage/v1/b/secret/o/model?alt=media"
    denied = get(gcs, target)
    assert (denied.status, denied.json()["error"]["code"]) == (401, 401)
    assert get(gcs, "/storage/v1/b/secret/o").status == 401
    bearer = f"Bearer {token(gcs)}"
    assert get(gcs, target, Authorization=bearer).body == MODEL
    gcs.tokens.revoke()
    assert get(gcs, target, Authorization=bearer).status == 401
    # As with Google, a bad token is refused even where none is needed.
    assert get(gcs, OBJECT, Authorization=bearer).status == 401


def test_a_token_is_issued_to_the_key_and_scope_of_the_account_only(gcs: GcsServer) -> None:
    with pytest.raises(RefreshError, match="Invalid OAuth scope"):
        token(gcs, scope="https://www.googleapis.com/auth/drive")
    with GcsServer() as other:
        stolen = {**other.service_account, "token_uri": gcs.service_account["token_uri"]}
    credentials = service_account.Credentials.from_service_account_info(stolen, scopes=[READ])  # type: ignore[no-untyped-call]
    with pytest.raises(RefreshError, match="Invalid JWT Signature"):
        credentials.refresh(Transport())


def test_the_account_reads_as_a_key_file(gcs: GcsServer) -> None:
    assert json.loads(json.dumps(gcs.service_account))["type"] == "service_account"
    assert gcs.config == {"STORAGE_EMULATOR_HOST": gcs.endpoint}


def test_the_server_is_gone_afterwards() -> None:
    with GcsServer() as server:
        ports = [int(server.endpoint.rpartition(":")[2]), server._emulator.port, server.tokens.port]
        assert all(map(is_listening, ports))
    assert not any(map(is_listening, ports))

"""The S3 server is a real one, and sees every request."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from slugfit.local.servers import is_listening
from support.s3 import S3Server


@pytest.fixture(scope="module")
def s3() -> Iterator[S3Server]:
    """A server with one bucket."""
    with S3Server() as server:
        server.create_bucket("models")
        yield server


def client(server: S3Server, **credentials: str) -> Any:
    """Return a client that speaks to the server's endpoint."""
    return boto3.client(
        "s3",
        endpoint_url=server.endpoint,
        region_name=server.config["AWS_REGION"],
        aws_access_key_id=credentials.get("key", server.access_key),
        aws_secret_access_key=credentials.get("secret", server.secret_key),
    )


def test_objects_come_back_as_they_were_put(s3: S3Server, tmp_path: Path) -> None:
    body = bytes(range(256)) * 10_000
    (tmp_path / "model").write_bytes(body)
    s3.put("models", "digits/model.tflite", tmp_path / "model")
    found = client(s3).get_object(Bucket="models", Key="digits/model.tflite")
    assert found["Body"].read() == body
    digest = hashlib.md5(body, usedforsecurity=False)
    assert found["ETag"] == f'"{digest.hexdigest()}"'


def test_requests_are_recorded_and_uploads_by_the_test_are_not(s3: S3Server) -> None:
    s3.put("models", "small", b"0123456789")
    s3.forget_requests()
    client(s3).get_object(Bucket="models", Key="small", Range="bytes=2-4")
    client(s3).head_object(Bucket="models", Key="small")
    seen = [(request.method, request.path) for request in s3.requests]
    assert seen == [("GET", "/models/small"), ("HEAD", "/models/small")]
    assert s3.requests[0].headers["Range"] == "bytes=2-4"


@pytest.mark.parametrize(
    ("bucket", "key", "credentials", "code"),
    [
        ("models", "missing", {}, "NoSuchKey"),
        ("no-such-bucket", "any", {}, "NoSuchBucket"),
        ("models", "any", {"secret": "wrong"}, "SignatureDoesNotMatch"),
        ("models", "any", {"key": "AKIAUNKNOWN"}, "InvalidAccessKeyId"),
    ],
)
def test_errors_are_those_of_s3(
    s3: S3Server, bucket: str, key: str, credentials: dict[str, str], code: str
) -> None:
    with pytest.raises(ClientError) as error:
        client(s3, **credentials).get_object(Bucket=bucket, Key=key)
    assert error.value.response["Error"]["Code"] == code


def test_an_unchanged_object_is_not_sent_again(s3: S3Server) -> None:
    s3.put("models", "same", b"same")
    etag = client(s3).head_object(Bucket="models", Key="same")["ETag"]
    with pytest.raises(ClientError, match="304"):
        client(s3).get_object(Bucket="models", Key="same", IfNoneMatch=etag)


def test_the_server_is_gone_afterwards() -> None:
    with S3Server() as server:
        ports = [int(server.endpoint.rpartition(":")[2]), server._gateway.port]
        assert all(map(is_listening, ports))
    assert not any(map(is_listening, ports))

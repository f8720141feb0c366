"""Objects in S3 and in stores that speak its protocol."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

import boto3
import botocore.session
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as S3ConnectionError

from slugfit.models.failures import (
    AccessDenied,
    ObjectMissing,
    RequestRejected,
    ServerFailed,
    Truncated,
    Unreachable,
)
from slugfit.models.sources import CHUNK_BYTES, Body, Retryable
from slugfit.models.sources.reasons import reason
from slugfit.settings.model import S3Credentials, S3Settings

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_DEFAULT_REGION = "us-east-1"  # botocore asks S3 for the bucket's own when this is wrong
_NOT_MODIFIED = 304
_BAD_KEY = ("ExpiredToken", "InvalidToken", "TokenRefreshRequired")
_THROTTLED = ("SlowDown", "RequestTimeout", "Throttling", "ThrottlingException")


class S3Source:
    """One object of one bucket."""

    def __init__(self, url: str, settings: S3Settings) -> None:
        parts = urlsplit(url)
        self._bucket = parts.netloc
        self._key = unquote(parts.path).removeprefix("/")
        self._settings = settings
        self.display = f"s3://{parts.netloc}{parts.path}"

    @contextmanager
    def open(self, unless_etag: str | None) -> Iterator[Body | None]:
        condition: Any = {"IfNoneMatch": f'"{unless_etag}"'} if unless_etag else {}
        try:
            client = _client(self._settings, self._settings.credentials_for(self._bucket))
            answer = client.get_object(Bucket=self._bucket, Key=self._key, **condition)
        except ClientError as error:
            if _status(error) == _NOT_MODIFIED:
                yield None
                return
            raise self._refusal(error) from error
        except (HTTPClientError, S3ConnectionError) as error:
            raise Retryable(Unreachable(self.display, reason(error))) from error
        except (BotoCoreError, ValueError) as error:
            raise RequestRejected(self.display, reason(error)) from error
        with closing(answer["Body"]) as stream:
            size = answer.get("ContentLength")
            etag = answer.get("ETag", "").strip('"')
            yield Body(size, etag or None, self._chunks(stream, size))

    def _chunks(self, stream: Any, size: int | None) -> Iterator[bytes]:
        try:
            yield from stream.iter_chunks(CHUNK_BYTES)
        except (BotoCoreError, OSError) as error:
            raise Retryable(Truncated(self.display, size, reason(error))) from error

    def _refusal(self, error: ClientError) -> Exception:
        status, code = _status(error), error.response["Error"].get("Code", "")
        detail = f"status: {status}\nS3 code: {code}"
        if status == 404:
            return ObjectMissing(self.display, detail)
        if status in (401, 403) or code in _BAD_KEY:
            return AccessDenied(self.display, detail)
        if status == 429 or status >= 500 or code in _THROTTLED:
            return Retryable(ServerFailed(self.display, detail))
        return RequestRejected(self.display, detail)


def _status(error: ClientError) -> int:
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


def _client(settings: S3Settings, key: S3Credentials | None) -> S3Client:
    """A client that knows only what it is told: no profile, no metadata service, no environment."""
    core = botocore.session.Session(session_vars={"profile": (None, None, None, None)})
    core.set_config_variable("config_file", "/dev/null")
    core.set_config_variable("credentials_file", "/dev/null")
    config = Config(
        connect_timeout=10,
        read_timeout=60,
        # The transfer counts the tries, for every store alike.
        retries={"mode": "standard", "total_max_attempts": 1},
        user_agent_extra="slugfit",
        # A public bucket is read without a key.
        **({} if key else {"signature_version": UNSIGNED}),
    )
    return boto3.Session(botocore_session=core).client(
        "s3",
        config=config,
        endpoint_url=settings.endpoint_url,
        region_name=(key and key.region) or settings.region or _DEFAULT_REGION,
        aws_access_key_id=key.access_key_id if key else None,
        aws_secret_access_key=key.secret_access_key if key else None,
        aws_session_token=key.session_token if key else None,
    )

"""Objects in S3 and in stores that speak its protocol.

boto3 finds out where a bucket is and which key opens it, and puts that into a presigned URL, from
which others can take ranges. The beginning of an object comes by boto3, which knows all refusals.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

import botocore.session
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    HTTPClientError,
    NoCredentialsError,
    PartialCredentialsError,
)
from botocore.exceptions import ConnectionError as S3ConnectionError

from slugfit.models.failures import (
    AccessDenied,
    BucketMissing,
    ClockSkewed,
    CredentialsExpired,
    CredentialsWrong,
    FetchFailure,
    ObjectMissing,
    RequestRejected,
    ServerFailed,
    Truncated,
    Unreachable,
    WrongRegion,
)
from slugfit.models.sources import (
    FIRST_BYTES,
    Address,
    Changed,
    Entry,
    Opened,
    Retryable,
    Version,
)
from slugfit.models.sources.reasons import reason
from slugfit.models.wire import CONNECT_SECONDS, SILENCE_SECONDS, hang_up, retry_after
from slugfit.settings.model import S3Settings
from slugfit.settings.urls import S3Url

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_DEFAULT_REGION = "us-east-1"  # botocore asks S3 for the bucket's own when this is wrong
_ADDRESS_SECONDS = 3600
_THROTTLED = ("SlowDown", "RequestTimeout", "Throttling", "ThrottlingException")
_REGION_CODES = (
    "PermanentRedirect",
    "AuthorizationHeaderMalformed",
    "IllegalLocationConstraintException",
)
_REFUSALS: dict[str, type[FetchFailure]] = {
    "ExpiredToken": CredentialsExpired,
    "ExpiredTokenException": CredentialsExpired,
    "TokenRefreshRequired": CredentialsExpired,
    "InvalidAccessKeyId": CredentialsWrong,
    "InvalidToken": CredentialsWrong,
    "SignatureDoesNotMatch": CredentialsWrong,
    "RequestTimeTooSkewed": ClockSkewed,
    "NoSuchBucket": BucketMissing,
}
_PART = re.compile(r"bytes (\d+)-\d+/(\d+)")
_CONDITIONS = {"If-Match": "IfMatch", "If-None-Match": "IfNoneMatch"}


class S3Bucket:
    """One bucket, as its key sees it."""

    def __init__(
        self,
        name: str,
        settings: S3Settings,
        now: Callable[[], float],
        payer: bool = False,
        silence_seconds: float = SILENCE_SECONDS,
    ) -> None:
        self.name = name
        self.now = now
        self.payer: dict[str, Any] = {"RequestPayer": "requester"} if payer else {}
        self._settings = settings
        self._silence_seconds = silence_seconds

    @cached_property
    def client(self) -> S3Client:
        """A client that knows only what it is told, unless the settings let it look around."""
        settings, key = self._settings, self._settings.credentials_for(self.name)
        core = botocore.session.Session()
        if not settings.ambient:
            core = botocore.session.Session(session_vars={"profile": (None, None, None, None)})
            core.set_config_variable("config_file", "/dev/null")
            core.set_config_variable("credentials_file", "/dev/null")
        signs = key or (settings.ambient and core.get_credentials())
        config = Config(
            connect_timeout=CONNECT_SECONDS,
            read_timeout=self._silence_seconds,
            # The transfer counts the tries, for every store alike.
            retries={"mode": "standard", "total_max_attempts": 1},
            user_agent_extra="slugfit",
            # A public bucket is read without a key.
            signature_version="s3v4" if signs else UNSIGNED,
            s3={"addressing_style": settings.addressing_style},
            # Of a part of an object there is no checksum.
            response_checksum_validation="when_required",
        )
        client: Any = core.create_client(
            "s3",
            config=config,
            endpoint_url=settings.endpoint_url,
            region_name=(key and key.region) or settings.region or self._region_of(core),
            aws_access_key_id=key.access_key_id if key else None,
            aws_secret_access_key=key.secret_access_key if key else None,
            aws_session_token=key.session_token if key else None,
        )
        return cast("S3Client", client)

    def _region_of(self, core: botocore.session.Session) -> str:
        known = core.get_config_variable("region") if self._settings.ambient else None
        return known or _DEFAULT_REGION

    def address(self, key: str, version: Version, version_id: str | None) -> Address:
        """A presigned URL; what it signs of the headers goes with it."""
        which = {"VersionId": version_id} if version_id else {}
        url = self.client.generate_presigned_url(
            "get_object",
            Params={"Bucket": self.name, "Key": key, **which, **self.payer},
            ExpiresIn=_ADDRESS_SECONDS,
        )
        payer = {"x-amz-request-payer": "requester"} if self.payer else {}
        return Address(url, {**version.pin, **payer})

    @contextmanager
    def refusals(self, display: str) -> Iterator[None]:
        """What botocore raises becomes Retryable, Changed, or a Failure."""
        try:
            yield
        except ClientError as error:
            raise self._refusal(error, display) from error
        except (HTTPClientError, S3ConnectionError) as error:
            raise Retryable(Unreachable(display, reason(error))) from error
        except (NoCredentialsError, PartialCredentialsError) as error:
            raise CredentialsWrong(display, "reason: no key is set") from error
        except (BotoCoreError, ValueError) as error:
            raise RequestRejected(display, reason(error)) from error

    def _refusal(self, error: ClientError, display: str) -> Exception:
        status, code = status_of(error), error.response["Error"].get("Code", "")
        detail = f"status: {status}\nS3 code: {code}"
        if status == 412:
            return Changed()
        if status == 429 or status >= 500 or code in _THROTTLED:
            after = _headers(error).get("retry-after")
            return Retryable(ServerFailed(display, detail), retry_after(after, self.now()))
        if code in _REFUSALS:
            return _REFUSALS[code](display, detail)
        if region := _right_region(error, code):
            return WrongRegion(display, detail, region, self.client.meta.region_name)
        if status == 404:
            return ObjectMissing(display, detail)
        return (AccessDenied if status in (401, 403) else RequestRejected)(display, detail)


class S3Object:
    """One object of one bucket."""

    def __init__(self, url: S3Url, bucket: S3Bucket) -> None:
        self._url = url
        self._bucket = bucket
        self.display = url.display

    @contextmanager
    def open(
        self, *, start: int = 0, version: Version | None = None, unless_etag: str | None = None
    ) -> Iterator[Opened | None]:
        pin = version.pin if version else {}
        conditions = {name: value for name, value in pin.items() if name in _CONDITIONS}
        if unless_etag:
            conditions["If-None-Match"] = f'"{unless_etag}"'
        with self._bucket.refusals(self.display):
            answer = self._get(start, conditions)
        if answer is None:
            yield None
            return
        with closing(answer["Body"]) as body:
            yield self._opened(answer, start, body)

    def _get(self, start: int, conditions: dict[str, str]) -> dict[str, Any] | None:
        last = start + FIRST_BYTES - 1
        try:
            return self._ask(conditions, Range=f"bytes={start}-{last}")
        except ClientError as error:
            status = status_of(error)
            if status == 304:
                return None
            if status != 416:
                raise
            if start:
                raise Changed from error
            return self._ask(conditions)  # an empty object has no range

    def _ask(self, conditions: dict[str, str], **range_: str) -> dict[str, Any]:
        which = {"VersionId": self._url.version_id} if self._url.version_id else {}
        asked: Any = {
            **{_CONDITIONS[header]: value for header, value in conditions.items()},
            **which,
            **range_,
            **self._bucket.payer,
        }
        client = self._bucket.client
        return dict(client.get_object(Bucket=self._bucket.name, Key=self._url.key, **asked))

    def _opened(self, answer: dict[str, Any], start: int, body: Any) -> Opened:
        part = _PART.match(answer.get("ContentRange", ""))
        if start and (part is None or int(part[1]) != start):
            raise Changed  # all of it, from the beginning
        size = int(part[2]) if part else answer.get("ContentLength")
        version = _version(size, answer.get("ETag", ""))
        if part and not version.pin:
            raise RequestRejected(self.display, "reason: the store names no version (ETag)")
        key, version_id = self._url.key, self._url.version_id
        address = self._bucket.address(key, version, version_id) if part else None
        stream = _Stream(body, self.display, size)
        return Opened(version, stream, address, stream.interrupt)


class S3Prefix:
    """All objects of one bucket whose keys begin alike."""

    def __init__(self, url: S3Url, bucket: S3Bucket) -> None:
        self._url = url
        self._bucket = bucket
        self.display = url.display

    def list(self) -> tuple[Entry, ...]:
        with self._bucket.refusals(self.display):
            pages = self._bucket.client.get_paginator("list_objects_v2").paginate(
                Bucket=self._bucket.name, Prefix=self._url.key, **self._bucket.payer
            )
            objects = [item for page in pages for item in page.get("Contents", ())]
        # A name that ends in a slash is a folder that somebody's console has made.
        entries = [self._entry(item) for item in objects if not item["Key"].endswith("/")]
        return tuple(sorted(entries, key=lambda entry: entry.path))

    def _entry(self, item: Any) -> Entry:
        key, version = item["Key"], _version(item["Size"], item.get("ETag", ""))
        source = S3Object(replace(self._url, key=key), self._bucket)
        address = self._bucket.address(key, version, None) if version.pin else None
        return Entry(key.removeprefix(self._url.key), version, source, address)


class _Stream:
    """The body of botocore's answer."""

    def __init__(self, body: Any, display: str, size: int | None) -> None:
        self._body = body
        self._display = display
        self._size = size

    def read(self, size: int) -> bytes:
        try:
            return bytes(self._body.read(min(size, 64 * 1024)))
        except (BotoCoreError, OSError, ValueError) as error:
            raise Retryable(Truncated(self._display, self._size, reason(error))) from error

    def interrupt(self) -> None:
        # The stream's own fileno is missing: of all that botocore hides, the one thing needed.
        with suppress(OSError, ValueError, AttributeError):
            hang_up(self._body._raw_stream.fileno())


def status_of(error: ClientError) -> int:
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


def _headers(error: ClientError) -> dict[str, str]:
    return dict(error.response.get("ResponseMetadata", {}).get("HTTPHeaders", {}))


def _version(size: int | None, quoted_etag: str) -> Version:
    etag = quoted_etag.strip('"')
    return Version(size, etag or None, {"If-Match": f'"{etag}"'} if etag else {})


def _right_region(error: ClientError, code: str) -> str | None:
    """The region that the store says the bucket is in."""
    said: Any = error.response["Error"]
    header = _headers(error).get("x-amz-bucket-region")
    elsewhere = code in _REGION_CODES or status_of(error) == 301
    return (said.get("Region") or header) if elsewhere else None

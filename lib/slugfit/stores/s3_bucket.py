"""One bucket of S3: its key, its region, and what its refusals mean."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

from botocore import UNSIGNED
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    HTTPClientError,
    NoCredentialsError,
    PartialCredentialsError,
)
from botocore.exceptions import ConnectionError as S3ConnectionError
from botocore.session import Session

from slugfit.base.http import CONNECT_SECONDS, SILENCE_SECONDS, retry_after
from slugfit.stores import Address, Changed, Retryable, Version
from slugfit.stores.client_errors import reason
from slugfit.stores.refusals import (
    AccessDenied,
    BucketMissing,
    ClockSkewed,
    CredentialsExpired,
    CredentialsWrong,
    ObjectMissing,
    RequestRejected,
    ServerFailed,
    StoreFailure,
    Unreachable,
    WrongRegion,
)
from slugfit.stores.s3 import S3Credentials, S3Settings, S3Url
from slugfit.stores.s3_presigned import urls_like

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
_REFUSALS: dict[str, type[StoreFailure]] = {
    "ExpiredToken": CredentialsExpired,
    "ExpiredTokenException": CredentialsExpired,
    "TokenRefreshRequired": CredentialsExpired,
    "InvalidAccessKeyId": CredentialsWrong,
    "InvalidToken": CredentialsWrong,
    "SignatureDoesNotMatch": CredentialsWrong,
    "RequestTimeTooSkewed": ClockSkewed,
    "NoSuchBucket": BucketMissing,
}


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
        """A client that reads nothing but the settings, unless those allow it."""
        settings, key, session = self._settings, self._key, self._session
        config = Config(
            connect_timeout=CONNECT_SECONDS,
            read_timeout=self._silence_seconds,
            # The transfer does the retries, for all stores alike.
            retries={"mode": "standard", "total_max_attempts": 1},
            user_agent_extra="slugfit",
            # A public bucket is read without a key.
            signature_version="s3v4" if key or self._found else UNSIGNED,
            s3={"addressing_style": settings.addressing_style},
            # There is no checksum of a range.
            response_checksum_validation="when_required",
        )
        client: Any = session.create_client(
            "s3",
            config=config,
            endpoint_url=settings.endpoint_url,
            region_name=(key and key.region) or settings.region or self._region(),
            aws_access_key_id=key.access_key_id if key else None,
            aws_secret_access_key=key.secret_access_key if key else None,
            aws_session_token=key.session_token if key else None,
        )
        return cast("S3Client", client)

    @cached_property
    def _session(self) -> Session:
        nowhere = None if self._settings.ambient else {"profile": (None, None, None, None)}
        session = Session(session_vars=nowhere)
        if not self._settings.ambient:
            session.set_config_variable("config_file", "/dev/null")
            session.set_config_variable("credentials_file", "/dev/null")
        # Parsing the time of each object would take longer than the rest of a listing.
        parsers = session.get_component("response_parser_factory")
        parsers.set_parser_defaults(timestamp_parser=lambda text: text)
        return session

    @property
    def _key(self) -> S3Credentials | None:
        return self._settings.credentials_for(self.name)

    @property
    def _found(self) -> Credentials | None:
        """The credentials that boto3 finds by itself."""
        return self._session.get_credentials() if self._settings.ambient else None

    @property
    def _secret(self) -> str | None:
        """What requests are signed with; None for a public bucket."""
        if self._key:
            return self._key.secret_access_key
        found = self._found
        return found.get_frozen_credentials().secret_key if found else None

    def _region(self) -> str:
        known = self._session.get_config_variable("region") if self._settings.ambient else None
        return known or _DEFAULT_REGION

    def address(self, key: str, version: Version, version_id: str | None) -> Address:
        """A presigned URL, with the headers that are part of the signature."""
        which = {"VersionId": version_id} if version_id else {}
        url = self.client.generate_presigned_url(
            "get_object",
            Params={"Bucket": self.name, "Key": key, **which, **self.payer},
            ExpiresIn=_ADDRESS_SECONDS,
        )
        return self._with_headers(url, version)

    def addresses(self, sample: str) -> Callable[[str, Version], Address]:
        """As `address`, for many keys at once: `sample` is one of them."""
        example = self.address(sample, Version(None), None)
        url_of = urls_like(example.url, sample, self._secret, example.headers)
        if not url_of:
            return lambda key, version: self.address(key, version, None)
        return lambda key, version: self._with_headers(url_of(key), version)

    def _with_headers(self, url: str, version: Version) -> Address:
        payer = {"x-amz-request-payer": "requester"} if self.payer else {}
        return Address(url, {**version.pin, **payer})

    @contextmanager
    def refusals(self, url: S3Url) -> Iterator[None]:
        """What botocore raises becomes Retryable, Changed, or a Failure."""
        try:
            yield
        except ClientError as error:
            raise self._refusal(error, url) from error
        except (HTTPClientError, S3ConnectionError) as error:
            raise Retryable(Unreachable(url, reason(error))) from error
        except (NoCredentialsError, PartialCredentialsError) as error:
            raise CredentialsWrong(url, "reason: no key is set") from error
        except (BotoCoreError, ValueError) as error:
            raise RequestRejected(url, reason(error)) from error

    def _refusal(self, error: ClientError, url: S3Url) -> Exception:
        status, code = status_of(error), error.response["Error"].get("Code", "")
        detail = f"status: {status}\nS3 code: {code}"
        if status == 412:
            return Changed()
        if status == 429 or status >= 500 or code in _THROTTLED:
            after = _headers(error).get("retry-after")
            return Retryable(ServerFailed(url, detail), retry_after(after, self.now()))
        if code in _REFUSALS:
            return _REFUSALS[code](url, detail)
        if region := _right_region(error, code):
            return WrongRegion(url, detail, region, self.client.meta.region_name)
        if status == 404:
            return ObjectMissing(url, detail)
        return (AccessDenied if status in (401, 403) else RequestRejected)(url, detail)


def status_of(error: ClientError) -> int:
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


def _headers(error: ClientError) -> dict[str, str]:
    return dict(error.response.get("ResponseMetadata", {}).get("HTTPHeaders", {}))


def _right_region(error: ClientError, code: str) -> str | None:
    """The region that the store says the bucket is in."""
    said: Any = error.response["Error"]
    header = _headers(error).get("x-amz-bucket-region")
    elsewhere = code in _REGION_CODES or status_of(error) == 301
    return (said.get("Region") or header) if elsewhere else None

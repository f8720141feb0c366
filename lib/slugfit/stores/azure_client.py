"""Blobs in Azure Blob Storage.

Every URL carries a SAS token: the one from the settings, or one that Azure's client makes from the
account's key.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import requests

from slugfit.base.http import CONNECT_SECONDS, SILENCE_SECONDS
from slugfit.stores import Address, Entry, Retryable, Version
from slugfit.stores.azure import AzureSettings, AzureUrl
from slugfit.stores.client_errors import reason
from slugfit.stores.http_responses import detail_of, error_text, printable, refusal_of
from slugfit.stores.refusals import (
    AccessDenied,
    BucketMissing,
    ClockSkewed,
    CredentialsExpired,
    CredentialsWrong,
    ObjectMissing,
    RequestRejected,
    StoreFailure,
    Unreachable,
)
from slugfit.stores.urls import StoreUrl
from slugfit.stores.web_object import Session, WebObject, conditions, matched_version

if TYPE_CHECKING:
    from azure.storage.blob import BlobProperties, ContainerClient

# ruff: noqa: PLC0415 (Azure's client takes long to import, and only a key or a prefix needs it)

_API = "2021-12-02"  # without a version a public blob is served as it was in 2009
_LIFETIME = timedelta(hours=2)
_REFUSALS: dict[str, type[StoreFailure]] = {
    "AccountIsDisabled": AccessDenied,
    "BlobNotFound": ObjectMissing,
    "ContainerBeingDeleted": BucketMissing,
    "ContainerNotFound": BucketMissing,
    "InvalidAuthenticationInfo": CredentialsWrong,
    "NoAuthenticationInformation": AccessDenied,
    "PublicAccessNotPermitted": AccessDenied,
}
_OUT_OF_TIME = re.compile(r"Signed expiry time[^<]*|Signature not valid in the specified[^<]*")
_OLD_DATE = "Request date header too old"


class AzureContainer:
    """One container, as the account's key or SAS token sees it."""

    def __init__(self, url: AzureUrl, settings: AzureSettings, now: Callable[[], float]) -> None:
        self._url = url
        self._settings = settings
        self._now = now
        self._endpoint = settings.endpoint or f"https://{url.account}.blob.core.windows.net"

    def blob_url(self, name: str) -> str:
        path = f"{self._endpoint}/{self._url.container}/{quote(name)}"
        return f"{path}?{self._sas_token}" if self._sas_token else path

    @cached_property
    def _sas_token(self) -> str | None:
        """For reading and listing the container; None for a public one."""
        if self._settings.sas_token or not self._settings.key:
            return self._settings.sas_token
        from azure.storage.blob import ContainerSasPermissions, generate_container_sas

        try:
            return generate_container_sas(
                self._url.account,
                self._url.container,
                account_key=self._settings.key,
                permission=ContainerSasPermissions(read=True, list=True),
                # No start: the clocks may differ.
                expiry=datetime.fromtimestamp(self._now(), timezone.utc) + _LIFETIME,
            )
        except ValueError as error:
            raise CredentialsWrong(self._url, "reason: the key is not base64") from error

    @contextmanager
    def client(self) -> Iterator[ContainerClient]:
        """Azure's client. What it raises becomes Retryable or a Failure."""
        from azure.core.credentials import AzureSasCredential
        from azure.core.exceptions import AzureError, HttpResponseError
        from azure.core.pipeline.transport import RequestsTransport
        from azure.storage.blob import ContainerClient

        try:
            with ContainerClient(
                self._endpoint,
                self._url.container,
                credential=AzureSasCredential(self._sas_token) if self._sas_token else None,
                api_version=_API,
                transport=RequestsTransport(session=Session()),
                connection_timeout=CONNECT_SECONDS,
                read_timeout=SILENCE_SECONDS,
                retry_total=0,  # the transfer does the retries, for all stores alike
            ) as client:
                yield client
        except HttpResponseError as error:
            if error.response is None:
                raise RequestRejected(self._url, reason(error)) from error
            response: requests.Response = error.response.internal_response  # type: ignore[attr-defined]
            raise self.refusal(response, self._url) from error
        except AzureError as error:
            cause = error.inner_exception or error
            raise Retryable(Unreachable(self._url, reason(cause))) from error

    def refusal(self, response: requests.Response, url: StoreUrl) -> Exception:
        code = response.headers.get("x-ms-error-code", "")
        detail = detail_of(response, f"Azure code: {code}" if code else "")
        if code == "AuthenticationFailed":
            return self._not_authenticated(error_text(response), url, detail)
        if code == "ResourceNotFound":
            # Azure's response for a private container when the client is not authenticated.
            return (ObjectMissing if self._sas_token else AccessDenied)(url, detail)
        if code in _REFUSALS:
            return _REFUSALS[code](url, detail)
        return refusal_of(response, url, self._now(), f"Azure code: {code}" if code else "")

    def _not_authenticated(self, text: str, url: StoreUrl, detail: str) -> StoreFailure:
        if out_of_time := _OUT_OF_TIME.search(text):
            evidence = f"{detail}\nAzure says: {printable(out_of_time[0])}"
            # A token that was made a moment ago can't have expired.
            return (CredentialsExpired if self._settings.sas_token else ClockSkewed)(url, evidence)
        return (ClockSkewed if _OLD_DATE in text else CredentialsWrong)(url, detail)


class AzureBlob(WebObject):
    """One blob of one container."""

    undoes_encoding = False

    def __init__(
        self,
        url: AzureUrl,
        settings: AzureSettings,
        now: Callable[[], float],
        container: AzureContainer | None = None,
    ) -> None:
        super().__init__(url, now)
        self._name = url.blob
        self._container = container or AzureContainer(url, settings, now)

    def credentials(self) -> Mapping[str, str]:
        return {"x-ms-version": _API}

    def request(
        self, version: Version | None, unless_etag: str | None
    ) -> tuple[str, Mapping[str, str]]:
        return self._container.blob_url(self._name), conditions(version, unless_etag, quote='"')

    def version(self, response: requests.Response, size: int | None) -> Version:
        return matched_version(response.headers.get("ETag"), size)

    def refusal(self, response: requests.Response) -> Exception:
        return self._container.refusal(response, self.url)


class AzurePrefix:
    """All blobs of one container whose names begin alike."""

    def __init__(self, url: AzureUrl, settings: AzureSettings, now: Callable[[], float]) -> None:
        self.url = url
        self._settings = settings
        self._now = now
        self._container = AzureContainer(url, settings, now)

    def list(self) -> tuple[Entry, ...]:
        with self._container.client() as client:
            listed = client.list_blobs(name_starts_with=self.url.blob, include=["metadata"])
            entries = [self._entry(blob) for blob in listed if not _is_folder(blob)]
        return tuple(sorted(entries, key=lambda entry: entry.path))

    def _entry(self, blob: BlobProperties) -> Entry:
        source = AzureBlob(
            replace(self.url, blob=blob.name), self._settings, self._now, self._container
        )
        version = matched_version(f'"{blob.etag.strip(chr(34))}"', blob.size)
        headers = {**source.credentials(), **version.pin}
        return Entry(
            blob.name.removeprefix(self.url.blob),
            version,
            source,
            Address(self._container.blob_url(blob.name), headers),
        )


def _is_folder(blob: BlobProperties) -> bool:
    """Accounts with a hierarchical namespace list their directories among the blobs."""
    metadata: Mapping[str, Any] = blob.metadata or {}
    return blob.name.endswith("/") or metadata.get("hdi_isfolder") == "true"

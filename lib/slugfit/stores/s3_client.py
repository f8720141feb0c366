"""Objects in S3 and in stores that speak its protocol.

boto3 finds out where a bucket is and which key opens it, and makes a presigned URL of that, from
which the transfer fetches ranges. The first range comes by boto3, whose errors say most.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from slugfit.base.http import hang_up
from slugfit.stores import (
    FIRST_BYTES,
    Changed,
    Entry,
    ObjectStream,
    Retryable,
    Version,
)
from slugfit.stores.client_errors import reason
from slugfit.stores.failures import Truncated
from slugfit.stores.refusals import RequestRejected
from slugfit.stores.s3 import S3Url
from slugfit.stores.s3_bucket import S3Bucket, status_of

_PART = re.compile(r"bytes (\d+)-\d+/(\d+)")
_CONDITIONS = {"If-Match": "IfMatch", "If-None-Match": "IfNoneMatch"}


class S3Object:
    """One object of one bucket."""

    def __init__(self, url: S3Url, bucket: S3Bucket) -> None:
        self.url = url
        self._bucket = bucket

    @contextmanager
    def open(
        self, *, start: int = 0, version: Version | None = None, unless_etag: str | None = None
    ) -> Iterator[ObjectStream | None]:
        pin = version.pin if version else {}
        conditions = {name: value for name, value in pin.items() if name in _CONDITIONS}
        if unless_etag:
            conditions["If-None-Match"] = f'"{unless_etag}"'
        with self._bucket.refusals(self.url):
            response = self._get(start, conditions)
        if response is None:
            yield None
            return
        with closing(response["Body"]) as body:
            yield self._opened(response, start, body)

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
        which = {"VersionId": self.url.version_id} if self.url.version_id else {}
        asked: Any = {
            **{_CONDITIONS[header]: value for header, value in conditions.items()},
            **which,
            **range_,
            **self._bucket.payer,
        }
        client = self._bucket.client
        return dict(client.get_object(Bucket=self._bucket.name, Key=self.url.key, **asked))

    def _opened(self, response: dict[str, Any], start: int, body: Any) -> ObjectStream:
        part = _PART.match(response.get("ContentRange", ""))
        if start and (part is None or int(part[1]) != start):
            raise Changed  # all of it, from the beginning
        size = int(part[2]) if part else response.get("ContentLength")
        version = _version(size, response.get("ETag", ""))
        if part and not version.pin:
            raise RequestRejected(self.url, "reason: the store names no version (ETag)")
        key, version_id = self.url.key, self.url.version_id
        address = self._bucket.address(key, version, version_id) if part else None
        stream = _S3Body(body, self.url, size)
        return ObjectStream(version, stream, address, stream.interrupt)


class S3Prefix:
    """All objects of one bucket whose keys begin alike."""

    def __init__(self, url: S3Url, bucket: S3Bucket) -> None:
        self.url = url
        self._bucket = bucket

    def list(self) -> tuple[Entry, ...]:
        with self._bucket.refusals(self.url):
            pages = self._bucket.client.get_paginator("list_objects_v2").paginate(
                Bucket=self._bucket.name, Prefix=self.url.key, **self._bucket.payer
            )
            objects = [item for page in pages for item in page.get("Contents", ())]
            # A name that ends in a slash is a folder that was made in a console.
            files = [item for item in objects if not item["Key"].endswith("/")]
            return tuple(self._entries(sorted(files, key=lambda item: item["Key"])))

    def _entries(self, items: Sequence[Any]) -> Iterator[Entry]:
        if not items:
            return
        address_of = self._bucket.addresses(items[0]["Key"])
        for item in items:
            key, version = item["Key"], _version(item["Size"], item.get("ETag", ""))
            source = S3Object(replace(self.url, key=key), self._bucket)
            address = address_of(key, version) if version.pin else None
            yield Entry(key.removeprefix(self.url.key), version, source, address)


class _S3Body:
    """The body of botocore's response."""

    def __init__(self, body: Any, url: S3Url, size: int | None) -> None:
        self._body = body
        self._url = url
        self._size = size

    def read(self, size: int) -> bytes:
        try:
            return bytes(self._body.read(min(size, 64 * 1024)))
        except (BotoCoreError, OSError, ValueError) as error:
            raise Retryable(Truncated(self._url, self._size, reason(error))) from error

    def interrupt(self) -> None:
        # botocore hides the raw stream, and its own has no fileno.
        with suppress(OSError, ValueError, AttributeError):
            hang_up(self._body._raw_stream.fileno())


def _version(size: int | None, quoted_etag: str) -> Version:
    etag = quoted_etag.strip('"')
    return Version(size, etag or None, {"If-Match": f'"{etag}"'} if etag else {})

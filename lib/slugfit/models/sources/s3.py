"""Objects in S3 and in stores that speak its protocol.

boto3 finds out where a bucket is and which key opens it, and puts that into a presigned URL, from
which others can take ranges. The beginning of an object comes by boto3, which knows all refusals.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from slugfit.models.failures import Truncated
from slugfit.models.refusals import RequestRejected
from slugfit.models.sources import (
    FIRST_BYTES,
    Changed,
    Entry,
    Opened,
    Retryable,
    Version,
)
from slugfit.models.sources.reasons import reason
from slugfit.models.sources.s3_bucket import S3Bucket, status_of
from slugfit.models.wire import hang_up
from slugfit.settings.urls import S3Url

_PART = re.compile(r"bytes (\d+)-\d+/(\d+)")
_CONDITIONS = {"If-Match": "IfMatch", "If-None-Match": "IfNoneMatch"}


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
            files = [item for item in objects if not item["Key"].endswith("/")]
            return tuple(self._entries(sorted(files, key=lambda item: item["Key"])))

    def _entries(self, items: Sequence[Any]) -> Iterator[Entry]:
        if not items:
            return
        address_of = self._bucket.addresses(items[0]["Key"])
        for item in items:
            key, version = item["Key"], _version(item["Size"], item.get("ETag", ""))
            source = S3Object(replace(self._url, key=key), self._bucket)
            address = address_of(key, version) if version.pin else None
            yield Entry(key.removeprefix(self._url.key), version, source, address)


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


def _version(size: int | None, quoted_etag: str) -> Version:
    etag = quoted_etag.strip('"')
    return Version(size, etag or None, {"If-Match": f'"{etag}"'} if etag else {})

"""The store behind each URL. A store's client is imported when a URL asks for it."""

from __future__ import annotations

import time

from slugfit.models.sources import Directory, Source
from slugfit.settings.model import ModelSettings, Settings
from slugfit.settings.urls import AzureUrl, GcsUrl, HttpUrl, HubUrl, S3Url, parse

# ruff: noqa: PLC0415 (the imports below are the point: a client takes time, and may be missing)


def open_source(model: ModelSettings, settings: Settings) -> Source | Directory:
    """The object, or the directory, that a model comes from. Its URL has passed the settings."""
    url, now = parse(model.source), time.time
    if isinstance(url, S3Url):
        from slugfit.models.sources.s3 import S3Object, S3Prefix
        from slugfit.models.sources.s3_bucket import S3Bucket

        bucket = S3Bucket(url.bucket, settings.s3, now, payer=model.requester_pays)
        return S3Prefix(url, bucket) if url.is_prefix else S3Object(url, bucket)
    if isinstance(url, HubUrl):
        from slugfit.models.sources.hub import HubObject, HubPrefix

        return (HubPrefix if url.is_prefix else HubObject)(url, settings.hub, now)
    if isinstance(url, GcsUrl):
        from slugfit.models.sources.gcs import GcsObject, GcsPrefix

        return (GcsPrefix if url.is_prefix else GcsObject)(url, settings.gcs, now)
    if isinstance(url, AzureUrl):
        from slugfit.models.sources.azure import AzureBlob, AzurePrefix

        return (AzurePrefix if url.is_prefix else AzureBlob)(url, settings.azure, now)
    assert isinstance(url, HttpUrl)  # noqa: S101 (the settings let nothing else pass)
    from slugfit.models.sources.http import HttpObject

    return HttpObject(url.url, now, model.authorization)

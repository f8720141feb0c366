"""S3, and stores that speak its protocol. The client is s3_client."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from typing import Literal, get_args
from urllib.parse import urlsplit

from slugfit.base.errors import Problem
from slugfit.helper.dependencies import Group
from slugfit.stores import StoreDirectory, StoreObject
from slugfit.stores.endpoints import endpoint_from
from slugfit.stores.store import Advice, ConfigVar, ConfigVars, Found, ModelOptions, Store, secret
from slugfit.stores.urls import BUCKET, ESCAPES, PATH, ObjectUrl, by_form

AddressingStyle = Literal["auto", "path", "virtual"]

_ADDRESSING_STYLE = "SLUGFIT_S3_ADDRESSING_STYLE"
_KEY = "heroku config:set AWS_ACCESS_KEY_ID=… AWS_SECRET_ACCESS_KEY=…"
_ADDRESS = "heroku config:set AWS_ENDPOINT_URL_S3=https://…"


@dataclass(frozen=True)
class S3Url(ObjectUrl):
    """What is in a bucket, be it of one version."""

    bucket: str
    key: str
    version_id: str | None = None

    @property
    def store(self) -> Store[S3Url, S3Settings]:
        return S3

    @property
    def parts(self) -> tuple[str, str, str]:
        version = f"?versionId={self.version_id}" if self.version_id else ""
        return f"s3://{self.bucket}", self.key, version

    @property
    def look_at(self) -> str:
        return f"aws s3 ls {self.directory}"


@dataclass(frozen=True)
class S3Credentials:
    """One key pair. `bucket` is the only bucket it is for; None means any."""

    access_key_id: str = field(repr=False)
    secret_access_key: str = field(repr=False)
    session_token: str | None = field(default=None, repr=False)
    region: str | None = None
    bucket: str | None = None


@dataclass(frozen=True)
class S3Settings:
    """Key pairs in the order of preference, and where the store is if it is not AWS.

    `ambient` lets boto3 look for credentials as it does on a developer's computer.
    """

    credentials: tuple[S3Credentials, ...] = ()
    region: str | None = None
    endpoint_url: str | None = None
    addressing_style: AddressingStyle = "auto"
    ambient: bool = False

    def credentials_for(self, bucket: str) -> S3Credentials | None:
        """An add-on's own bucket needs the add-on's key; any other bucket takes the general one."""
        own = [c for c in self.credentials if c.bucket == bucket]
        general = [c for c in self.credentials if c.bucket is None]
        return next(iter(own + general), None)


def _settings_from(config_vars: ConfigVars) -> Found[S3Settings]:
    """The key pairs at hand, and a problem for each pair that lacks a half."""
    get = config_vars.get
    region = get("AWS_REGION") or get("AWS_DEFAULT_REGION")
    cube = _host(get("CLOUDCUBE_URL", "")).partition(".")[0]
    pairs = [
        ("AWS_", region, None),
        ("BUCKETEER_AWS_", get("BUCKETEER_AWS_REGION"), get("BUCKETEER_BUCKET_NAME")),
        ("CLOUDCUBE_", None, cube or None),
    ]
    credentials, problems = [], []
    for prefix, own_region, bucket in pairs:
        key, secret_key = (
            get(f"{prefix}{half}") for half in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY")
        )
        if key and secret_key:
            token = get("AWS_SESSION_TOKEN") if prefix == "AWS_" else None
            credentials.append(S3Credentials(key, secret_key, token, own_region, bucket))
        elif key or secret_key:
            problems.append(_missing_half(prefix, "SECRET_ACCESS_KEY" if key else "ACCESS_KEY_ID"))
    endpoint, bad_endpoint = endpoint_from(config_vars, "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")
    style, bad_style = _addressing_style(get(_ADDRESSING_STYLE))
    problems += bad_endpoint + bad_style
    return S3Settings(tuple(credentials), region, endpoint, style), problems


def _addressing_style(value: str | None) -> Found[AddressingStyle]:
    styles: tuple[AddressingStyle, ...] = get_args(AddressingStyle)
    for style in styles:
        if value in (style, None):
            return style, []
    allowed = " or ".join(f'"{style}"' for style in styles)
    return "auto", [Problem(f"config var {_ADDRESSING_STYLE}", f'"{value}"', allowed)]


def _missing_half(prefix: str, half: str) -> Problem:
    return Problem(f"config var {prefix}{half}", "nothing: it is not set", "both halves of the key")


def _host(url: str) -> str:
    """The host of a URL; "" when it has none, or is none."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _open(url: S3Url, settings: S3Settings, options: ModelOptions) -> StoreObject | StoreDirectory:
    from slugfit.stores.s3_bucket import S3Bucket  # noqa: PLC0415 (takes time)
    from slugfit.stores.s3_client import S3Object, S3Prefix  # noqa: PLC0415 (takes time)

    bucket = S3Bucket(url.bucket, settings, time.time, payer=options.requester_pays)
    return (S3Prefix if url.is_prefix else S3Object)(url, bucket)


def _outside_a_build(settings: S3Settings) -> S3Settings:
    """boto3 may look for a key as the AWS CLI does."""
    return replace(settings, ambient=not settings.credentials)


S3 = Store(
    schemes=("s3",),
    parse=by_form(
        S3Url,
        rf"s3://(?P<bucket>{BUCKET})/(?P<key>{PATH})"
        r"(?:\?versionId=(?P<version_id>[A-Za-z0-9._~-]+))?",
    ),
    example="s3://bucket/key",
    form='"s3://bucket/key", "s3://bucket/key?versionId=ID" or "s3://bucket/directory/"' + ESCAPES,
    group=Group.S3,
    config_vars=(
        secret("AWS_ACCESS_KEY_ID"),
        secret("AWS_SECRET_ACCESS_KEY"),
        secret("AWS_SESSION_TOKEN"),
        ConfigVar("AWS_REGION"),
        ConfigVar("AWS_DEFAULT_REGION"),
        ConfigVar("AWS_ENDPOINT_URL"),
        ConfigVar("AWS_ENDPOINT_URL_S3"),
        ConfigVar(_ADDRESSING_STYLE),
        secret("BUCKETEER_AWS_ACCESS_KEY_ID"),
        secret("BUCKETEER_AWS_SECRET_ACCESS_KEY"),
        ConfigVar("BUCKETEER_AWS_REGION"),
        ConfigVar("BUCKETEER_BUCKET_NAME"),
        secret("CLOUDCUBE_ACCESS_KEY_ID"),
        secret("CLOUDCUBE_SECRET_ACCESS_KEY"),
        ConfigVar("CLOUDCUBE_URL"),
    ),
    settings_from=_settings_from,
    outside_a_build=_outside_a_build,
    options={"requester_pays": lambda url: True},
    open=_open,
    advice=Advice(
        denied=(
            "Check which key the app has:\nheroku config | grep -E 'AWS_|BUCKETEER_|CLOUDCUBE_'",
            "Give that key the permission s3:GetObject on the object, and s3:ListBucket\n"
            "on the bucket.",
            "Compare the object's name with what is stored.",
        ),
        denied_why="S3 also denies access to an object that does not exist, when the key may not\n"
        "list the bucket.",
        rejected="Check the source's URL, the region (AWS_REGION) and AWS_ENDPOINT_URL.",
        unreachable="the host's name in the source, and AWS_ENDPOINT_URL if it is set;",
        wrong_key=(
            "Compare the key with the store's. A trailing space or line break makes it invalid:\n"
            f"{_KEY}",
            f"If the key is for a store other than AWS, name its endpoint:\n{_ADDRESS}",
        ),
        expired=(
            "Give the app a permanent key that may read the bucket, and no token:\n"
            f"{_KEY}\nheroku config:unset AWS_SESSION_TOKEN",
        ),
        expired_why="A key that comes with AWS_SESSION_TOKEN is a temporary one.",
        no_bucket=(
            "Compare the bucket's name with what the key may see:\naws s3 ls",
            f"If the bucket is in a store other than AWS, name its endpoint:\n{_ADDRESS}",
        ),
    ),
)

"""What a source's URL names in its store. Settings, sources and the lock all read URLs here."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import ClassVar
from urllib.parse import quote, unquote, urlsplit, urlunsplit

_BUCKET = "[A-Za-z0-9][A-Za-z0-9._-]{0,254}"
_HUB_NAME = r"\w(?:[\w.-]{0,94}\w)?"
_PATH = "[^?#]*"
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
# What would end a line, or lead a terminal astray: only ever percent-encoded.
_CONTROL = "\x00-\x1f\x7f-\x9f\u2028\u2029"
_RAW_CONTROL = re.compile(f"[{_CONTROL}\ud800-\udfff]")
_RESERVED = re.compile(f"[{_CONTROL}%?#]")


@dataclass(frozen=True)
class HttpUrl:
    """A file on a web server. The query string can hold a signature."""

    is_prefix: ClassVar = False  # the web knows no directories

    url: str = field(repr=False)

    @property
    def name(self) -> str:
        """The last part of its path; "" when that ends with a slash."""
        return unquote(urlsplit(self.url).path.rpartition("/")[2])

    @property
    def display(self) -> str:
        """The URL as people may see it."""
        return urlunsplit(urlsplit(self.url)._replace(query="", fragment=""))

    @property
    def keeps_secrets(self) -> bool:
        """Whether what is sent there is read by nobody on the way."""
        parts = urlsplit(self.url)
        return parts.scheme == "https" or parts.hostname in _LOOPBACK


class _StoreUrl:
    """An object, or with a slash at its end, all objects whose names begin so."""

    @property
    def _parts(self) -> tuple[str, str, str]:
        """The URL up to the object's name, that name, and the query that tells its version."""
        raise NotImplementedError

    @property
    def is_prefix(self) -> bool:
        name = self._parts[1]
        return not name or name.endswith("/")

    @property
    def name(self) -> str:
        """The last part of the object's name, or what holds all objects."""
        root, name, _ = self._parts
        return name.rstrip("/").rpartition("/")[2] or root.rpartition("/")[2].partition("@")[0]

    @property
    def display(self) -> str:
        """The one spelling of this URL. It parses to an equal one."""
        root, name, version = self._parts
        return f"{root}/{_encode(name)}{version}"


@dataclass(frozen=True)
class S3Url(_StoreUrl):
    """In S3, or a store that speaks its protocol."""

    form: ClassVar = re.compile(
        rf"s3://(?P<bucket>{_BUCKET})/(?P<key>{_PATH})"
        r"(?:\?versionId=(?P<version_id>[A-Za-z0-9._~-]+))?"
    )

    bucket: str
    key: str
    version_id: str | None = None

    @property
    def _parts(self) -> tuple[str, str, str]:
        version = f"?versionId={self.version_id}" if self.version_id else ""
        return f"s3://{self.bucket}", self.key, version


@dataclass(frozen=True)
class GcsUrl(_StoreUrl):
    """In Google Cloud Storage."""

    form: ClassVar = re.compile(
        rf"gs://(?P<bucket>{_BUCKET})/(?P<object>{_PATH})"
        r"(?:\?generation=(?P<generation>[0-9]{1,19}))?"
    )

    bucket: str
    object: str
    generation: str | None = None

    @property
    def _parts(self) -> tuple[str, str, str]:
        version = f"?generation={self.generation}" if self.generation else ""
        return f"gs://{self.bucket}", self.object, version


@dataclass(frozen=True)
class AzureUrl(_StoreUrl):
    """In Azure Blob Storage."""

    form: ClassVar = re.compile(
        r"az://(?P<account>[a-z0-9]{3,24})/(?P<container>\$?[a-z0-9][a-z0-9-]{1,62})/"
        rf"(?P<blob>{_PATH})"
    )

    account: str
    container: str
    blob: str

    @property
    def _parts(self) -> tuple[str, str, str]:
        return f"az://{self.account}/{self.container}", self.blob, ""


@dataclass(frozen=True)
class HubUrl(_StoreUrl):
    """In a model repository on the Hugging Face hub. `revision`: a commit, tag or branch."""

    # datasets/ and spaces/ begin the names of other kinds of repositories.
    form: ClassVar = re.compile(
        rf"hf://(?!(?:datasets|spaces)/)(?P<repo>{_HUB_NAME}/{_HUB_NAME})"
        rf"(?:@(?P<revision>[^/?#]+))?/(?P<path>{_PATH})",
        re.ASCII,
    )

    repo: str
    path: str
    revision: str = "main"

    @property
    def _parts(self) -> tuple[str, str, str]:
        revision = _encode(self.revision).replace("/", "%2F")
        return f"hf://{self.repo}@{revision}", self.path, ""


Url = HttpUrl | S3Url | GcsUrl | AzureUrl | HubUrl
_STORES: tuple[type[S3Url | GcsUrl | AzureUrl | HubUrl], ...] = (S3Url, GcsUrl, AzureUrl, HubUrl)


def parse(url: str) -> Url | None:
    """What `url` names; None when it is no URL that a model can come from."""
    if _RAW_CONTROL.search(url):
        return None
    for kind in _STORES:
        if match := kind.form.fullmatch(url):
            groups = match.groupdict().items()
            found = kind(**{name: unquote(part) for name, part in groups if part is not None})
            # Only an object has versions.
            return None if found.is_prefix and "?" in url else found
    return HttpUrl(url) if _is_http(url) else None


def display_of(source: str) -> str:
    """A source as people may see it, and as slugfit.lock names it."""
    url = parse(source)
    return url.display if url else source


def is_web_address(url: str) -> bool:
    """Whether `url` is an http(s) URL with a host, and a port only if there can be one."""
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _is_http(url: str) -> bool:
    """Whether `url` names something on a web server, without a user name or password."""
    if not is_web_address(url):
        return False
    parts = urlsplit(url)
    return bool(parts.path.strip("/")) and "@" not in parts.netloc


def _encode(name: str) -> str:
    """`name` with percent-encoded only what would be read as something else."""
    return _RESERVED.sub(lambda match: quote(match[0], safe=""), name)

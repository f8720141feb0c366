"""Files on any web server, behind https:// and http:// URLs. The client is web_client."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from urllib.parse import SplitResult, unquote, urlsplit, urlunsplit

from slugfit.stores import StoreObject
from slugfit.stores.endpoints import is_web_address
from slugfit.stores.store import Advice, ConfigVars, Found, ModelOptions, Risk, Store
from slugfit.stores.urls import StoreUrl

_LOOPBACK = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True)
class HttpUrl(StoreUrl):
    """A file on a web server. The query string can hold a signature."""

    url: str = field(repr=False)

    @cached_property
    def _parts(self) -> SplitResult:
        return urlsplit(self.url)

    @property
    def store(self) -> Store[HttpUrl, None]:
        return WEB

    @property
    def is_prefix(self) -> bool:
        return False  # the web knows no directories

    @property
    def name(self) -> str:
        """The last part of its path; "" when that ends with a slash."""
        return unquote(self._parts.path.rpartition("/")[2])

    @property
    def display(self) -> str:
        return urlunsplit(self._parts._replace(query="", fragment=""))

    @property
    def look_at(self) -> str:
        return f"curl --location --head '{self.display}'"

    @property
    def names_a_file(self) -> bool:
        """Whether there is a path, and no user name or password before it."""
        return bool(self._parts.path.strip("/")) and "@" not in self._parts.netloc

    @property
    def is_encrypted(self) -> bool:
        return self._parts.scheme == "https"

    @property
    def keeps_secrets(self) -> bool:
        """Whether no one on the way can read what is sent there."""
        return self.is_encrypted or self._parts.hostname in _LOOPBACK


def _parse(url: str) -> HttpUrl | None:
    if not is_web_address(url):
        return None
    found = HttpUrl(url)
    return found if found.names_a_file else None


def _settings_from(config_vars: ConfigVars) -> Found[None]:
    return None, []


def _open(url: HttpUrl, settings: None, options: ModelOptions) -> StoreObject:
    from slugfit.stores.web_client import HttpObject  # noqa: PLC0415 (takes time)

    return HttpObject(url, time.time, options.authorization)


def _risks(url: HttpUrl, is_pinned: bool) -> Iterator[Risk]:
    if not url.is_encrypted:
        yield Risk(
            "A model is fetched without encryption.",
            "Anyone between the server and the build can read it"
            + ("." if is_pinned else ", and replace it."),
            "Use https:// if the server offers it; pin the content with sha256 if not.",
        )


WEB = Store(
    schemes=("https", "http"),
    parse=_parse,
    example="https://host/path",
    form='"https://host/path" (no user name or password in it)',
    config_vars=(),
    settings_from=_settings_from,
    options={"authorization": lambda url: url.keeps_secrets},
    open=_open,
    risks=_risks,
    advice=Advice(
        denied=(
            "If the link is signed, make a new one: signatures expire.",
            "For private files in object storage, use s3://bucket/key with a key.",
            "If the server wants an Authorization header, name the config var that has it:\n"
            'authorization = "MODEL_AUTHORIZATION"',
        ),
        rejected="Check the source's URL.",
        unreachable="the host's name in the source;",
    ),
)

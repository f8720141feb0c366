"""Azure Blob Storage. The client is azure_client."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import unquote

from slugfit.helper.dependencies import Group
from slugfit.stores import StoreDirectory, StoreObject
from slugfit.stores.endpoints import base_from
from slugfit.stores.store import Advice, ConfigVar, ConfigVars, Found, ModelOptions, Store, secret
from slugfit.stores.urls import ESCAPES, PATH, ObjectUrl, by_form

_ENDPOINT = "AZURE_STORAGE_SERVICE_ENDPOINT"
_KEY = "AZURE_STORAGE_KEY"
_SAS_TOKEN = "AZURE_STORAGE_SAS_TOKEN"  # noqa: S105 (its name)
_SET_KEY = f"heroku config:set {_KEY}=…"
_SET_SAS_TOKEN = f"heroku config:set {_SAS_TOKEN}=…"
_SIGNATURE = re.compile(r"(?<![a-z])sig=([^&]+)")


@dataclass(frozen=True)
class AzureUrl(ObjectUrl):
    """What is in a container."""

    account: str
    container: str
    blob: str

    @property
    def store(self) -> Store[AzureUrl, AzureSettings]:
        return AZURE

    @property
    def parts(self) -> tuple[str, str, str]:
        return f"az://{self.account}/{self.container}", self.blob, ""

    @property
    def look_at(self) -> str:
        account = f"--account-name {self.account} --container-name {self.container}"
        return f"az storage blob list --output table {account}"


@dataclass(frozen=True)
class AzureSettings:
    """Without `endpoint`, each account has its own."""

    endpoint: str | None = None
    key: str | None = field(default=None, repr=False)
    sas_token: str | None = field(default=None, repr=False)


def _settings_from(config_vars: ConfigVars) -> Found[AzureSettings]:
    """The account's key or a SAS token."""
    endpoint, problems = base_from(config_vars, _ENDPOINT)
    sas_token = config_vars.get(_SAS_TOKEN, "").removeprefix("?") or None
    return AzureSettings(endpoint, config_vars.get(_KEY), sas_token), problems


def _signature(sas_token: str) -> Iterator[str]:
    yield sas_token.removeprefix("?")
    for value in _SIGNATURE.findall(sas_token):
        yield from (value, unquote(value))


def _open(
    url: AzureUrl, settings: AzureSettings, options: ModelOptions
) -> StoreObject | StoreDirectory:
    from slugfit.stores.azure_client import AzureBlob, AzurePrefix  # noqa: PLC0415 (takes time)

    return (AzurePrefix if url.is_prefix else AzureBlob)(url, settings, time.time)


AZURE = Store(
    schemes=("az",),
    parse=by_form(
        AzureUrl,
        r"az://(?P<account>[a-z0-9]{3,24})/(?P<container>\$?[a-z0-9][a-z0-9-]{1,62})/"
        rf"(?P<blob>{PATH})",
    ),
    example="az://account/container/blob",
    form='"az://account/container/blob" or "az://account/container/directory/"' + ESCAPES,
    group=Group.AZ,
    config_vars=(secret(_KEY), secret(_SAS_TOKEN, parts=_signature), ConfigVar(_ENDPOINT)),
    settings_from=_settings_from,
    open=_open,
    advice=Advice(
        denied=(
            f"Give the app a SAS token that may read, and list for a directory:\n{_SET_SAS_TOKEN}",
            f"Or give it the account's key:\n{_SET_KEY}",
            "Check that the account's firewall allows builds, whose addresses change.",
        ),
        denied_why="To clients without credentials, Azure says that a private container does not\n"
        "exist, or that it is not public.",
        rejected=f"Check the source's URL, and {_ENDPOINT} if it is set.",
        unreachable=f"the account's name in the source, and {_ENDPOINT} if it\nis set;",
        wrong_key=(
            "Compare the key with that of the account in the source. A trailing space or line\n"
            f"break makes it invalid:\n{_SET_KEY}",
            f"If the app has a SAS token, make a new one: it ends with its key.\n{_SET_SAS_TOKEN}",
        ),
        expired=(f"Make a new SAS token with a later expiry time:\n{_SET_SAS_TOKEN}",),
        expired_why="A SAS token is valid for the period that was chosen when it was made.",
        bucket="container",
        no_bucket=(
            "Compare the container's name with those of the account:\n"
            "az storage container list --output table --account-name …",
        ),
    ),
)

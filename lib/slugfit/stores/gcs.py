"""Google Cloud Storage. The client is gcs_client."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from slugfit.base.errors import Problem
from slugfit.helper.dependencies import Group
from slugfit.stores import StoreDirectory, StoreObject
from slugfit.stores.endpoints import base_from
from slugfit.stores.store import Advice, ConfigVar, ConfigVars, Found, ModelOptions, Store, secret
from slugfit.stores.urls import BUCKET, ESCAPES, PATH, ObjectUrl, by_form

_CREDENTIALS = "GOOGLE_CREDENTIALS"
_EMULATOR = "STORAGE_EMULATOR_HOST"
_SERVICE_ACCOUNT = ("client_email", "private_key", "token_uri")
_SET_CREDENTIALS = f'heroku config:set {_CREDENTIALS}="$(cat key.json)"'


@dataclass(frozen=True)
class GcsUrl(ObjectUrl):
    """What is in a bucket, be it of one generation."""

    bucket: str
    object: str
    generation: str | None = None

    @property
    def store(self) -> Store[GcsUrl, GcsSettings]:
        return GCS

    @property
    def parts(self) -> tuple[str, str, str]:
        version = f"?generation={self.generation}" if self.generation else ""
        return f"gs://{self.bucket}", self.object, version

    @property
    def look_at(self) -> str:
        return f"gcloud storage ls {self.directory}"


@dataclass(frozen=True)
class GcsSettings:
    """`service_account` is the JSON text of its key."""

    endpoint: str = "https://storage.googleapis.com"
    service_account: str | None = field(default=None, repr=False)


def _settings_from(config_vars: ConfigVars) -> Found[GcsSettings]:
    """The service account, and where Google's clients would look for an emulator."""
    host = config_vars.get(_EMULATOR, "")
    # Some of Google's clients take it only with a scheme, others only without.
    emulator = host if not host or "://" in host else f"http://{host}"
    endpoint, problems = base_from({_EMULATOR: emulator}, _EMULATOR)
    account = config_vars.get(_CREDENTIALS)
    problems += _service_account_problems(account) if account else []
    return GcsSettings(endpoint or GcsSettings.endpoint, account), problems


def _service_account_problems(text: str) -> list[Problem]:
    """One that names what is missing, and shows nothing of what is there."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        document = None
    if isinstance(document, dict):
        values = {key: document.get(key) for key in _SERVICE_ACCOUNT}
        missing = [key for key, value in values.items() if not (value and isinstance(value, str))]
        found = f"JSON without {', '.join(missing)}" if missing else ""
    else:
        found = "not a JSON object (the value is not shown)"
    where, allowed = f"config var {_CREDENTIALS}", "the JSON key of a service account"
    return [Problem(where, found, allowed, _SET_CREDENTIALS)] if found else []


def _private_key(account: str) -> Iterator[str]:
    """As it stands in JSON, the key is one line; its own lines are what people would see."""
    yield account.replace("\\n", "\n")
    try:
        yield str(json.loads(account)["private_key"])
    except (ValueError, TypeError, KeyError, RecursionError):
        return


def _open(
    url: GcsUrl, settings: GcsSettings, options: ModelOptions
) -> StoreObject | StoreDirectory:
    from slugfit.stores.gcs_client import GcsObject, GcsPrefix  # noqa: PLC0415 (takes time)

    return (GcsPrefix if url.is_prefix else GcsObject)(url, settings, time.time)


GCS = Store(
    schemes=("gs",),
    parse=by_form(
        GcsUrl,
        rf"gs://(?P<bucket>{BUCKET})/(?P<object>{PATH})(?:\?generation=(?P<generation>[0-9]{{1,19}}))?",
    ),
    example="gs://bucket/object",
    form='"gs://bucket/object", "gs://bucket/object?generation=1" or "gs://bucket/directory/"'
    + ESCAPES,
    group=Group.GS,
    config_vars=(secret(_CREDENTIALS, parts=_private_key), ConfigVar(_EMULATOR)),
    settings_from=_settings_from,
    open=_open,
    advice=Advice(
        denied=(
            "Give the service account the role Storage Object Viewer on the bucket. If the app\n"
            f"has no service account, give it the key of one:\n{_SET_CREDENTIALS}",
            "Compare the object's name with what is stored.",
        ),
        denied_why="Google also denies access to an object that does not exist, when the service\n"
        "account may not list the bucket.",
        rejected=f"Check the source's URL, and {_EMULATOR} if it is set.",
        unreachable=f"{_EMULATOR}, and token_uri in {_CREDENTIALS}, if they are set;",
        wrong_key=(
            "Check that the service account and its key still exist:\n"
            "gcloud iam service-accounts keys list --iam-account=…",
            f"Give the app the whole JSON file of a key:\n{_SET_CREDENTIALS}",
        ),
        skewed_why="Google refuses signatures that are more than a few minutes off.",
        no_bucket=("Compare the bucket's name with those of your project:\ngcloud storage ls",),
    ),
)

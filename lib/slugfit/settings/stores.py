"""What the config vars say of each kind of store, and what is wrong with it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, TypeVar, get_args
from urllib.parse import urlsplit

from slugfit.settings.failures import Problem
from slugfit.settings.model import (
    AddressingStyle,
    AzureSettings,
    GcsSettings,
    HubSettings,
    S3Credentials,
    S3Settings,
)
from slugfit.settings.urls import is_web_address

ADDRESSING_STYLE = "SLUGFIT_S3_ADDRESSING_STYLE"
_SERVICE_ACCOUNT = ("client_email", "private_key", "token_uri")

_T = TypeVar("_T")
_Found = tuple[_T, list[Problem]]


def stores_from(config_vars: Mapping[str, str]) -> _Found[dict[str, Any]]:
    """The settings of each kind of store, by their name in Settings."""
    found = {
        "s3": s3_from(config_vars),
        "hub": hub_from(config_vars),
        "gcs": gcs_from(config_vars),
        "azure": azure_from(config_vars),
    }
    settings = {name: one for name, (one, _) in found.items()}
    return settings, [problem for _, problems in found.values() for problem in problems]


def s3_from(config_vars: Mapping[str, str]) -> _Found[S3Settings]:
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
        key, secret = (get(f"{prefix}{half}") for half in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY"))
        if key and secret:
            token = get("AWS_SESSION_TOKEN") if prefix == "AWS_" else None
            credentials.append(S3Credentials(key, secret, token, own_region, bucket))
        elif key or secret:
            problems.append(_missing_half(prefix, "SECRET_ACCESS_KEY" if key else "ACCESS_KEY_ID"))
    endpoint, bad_endpoint = _endpoint(config_vars, "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")
    style, bad_style = _addressing_style(get(ADDRESSING_STYLE))
    problems += bad_endpoint + bad_style
    return S3Settings(tuple(credentials), region, endpoint, style), problems


def hub_from(config_vars: Mapping[str, str]) -> _Found[HubSettings]:
    """The hub and the token for it."""
    endpoint, problems = _endpoint(config_vars, "HF_ENDPOINT")
    token = config_vars.get("HF_TOKEN")
    return HubSettings(_without_slash(endpoint) or HubSettings.endpoint, token), problems


def gcs_from(config_vars: Mapping[str, str]) -> _Found[GcsSettings]:
    """The service account, and where Google's clients would look for an emulator."""
    name = "STORAGE_EMULATOR_HOST"
    host = config_vars.get(name, "")
    # Some of Google's clients take it only with a scheme, others only without.
    emulator = host if not host or "://" in host else f"http://{host}"
    endpoint, problems = _endpoint({name: emulator}, name)
    account = config_vars.get("GOOGLE_CREDENTIALS")
    problems += _service_account_problems(account) if account else []
    return GcsSettings(_without_slash(endpoint) or GcsSettings.endpoint, account), problems


def azure_from(config_vars: Mapping[str, str]) -> _Found[AzureSettings]:
    """The account's key or a SAS token."""
    endpoint, problems = _endpoint(config_vars, "AZURE_STORAGE_SERVICE_ENDPOINT")
    sas_token = config_vars.get("AZURE_STORAGE_SAS_TOKEN", "").removeprefix("?") or None
    key = config_vars.get("AZURE_STORAGE_KEY")
    return AzureSettings(_without_slash(endpoint), key, sas_token), problems


def _endpoint(config_vars: Mapping[str, str], *names: str) -> _Found[str | None]:
    """The first of these vars that is set."""
    for name in names:
        if value := config_vars.get(name):
            allowed = "a URL: https://host[:port]"
            problem = Problem(f"config var {name}", f'"{value}"', allowed)
            return value, [] if is_web_address(value) else [problem]
    return None, []


def _without_slash(endpoint: str | None) -> str | None:
    """Paths are appended to it."""
    return endpoint.rstrip("/") if endpoint else None


def _addressing_style(value: str | None) -> _Found[AddressingStyle]:
    styles: tuple[AddressingStyle, ...] = get_args(AddressingStyle)
    for style in styles:
        if value in (style, None):
            return style, []
    allowed = " or ".join(f'"{style}"' for style in styles)
    return "auto", [Problem(f"config var {ADDRESSING_STYLE}", f'"{value}"', allowed)]


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
        found = "no JSON object (what it is, is not shown)"
    where, allowed = "config var GOOGLE_CREDENTIALS", "the JSON key of a service account"
    hint = 'heroku config:set GOOGLE_CREDENTIALS="$(cat key.json)"'
    return [Problem(where, found, allowed, hint)] if found else []


def _missing_half(prefix: str, half: str) -> Problem:
    return Problem(f"config var {prefix}{half}", "nothing: it is not set", "both halves of the key")


def _host(url: str) -> str:
    """The host of a URL; "" when it has none, or is none."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""

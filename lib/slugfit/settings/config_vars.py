"""Heroku's config vars: which ones Slugfit reads, and what they set.

ENV_DIR holds a file for each var. Only the names below are read: apps define
vars called PATH or HOME, too.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from slugfit.settings.failures import Problem
from slugfit.settings.model import S3Credentials, S3Settings

_SETTINGS = {
    "SLUGFIT_BUDGET_LIMIT": ("budget", "limit"),
    "SLUGFIT_BUDGET_WARN": ("budget", "warn"),
    "SLUGFIT_STRIP_LEVEL": ("strip", "level"),
}
_MODELS = "SLUGFIT_MODELS"
_SECRET = (
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "BUCKETEER_AWS_ACCESS_KEY_ID",
    "BUCKETEER_AWS_SECRET_ACCESS_KEY",
    "CLOUDCUBE_ACCESS_KEY_ID",
    "CLOUDCUBE_SECRET_ACCESS_KEY",
)
_OTHER = (
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
    "AWS_ENDPOINT_URL",
    "AWS_ENDPOINT_URL_S3",
    "BUCKETEER_AWS_REGION",
    "BUCKETEER_BUCKET_NAME",
    "CLOUDCUBE_URL",
)

ConfigVars = Mapping[str, str]


def read_config_vars(env_dir: Path) -> ConfigVars:
    """The vars that Slugfit knows, without surrounding white space. Blank counts as unset."""
    found = {}
    for name in (*_SETTINGS, _MODELS, *_SECRET, *_OTHER):
        file = env_dir / name
        value = file.read_text(encoding="utf-8", errors="replace").strip() if file.is_file() else ""
        if value:
            found[name] = value
    return found


def secrets_in(config_vars: ConfigVars) -> list[str]:
    """The values that no output may show."""
    return [config_vars[name] for name in _SECRET if name in config_vars]


def table_from(config_vars: ConfigVars) -> dict[str, Any]:
    """What the vars set, in the shape of slugfit.toml."""
    table: dict[str, Any] = {}
    for name, (section, key) in _SETTINGS.items():
        if name in config_vars:
            table.setdefault(section, {})[key] = config_vars[name]
    if _MODELS in config_vars:
        lines = [line.strip() for line in config_vars[_MODELS].splitlines()]
        table["models"] = [_model(line) for line in lines if line]
    return table


def var_for(path: tuple[str | int, ...]) -> str:
    """The var that set the key at `path`, and which of its lines."""
    if path[0] == "models":
        return f"config var {_MODELS}, line {int(path[1]) + 1}"
    return next(f"config var {name}" for name, target in _SETTINGS.items() if target == path)


def s3_from(config_vars: ConfigVars) -> tuple[S3Settings, list[Problem]]:
    """The key pairs at hand, and a problem for each pair that lacks a half."""
    get = config_vars.get
    region = get("AWS_REGION") or get("AWS_DEFAULT_REGION")
    cube = urlsplit(get("CLOUDCUBE_URL", ""))
    pairs = [
        ("BUCKETEER_AWS_", get("BUCKETEER_AWS_REGION"), get("BUCKETEER_BUCKET_NAME")),
        ("CLOUDCUBE_", None, (cube.hostname or "").split(".")[0] or None),
        ("AWS_", region, None),
    ]
    credentials, problems = [], []
    for prefix, own_region, bucket in pairs:
        key, secret = (get(f"{prefix}{half}") for half in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY"))
        if key and secret:
            token = get("AWS_SESSION_TOKEN") if prefix == "AWS_" else None
            credentials.append(S3Credentials(key, secret, token, own_region, bucket))
        elif key or secret:
            problems.append(_missing_half(prefix, "SECRET_ACCESS_KEY" if key else "ACCESS_KEY_ID"))
    endpoint = get("AWS_ENDPOINT_URL_S3") or get("AWS_ENDPOINT_URL")
    if endpoint and not _is_http_url(endpoint):
        problems.append(_bad_endpoint(config_vars))
    return S3Settings(tuple(credentials), region, endpoint), problems


def _model(line: str) -> dict[str, str]:
    """`source -> path sha256=…`; path and checksum may be missing."""
    source, _, rest = line.partition("->")
    rest, _, sha256 = rest.partition("sha256=")
    entry = {"source": source.strip(), "path": rest.strip(), "sha256": sha256.strip()}
    return {key: value for key, value in entry.items() if value or key == "source"}


def _missing_half(prefix: str, half: str) -> Problem:
    return Problem(f"config var {prefix}{half}", "nothing: it is not set", "both halves of the key")


def _bad_endpoint(config_vars: ConfigVars) -> Problem:
    name = next(n for n in ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL") if n in config_vars)
    return Problem(f"config var {name}", f'"{config_vars[name]}"', "a URL: https://host[:port]")


def _is_http_url(text: str) -> bool:
    url = urlsplit(text)
    return url.scheme in ("http", "https") and bool(url.hostname)

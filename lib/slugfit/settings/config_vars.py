"""Heroku's config vars: which ones Slugfit reads, and what they set.

ENV_DIR holds a file for each var. Only the names below are read: apps define
vars called PATH or HOME, too.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from difflib import get_close_matches
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
_CHECKSUM = re.compile(r"\s+sha256=(\S*)$")
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
    """The vars that Slugfit knows; blank counts as unset. Unknown SLUGFIT_ ones without a value."""
    found = {}
    for name in (*_SETTINGS, _MODELS, *_SECRET, *_OTHER):
        file = env_dir / name
        value = file.read_text(encoding="utf-8", errors="replace") if file.is_file() else ""
        if value.strip():
            # The lines of the models are counted from the first.
            found[name] = value if name == _MODELS else value.strip()
    named = sorted(path.name for path in env_dir.glob("SLUGFIT_*"))
    return found | {name: "" for name in named if name not in (*_SETTINGS, _MODELS)}


def unknown_vars(config_vars: ConfigVars) -> list[Problem]:
    """A problem for each SLUGFIT_ var that means nothing: it was meant to."""
    known = [*_SETTINGS, _MODELS]
    return [
        Problem(
            f"config var {name}",
            "a config var that Slugfit does not know",
            ", ".join(known),
            "".join(f"Perhaps you meant {close}?" for close in get_close_matches(name, known, n=1)),
        )
        for name in config_vars
        if name.startswith("SLUGFIT_") and name not in known
    ]


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
        table["models"] = [_model(line) for _, line in _model_lines(config_vars)]
    return table


def var_for(path: tuple[str | int, ...], config_vars: ConfigVars) -> str:
    """The var that set the key at `path`, and which of its lines."""
    if path[0] == "models":
        number, _ = _model_lines(config_vars)[int(path[1])]
        return f"config var {_MODELS}, line {number}"
    return next(f"config var {name}" for name, target in _SETTINGS.items() if target == path)


def s3_from(config_vars: ConfigVars) -> tuple[S3Settings, list[Problem]]:
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
    endpoint = get("AWS_ENDPOINT_URL_S3") or get("AWS_ENDPOINT_URL")
    if endpoint and not _is_http_url(endpoint):
        problems.append(_bad_endpoint(config_vars))
    return S3Settings(tuple(credentials), region, endpoint), problems


def _model(line: str) -> dict[str, str]:
    """`source -> path sha256=…`; path and checksum may be missing."""
    checksum = _CHECKSUM.search(line)
    source, _, path = _CHECKSUM.sub("", line).partition("->")
    entry = {"source": source.strip(), "path": path.strip()}
    entry["sha256"] = checksum[1] if checksum else ""
    return {key: value for key, value in entry.items() if value or key == "source"}


def _model_lines(config_vars: ConfigVars) -> list[tuple[int, str]]:
    """The lines that say something, each with its number from 1."""
    lines = enumerate(config_vars[_MODELS].splitlines(), start=1)
    return [(number, line.strip()) for number, line in lines if line.strip()]


def _missing_half(prefix: str, half: str) -> Problem:
    return Problem(f"config var {prefix}{half}", "nothing: it is not set", "both halves of the key")


def _bad_endpoint(config_vars: ConfigVars) -> Problem:
    name = next(n for n in ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL") if n in config_vars)
    return Problem(f"config var {name}", f'"{config_vars[name]}"', "a URL: https://host[:port]")


def _is_http_url(text: str) -> bool:
    return text.startswith(("http://", "https://")) and bool(_host(text))


def _host(url: str) -> str:
    """The host of a URL; "" when it has none, or is none."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""

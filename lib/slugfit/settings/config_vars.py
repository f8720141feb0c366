"""Heroku's config vars: which ones Slugfit reads, and what they set.

ENV_DIR holds a file for each var. Only the names below are read: apps define
vars called PATH or HOME, too.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from slugfit.settings.failures import Problem
from slugfit.settings.stores import ADDRESSING_STYLE

_SETTINGS = {
    "SLUGFIT_BUDGET_LIMIT": ("budget", "limit"),
    "SLUGFIT_BUDGET_WARN": ("budget", "warn"),
    "SLUGFIT_STRIP_LEVEL": ("strip", "level"),
    "SLUGFIT_STRIP_BYTECODE": ("strip", "bytecode"),
    "SLUGFIT_STRIP_SMOKE": ("strip", "smoke"),
    "SLUGFIT_FETCH_DEADLINE": ("fetch", "deadline"),
    "SLUGFIT_CACHE_LIMIT": ("fetch", "cache_limit"),
}
_MODELS = "SLUGFIT_MODELS"
_OWN = (*_SETTINGS, _MODELS, ADDRESSING_STYLE)
_CHECKSUM = re.compile(r"\s+sha256=(\S*)$")
_SIGNATURE = re.compile(r"(?<![a-z])sig=([^&]+)")
_SECRET = (
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "BUCKETEER_AWS_ACCESS_KEY_ID",
    "BUCKETEER_AWS_SECRET_ACCESS_KEY",
    "CLOUDCUBE_ACCESS_KEY_ID",
    "CLOUDCUBE_SECRET_ACCESS_KEY",
    "HF_TOKEN",
    "GOOGLE_CREDENTIALS",
    "AZURE_STORAGE_KEY",
    "AZURE_STORAGE_SAS_TOKEN",
)
_OTHER = (
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
    "AWS_ENDPOINT_URL",
    "AWS_ENDPOINT_URL_S3",
    "BUCKETEER_AWS_REGION",
    "BUCKETEER_BUCKET_NAME",
    "CLOUDCUBE_URL",
    "HF_ENDPOINT",
    "STORAGE_EMULATOR_HOST",
    "AZURE_STORAGE_SERVICE_ENDPOINT",
)

ConfigVars = Mapping[str, str]
# Reads one more var, by a name that only the configuration tells.
Named = Callable[[str], "str | None"]


def read_config_vars(env_dir: Path) -> ConfigVars:
    """The vars that Slugfit knows; blank counts as unset. Unknown SLUGFIT_ ones without a value."""
    named = sorted(path.name for path in env_dir.glob("SLUGFIT_*"))
    return _known(reader(env_dir)) | {name: "" for name in named if name not in _OWN}


def config_vars_from(environ: Mapping[str, str]) -> ConfigVars:
    """The same vars, from the environment of a developer's computer."""
    return _known(lambda name: _readable(environ.get(name, "")))


def reader(env_dir: Path) -> Named:
    """Reads any var of ENV_DIR; None when it is not set."""

    def read(name: str) -> str | None:
        file = env_dir / name
        return file.read_text(encoding="utf-8", errors="replace") if file.is_file() else None

    return read


def _readable(value: str) -> str:
    """As ENV_DIR is read: what is not UTF-8 is replaced."""
    return value.encode(errors="surrogateescape").decode(errors="replace")


def _known(read: Named) -> dict[str, str]:
    values = {name: read(name) or "" for name in (*_OWN, *_SECRET, *_OTHER)}
    # The lines of the models are counted from the first.
    return {
        name: value if name == _MODELS else value.strip()
        for name, value in values.items()
        if value.strip()
    }


def unknown_vars(config_vars: ConfigVars) -> list[Problem]:
    """A problem for each SLUGFIT_ var that means nothing: it was meant to."""
    return [
        Problem(
            f"config var {name}",
            "a config var that Slugfit does not know",
            ", ".join(_OWN),
            "".join(f"Perhaps you meant {close}?" for close in get_close_matches(name, _OWN, n=1)),
        )
        for name in config_vars
        if name.startswith("SLUGFIT_") and name not in _OWN
    ]


def secrets_in(config_vars: ConfigVars) -> list[str]:
    """The values that no output may show, and those parts of them that it could show alone."""
    account = config_vars.get("GOOGLE_CREDENTIALS", "")
    sas_token = config_vars.get("AZURE_STORAGE_SAS_TOKEN", "").removeprefix("?")
    return [
        *(config_vars[name] for name in _SECRET if name in config_vars),
        # As it stands in JSON, the key is one line; its own lines are what people would see.
        *([account.replace("\\n", "\n"), _private_key(account)] if account else []),
        *([sas_token, *_signature(sas_token)] if sas_token else []),
    ]


def authorization_from(name: str | None, named: Named) -> tuple[str | None, Problem | None]:
    """The Authorization header's value, in the var `name`, and a problem if it can't be one."""
    if name is None:
        return None, None
    value = (named(name) or "").strip()
    if value and value.isascii() and value.isprintable():
        return value, None
    found = f"config var {name}, which is {'not one line of ASCII' if value else 'not set'}"
    return None, Problem("", found, "a config var with the header's value: Bearer …")


def secrets_of(authorization: str) -> list[str]:
    """The value of an Authorization header, and what it has after "Bearer"."""
    return [authorization, *authorization.split()[1:]]


def _signature(sas_token: str) -> list[str]:
    return [spell(value) for value in _SIGNATURE.findall(sas_token) for spell in (str, unquote)]


def _private_key(account: str) -> str:
    try:
        return str(json.loads(account)["private_key"])
    except (ValueError, TypeError, KeyError, RecursionError):
        return ""


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

"""Heroku's config vars: which ones Slugfit reads, and which keys they set.

ENV_DIR holds a file for each var. Only the names below are read: apps define
vars called PATH or HOME, too.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from slugfit.base.errors import Problem
from slugfit.settings.keys import keys_of
from slugfit.settings.model import MODELS_VAR, SECTIONS
from slugfit.stores.registry import CONFIG_VARS
from slugfit.stores.store import ConfigVars

_SETTINGS = {
    key.var: (section, name)
    for section, settings in SECTIONS.items()
    for name, key in keys_of(settings).items()
    if key.var
}
_OF_STORES = tuple(var.name for var in CONFIG_VARS)
_OWN = (*_SETTINGS, MODELS_VAR, *(name for name in _OF_STORES if name.startswith("SLUGFIT_")))
_CHECKSUM = re.compile(r"\s+sha256=(\S*)$")

# Reads one more config var, which the configuration names.
Named = Callable[[str], "str | None"]


def read_config_vars(env_dir: Path) -> ConfigVars:
    """The vars that Slugfit knows, unless they are blank; unknown SLUGFIT_ vars without a value."""
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
    values = {name: read(name) or "" for name in (*_OWN, *_OF_STORES)}
    # The lines of the models are counted from the first.
    return {
        name: value if name == MODELS_VAR else value.strip()
        for name, value in values.items()
        if value.strip()
    }


def unknown_vars(config_vars: ConfigVars) -> list[Problem]:
    """A problem for each unknown SLUGFIT_ var: it is probably misspelt."""
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


def table_from(config_vars: ConfigVars) -> dict[str, Any]:
    """What the vars set, in the shape of slugfit.toml."""
    table: dict[str, Any] = {}
    for name, (section, key) in _SETTINGS.items():
        if name in config_vars:
            table.setdefault(section, {})[key] = config_vars[name]
    if MODELS_VAR in config_vars:
        table["models"] = [_model(line) for _, line in _model_lines(config_vars)]
    return table


def var_for(path: tuple[str | int, ...], config_vars: ConfigVars) -> str:
    """The var that set the key at `path`, and which of its lines."""
    if path[0] == "models":
        number, _ = _model_lines(config_vars)[int(path[1])]
        return f"config var {MODELS_VAR}, line {number}"
    return next(f"config var {name}" for name, target in _SETTINGS.items() if target == path)


def _model(line: str) -> dict[str, str]:
    """`source -> path sha256=…`; path and checksum may be missing."""
    checksum = _CHECKSUM.search(line)
    source, _, path = _CHECKSUM.sub("", line).partition("->")
    entry = {"source": source.strip(), "path": path.strip()}
    entry["sha256"] = checksum[1] if checksum else ""
    return {key: value for key, value in entry.items() if value or key == "source"}


def _model_lines(config_vars: ConfigVars) -> list[tuple[int, str]]:
    """The lines that are not blank, each with its number from 1."""
    lines = enumerate(config_vars[MODELS_VAR].splitlines(), start=1)
    return [(number, line.strip()) for number, line in lines if line.strip()]

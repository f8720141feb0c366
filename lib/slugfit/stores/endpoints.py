"""Config vars that say where a store is."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from slugfit.base.errors import Problem
from slugfit.stores.store import Found


def endpoint_from(config_vars: Mapping[str, str], *names: str) -> Found[str | None]:
    """The first of these vars that is set."""
    for name in names:
        if value := config_vars.get(name):
            allowed = "a URL: https://host[:port]"
            problem = Problem(f"config var {name}", f'"{value}"', allowed)
            return value, [] if is_web_address(value) else [problem]
    return None, []


def base_from(config_vars: Mapping[str, str], name: str) -> Found[str | None]:
    """An endpoint to which paths can be appended: without a slash at its end."""
    endpoint, problems = endpoint_from(config_vars, name)
    return endpoint and endpoint.rstrip("/"), problems


def is_web_address(url: str) -> bool:
    """Whether `url` is an http(s) URL with a host, and a port only if there can be one."""
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False

"""What a resolver has found, as pylock.toml has it, and which of a version's wheels is taken.

Source: the "pylock.toml" specification.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from slugfit.base.toml import loads
from slugfit.packages.target import Machine

EDITABLE = "the app itself"
SOURCE = "only as source"


@dataclass(frozen=True)
class Wheel:
    """A file to install. `size` is in bytes, if the index tells; `sha256` likewise."""

    name: str
    url: str
    size: int | None = None
    sha256: str | None = None


@dataclass(frozen=True)
class Pinned:
    """A distribution to install. Without `wheel`, `instead` says where it comes from.

    `source_bytes` is the size of its source archive, if that is all there is and the index tells.
    """

    name: str
    version: str
    wheel: Wheel | None = None
    instead: str = ""
    source_bytes: int | None = None


def read_lock(text: str, machine: Machine) -> tuple[Pinned, ...]:
    """The packages of a pylock.toml, each with the wheel that fits `machine`."""
    pinned = (_pinned(package, machine) for package in loads(text).get("packages", []))
    return tuple(sorted(pinned, key=lambda p: p.name))


def _pinned(package: Mapping[str, Any], machine: Machine) -> Pinned:
    name, version = package["name"], package.get("version", "")
    wheels = {wheel.name: wheel for wheel in _wheels(package)}
    fitting = machine.best(wheels)
    if fitting:
        return Pinned(name, version or fitting.split("-")[1], wheels[fitting])
    return Pinned(name, version, None, _instead(package), package.get("sdist", {}).get("size"))


def _wheels(package: Mapping[str, Any]) -> Iterator[Wheel]:
    archive = package.get("archive")
    for entry in [*package.get("wheels", ()), *([archive] if archive else [])]:
        url = entry.get("url") or Path(entry["path"]).absolute().as_uri()
        name = entry.get("name") or unquote(urlsplit(url).path.rpartition("/")[2])
        if name.endswith(".whl"):
            yield Wheel(name, url, entry.get("size"), entry.get("hashes", {}).get("sha256"))


def _instead(package: Mapping[str, Any]) -> str:
    if "vcs" in package:
        return f"from {package['vcs'].get('type', 'a repository')}"
    if "directory" in package:
        is_editable = package["directory"].get("editable", False)
        return EDITABLE if is_editable else "from a directory of the app"
    return SOURCE

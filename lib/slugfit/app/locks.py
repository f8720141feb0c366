"""Lock files of Pipenv and Poetry as lines of a requirements file.

Each package has its marker, so that a resolver without dependencies selects those for a dyno.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from slugfit.app.failures import NotSupported, UnreadableRequirements
from slugfit.app.package_manager import read_json
from slugfit.base.toml import loads

_VARIABLE = re.compile(r"\$\{?(\w+)\}?")

Named = Callable[[str], "str | None"]


def from_pipenv(lock: Path, named: Named) -> str:
    """The lines for Pipfile.lock; `named` looks up the variables in its indexes' URLs."""
    document: Mapping[str, Any] = read_json(lock)
    sources = document.get("_meta", {}).get("sources", [])
    try:
        lines = [
            *(
                f"{'--extra-index-url' if place else '--index-url'} {_filled(each['url'], named)}"
                for place, each in enumerate(sources)
            ),
            *(_pipenv(name, entry) for name, entry in document.get("default", {}).items()),
        ]
    except (KeyError, TypeError, AttributeError):
        raise UnreadableRequirements(str(lock), "It is not a valid Pipfile.lock.") from None
    return "\n".join([*lines, ""])


def _filled(url: str, named: Named) -> str:
    return _VARIABLE.sub(lambda match: named(match[1]) or match[0], url)


def _pipenv(name: str, entry: Mapping[str, Any]) -> str:
    marker = f" ; {entry['markers']}" if entry.get("markers") else ""
    if "git" in entry:
        return f"{name} @ git+{entry['git'].removeprefix('git+')}@{entry['ref']}{marker}"
    if "file" in entry:
        return f"{name} @ {entry['file']}{marker}"
    if "path" in entry:
        return f"-e {entry['path']}" if entry.get("editable") else entry["path"] + marker
    return f"{name}{entry['version']}{marker}"


def from_poetry(lock: Path) -> str:
    """The lines for poetry.lock: the packages of its main group."""
    try:
        document = loads(lock.read_text(encoding="utf-8"))
        packages = document.get("package", [])
        if any("groups" not in package for package in packages):
            raise NotSupported(
                "poetry.lock is in a format from before poetry 2.",
                str(lock),
                "Update the lock file, and commit it:\npoetry lock",
            )
        return "\n".join([*_poetry(packages), ""])
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UnreadableRequirements(str(lock), str(error)) from None


def _poetry(packages: list[Mapping[str, Any]]) -> Iterator[str]:
    mains = [package for package in packages if "main" in package["groups"]]
    sources = [package["source"] for package in mains if "source" in package]
    for url in sorted({s["url"] for s in sources if s.get("type") == "legacy"}):
        yield f"--extra-index-url {url}"
    for package in mains:
        if not package.get("optional"):
            yield _locked(package) + _marker(package)


def _locked(package: Mapping[str, Any]) -> str:
    name, source = package["name"], package.get("source", {})
    if source.get("type") == "git":
        return f"{name} @ git+{source['url']}@{source['resolved_reference']}"
    if source.get("type") in ("url", "file", "directory"):
        return f"{name} @ {source['url']}"
    return f"{name}=={package['version']}"


def _marker(package: Mapping[str, Any]) -> str:
    """Poetry writes one for all groups, or one for each."""
    markers = package.get("markers")
    text = markers.get("main") if isinstance(markers, dict) else markers
    return f" ; {text}" if text else ""

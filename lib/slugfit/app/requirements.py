"""The app's direct requirements, and which of its files names each."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name, parse_wheel_filename

from slugfit.app.package_manager import Manager, package_files
from slugfit.app.requirement_lines import read_text, requirement_lines
from slugfit.base.toml import loads

_NAMED = re.compile(r"\s*([\w.-]+\s*(?:\[[^\]]*\])?)\s*(?:[@(;<>]|[=!~]=)")
_OPTION_OF_LINE = re.compile(r"\s--?[a-z].*")  # --hash and others, after a requirement
_EGG = re.compile(r"[#&]egg=([A-Za-z0-9._-]+(?:\[[^\]]*\])?)")
_NOT_PACKAGES = frozenset(("python",))


@dataclass(frozen=True)
class Demand:
    """A requirement. `marker` is None where it always holds, or is malformed.

    The name is normalized; `origin` is the file that has it.
    """

    name: str
    extras: tuple[str, ...] = ()
    marker: Marker | None = None
    origin: str = ""


def parse(text: str) -> Demand | None:
    """A requirement as metadata and requirements files write it, or None."""
    try:
        found = Requirement(text)
    except (ValueError, RecursionError):  # such as InvalidRequirement
        return _parse_malformed(text)
    return Demand(canonicalize_name(found.name), tuple(sorted(found.extras)), found.marker)


def _parse_malformed(text: str) -> Demand | None:
    """The name, extras and marker of a requirement in which versions or marker are malformed."""
    match = _NAMED.match(text)
    found = parse(match[1]) if match else None
    return replace(found, marker=_marker(text.partition(";")[2])) if found else None


def _marker(text: str) -> Marker | None:
    try:
        return Marker(text)
    except (ValueError, RecursionError):
        return None


def demands(app: Path) -> tuple[Demand, ...]:
    """What the file requires that heroku/python installs from.

    Nothing where there is no such file, or a malformed one: heroku/python has failed on it.
    """
    found = package_files(app)
    return tuple(_READERS[found[0].manager](app)) if found else ()


def _requirements_files(app: Path) -> Iterator[Demand]:
    lines = [
        (replace(found, origin=line.file), _via(line.comments))
        for line in requirement_lines(app)
        if (found := demand_of(line.text))
    ]
    listed = {demand.name for demand, _ in lines}
    # A tool that wrote the file may note what requires what: only the roots are direct.
    yield from (demand for demand, via in lines if not via or not via <= listed)


def _via(comments: Iterable[str]) -> frozenset[str]:
    """What requires a line, as comments of `pip-compile` and `uv export` note: "via flask"."""
    text = " ".join(comments).replace("#", " ").replace(",", " ")
    first, *names = re.sub(r"-c\s+\S+", " ", text).split() or [""]
    return frozenset(map(canonicalize_name, names)) if first == "via" else frozenset()


def demand_of(line: str) -> Demand | None:
    """What a logical line requires; None for an option, or a path."""
    line = re.sub(r"^(?:-e|--editable)[\s=]+", "", line)
    if line.startswith("-"):
        return None
    if match := _EGG.search(line):
        return parse(match[1])
    return _of_wheel(line) or parse(_OPTION_OF_LINE.sub("", line))


def _of_wheel(line: str) -> Demand | None:
    """The distribution of a line that is a path or URL of a wheel; None for other lines."""
    path = re.split(r"[\s;#?\[]", line, maxsplit=1)[0]
    try:
        return Demand(parse_wheel_filename(unquote(posixpath.basename(path)))[0])
    except ValueError:
        return None


def _pipfile(app: Path) -> Iterator[Demand]:
    packages = _table(_toml(app / "Pipfile"), "packages")
    for name, value in packages.items():
        yield _of_table(name, value, "Pipfile")


def _pyproject(app: Path) -> Iterator[Demand]:
    document = _toml(app / "pyproject.toml")
    listed = _table(document, "project").get("dependencies", [])
    for text in listed if isinstance(listed, list) else []:
        if isinstance(text, str) and (found := parse(text)):
            yield replace(found, origin="pyproject.toml")
    poetry = _table(_table(_table(document, "tool"), "poetry"), "dependencies")
    for name, value in poetry.items():
        if name not in _NOT_PACKAGES:
            yield _of_table(name, value, "pyproject.toml")


_READERS: Mapping[Manager, Callable[[Path], Iterator[Demand]]] = {
    "pipenv": _pipfile,
    "pip": _requirements_files,
    "poetry": _pyproject,
    "uv": _pyproject,
}


def _of_table(name: str, value: Any, origin: str) -> Demand:
    """A requirement of a Pipfile or of Poetry: a version, or a table."""
    table = value if isinstance(value, Mapping) else {}
    extras, marker = table.get("extras", []), table.get("markers", "")
    return Demand(
        canonicalize_name(name),
        tuple(sorted(str(extra) for extra in extras)) if isinstance(extras, list) else (),
        _marker(marker) if isinstance(marker, str) else None,
        origin,
    )


def _toml(file: Path) -> dict[str, Any]:
    try:
        return loads(read_text(file))
    except ValueError:
        return {}


def _table(document: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = document.get(key)
    return found if isinstance(found, Mapping) else {}

"""What the app itself asks for: the requirements in its own files, and which file names them."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from slugfit.distributions import normalized
from slugfit.files import inside
from slugfit.toml import loads

_LONGEST = 2_000_000  # bytes of a file that people, or tools for them, write
_REQUIREMENT = re.compile(
    r"\s*(?P<name>[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)\s*(?:\[(?P<extras>[^\]]*)\])?"
    r"(?P<rest>\s*(?:@|\(|;|[<>]|[=!~]=|$).*)",
    re.DOTALL,
)
_NESTED = re.compile(r"(?:-r|--requirement)[\s=]*(\S+)")
_OPTION_OF_LINE = re.compile(r"\s--?[a-z].*")  # --hash and others, after a requirement
_EGG = re.compile(r"[#&]egg=([A-Za-z0-9._-]+)(?:\[([^\]]*)\])?")
_WHEEL = re.compile(r"(?:^|/)([A-Za-z0-9._]+)-[^-/]+(?:-[^-/]+){3,4}\.whl")
_NOT_PACKAGES = frozenset(("python",))


@dataclass(frozen=True)
class Demand:
    """A requirement. `marker` is "" where it holds always; `origin` is the file that has it."""

    name: str
    extras: tuple[str, ...] = ()
    marker: str = ""
    origin: str = ""


def parse(text: str) -> Demand | None:
    """A requirement as metadata and requirements files have it, or None."""
    match = _REQUIREMENT.fullmatch(text)
    if not match:
        return None
    # Of `name @ URL ; marker`, the URL can have a semicolon of its own: then nothing is lost.
    marker = match["rest"].rpartition(";")[2] if ";" in match["rest"] else ""
    return Demand(normalized(match["name"]), _listed(match["extras"] or ""), marker.strip())


def demands(app: Path) -> tuple[Demand, ...]:
    """What the app's own files ask for; of several files, what heroku/python installs from.

    Nothing where there is no file, or none that can be read: heroku/python said so already.
    """
    if (app / "Pipfile").is_file():
        return tuple(_pipfile(app))
    if (app / "requirements.txt").is_file():
        return tuple(_requirements_files(app))
    return tuple(_pyproject(app))


def _requirements_files(app: Path) -> Iterator[Demand]:
    lines = list(_requirements_file(app, "requirements.txt", set()))
    listed = {demand.name for demand, _ in lines}
    # A tool that wrote the file may say who wanted what: what only others in it require, nobody.
    yield from (demand for demand, via in lines if not via or not via <= listed)


def _requirements_file(
    app: Path, name: str, seen: set[str]
) -> Iterator[tuple[Demand, frozenset[str]]]:
    """The requirements of a file and of those that it includes, each with who requires it."""
    path = inside(app, name)
    if name in seen or path is None:
        return
    seen.add(name)
    for line, comments in _lines(_read(path)):
        if nested := _NESTED.fullmatch(line):
            beside = posixpath.normpath(posixpath.join(posixpath.dirname(name), nested[1]))
            yield from _requirements_file(app, beside, seen)
        elif found := _of_line(line):
            yield replace(found, origin=name), _via(comments)


def _lines(text: str) -> Iterator[tuple[str, list[str]]]:
    """Each logical line without its comments, and the comments at it and right below it."""
    line, comments = "", list[str]()
    for piece in re.sub(r"\\\r?\n", " ", text).splitlines():
        content, hash_, comment = _parted(piece)
        if content.strip():
            if line:
                yield line, comments
            line, comments = content.strip(), []
        if hash_:
            comments.append(hash_ + comment)
    if line:
        yield line, comments


def _parted(piece: str) -> tuple[str, str, str]:
    """A line's content and its comment, which begins at a word: `#egg=` does not."""
    match = re.search(r"(?:^|\s)#", piece)
    return (piece[: match.start()], "#", piece[match.end() :]) if match else (piece, "", "")


def _via(comments: Iterable[str]) -> frozenset[str]:
    """Who requires something, as comments of `pip-compile` and `uv export` say: "via flask"."""
    told = " ".join(comments).replace("#", " ").replace(",", " ")
    first, *names = re.sub(r"-c\s+\S+", " ", told).split() or [""]
    return frozenset(map(normalized, names)) if first == "via" else frozenset()


def _of_line(line: str) -> Demand | None:
    line = re.sub(r"^(?:-e|--editable)[\s=]+", "", line)
    if line.startswith("-"):
        return None
    for pattern in (_EGG, _WHEEL):
        if match := pattern.search(line):
            extras = match[2] if pattern is _EGG else ""
            return Demand(normalized(match[1]), _listed(extras or ""))
    return parse(_OPTION_OF_LINE.sub("", line))


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


def _of_table(name: str, value: Any, origin: str) -> Demand:
    """A requirement of a Pipfile or of Poetry: a version, or a table."""
    told = value if isinstance(value, Mapping) else {}
    extras, marker = told.get("extras", []), told.get("markers", "")
    return Demand(
        normalized(name),
        tuple(sorted(str(extra) for extra in extras)) if isinstance(extras, list) else (),
        marker if isinstance(marker, str) else "",
        origin,
    )


def _toml(file: Path) -> dict[str, Any]:
    try:
        return loads(_read(file))
    except ValueError:
        return {}


def _table(document: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = document.get(key)
    return found if isinstance(found, Mapping) else {}


def _read(file: Path) -> str:
    """The text of a file of usual size; "" when there is none, or it is none."""
    try:
        if file.is_file() and file.stat().st_size <= _LONGEST:
            return file.read_text(encoding="utf-8-sig", errors="replace")
    except OSError:
        pass
    return ""


def _listed(extras: str) -> tuple[str, ...]:
    return tuple(sorted(filter(None, map(str.strip, extras.split(",")))))

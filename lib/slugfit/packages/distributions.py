"""What is installed in a site-packages directory, and which distribution owns a file."""

from __future__ import annotations

import base64
import csv
import io
import posixpath
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from packaging.utils import canonicalize_name

_INFO_NAME = re.compile(r"(?P<name>.+?)-(?P<version>[^-]+)\.dist-info")
RECORD = "RECORD"


@dataclass(frozen=True)
class Distribution:
    """An installed distribution. `files` are relative to site-packages, as RECORD lists them."""

    name: str
    version: str
    info: str
    files: frozenset[str]

    @property
    def top_level(self) -> tuple[str, ...]:
        """The names that it adds to site-packages, its metadata apart."""
        tops = {path.partition("/")[0] for path in self.files} - {self.info, "..", "__pycache__"}
        return tuple(sorted(tops))


def installed(site_packages: Path) -> tuple[Distribution, ...]:
    """Every distribution with a *.dist-info directory, by name."""
    found = []
    for info in sorted(site_packages.glob("*.dist-info")):
        if match := _INFO_NAME.fullmatch(info.name):
            files = _listed(info / RECORD)
            found.append(Distribution(match["name"], match["version"], info.name, files))
    return tuple(sorted(found, key=lambda d: d.name.lower()))


def _listed(record: Path) -> frozenset[str]:
    """The paths that a RECORD lists; none when there is no RECORD, or none that can be read."""
    try:
        return frozenset(posixpath.normpath(row[0]) for row in read_record(record.read_bytes()))
    except (FileNotFoundError, csv.Error):
        return frozenset()


def read_record(content: bytes) -> list[list[str]]:
    """The rows (path, hash, size) of a RECORD file; rows without a path are left out.

    Source: the "Recording installed projects" specification. Raises csv.Error.
    """
    text = content.decode("utf-8", errors="surrogateescape")
    return [row for row in csv.reader(io.StringIO(text, newline="")) if row and row[0]]


def write_record(rows: Iterable[list[str]]) -> bytes:
    """The inverse of `read_record`."""
    return "".join(map(_line, rows)).encode("utf-8", errors="surrogateescape")


def _line(row: list[str]) -> str:
    text = io.StringIO(newline="")
    # With this line end, the writer quotes a carriage return in a path as well.
    csv.writer(text, lineterminator="\r\n").writerow(row)
    return text.getvalue().removesuffix("\r\n") + "\n"


def record_hash(sha256: bytes) -> str:
    """The hash as a row of RECORD has it: urlsafe base64 without padding."""
    return "sha256=" + base64.urlsafe_b64encode(sha256).decode().rstrip("=")


def versions_in(site_packages: Path) -> dict[str, str]:
    """What is installed: versions by normalized names, from the names of directories alone."""
    found = (_INFO_NAME.fullmatch(path.name) for path in sorted(site_packages.glob("*.dist-info")))
    return {canonicalize_name(match["name"]): match["version"] for match in found if match}


class Owners:
    """Answers which distribution a path in site-packages belongs to."""

    def __init__(self, distributions: Iterable[Distribution]) -> None:
        self._by_file: Mapping[str, str] = {
            file: distribution.name for distribution in distributions for file in distribution.files
        }
        self._by_top: dict[str, str] = {}
        for file, name in self._by_file.items():
            self._by_top.setdefault(file.partition("/")[0], name)

    def owner(self, path: str) -> str:
        """The owner's name. An unlisted file belongs to the owner of its source or directory."""
        top = path.partition("/")[0]
        listed = self._by_file.get(path) or self._by_file.get(source_of(path) or "")
        return listed or self._by_top.get(top) or top.removesuffix(".py")


def source_of(bytecode: str) -> str | None:
    """`a/b.py` for `a/__pycache__/b.cpython-311.opt-1.pyc`; None for anything else."""
    directory, name = posixpath.split(bytecode)
    parent, cache = posixpath.split(directory)
    if cache != "__pycache__" or not name.endswith(".pyc"):
        return None
    return posixpath.join(parent, name.partition(".")[0] + ".py")

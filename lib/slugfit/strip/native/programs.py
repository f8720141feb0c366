"""Programs inside packages that no Python starts, but a script or another program does.

That one lies in the same directory and has their name, or it is the distribution's script of the
same name beside Python, which needs no more than its own name to find one.
"""

from __future__ import annotations

import os
import posixpath
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from slugfit.packages.distributions import Distribution
from slugfit.strip.native.asking import strings_of_text
from slugfit.strip.native.elf import MAGIC, mapped_pieces
from slugfit.strip.site_tree import SiteTree, SourceFile

PROGRAMS = "programs"
_SCRIPT = b"#!"
_LARGEST_SCRIPT = 256 * 1024  # bytes
_LONG = 8  # letters
_BEFORE = (b"\0", b"/", b" ", b"")  # what the name can follow in a string: a path, a command


def keep(tree: SiteTree, going: Mapping[str, str], sources: Sequence[SourceFile]) -> dict[str, str]:
    """The programs of `going` that a file in the tree starts, and which."""
    rest = {path for path, category in going.items() if category == PROGRAMS}
    found = _wrapped(tree.distributions, rest) if rest else {}
    rest -= found.keys()
    directories = {posixpath.dirname(path) for path in rest}
    pending = [p for p in tree.files if p not in rest and posixpath.dirname(p) in directories]
    while pending and rest:
        path = pending.pop()
        started = dict.fromkeys(_started_by(tree.root, path, rest), f"named in {path}")
        found |= started
        rest -= started.keys()
        pending += sorted(started)
    return found


def _wrapped(distributions: Iterable[Distribution], programs: set[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for distribution in distributions:
        outside = (file for file in distribution.files if file.startswith("../"))
        scripts = {posixpath.basename(file) for file in outside if "/bin/" in file}
        for path in programs & distribution.files:
            name = posixpath.basename(path)
            if name in scripts:
                found[path] = f"started by bin/{name}"
    return found


def _started_by(root: Path, path: str, programs: set[str]) -> list[str]:
    """Those of `programs` that lie beside `path`, and whose names it has, if it can start any."""
    beside = [p for p in programs if posixpath.dirname(p) == posixpath.dirname(path)]
    names = {p: os.fsencode(posixpath.basename(p)) for p in beside}
    head = _head(root / path) if beside else b""
    if head.startswith(_SCRIPT) and (root / path).stat().st_size <= _LARGEST_SCRIPT:
        words = set(strings_of_text((root / path).read_bytes()).split(b"\0"))
        return [program for program in beside if names[program] in words]
    if head != MAGIC:
        return []
    found: set[str] = set()
    for piece in mapped_pieces(root / path):
        found.update(program for program in beside if _is_string_in(piece, names[program]))
    return sorted(found)


def _is_string_in(piece: bytes, name: bytes) -> bool:
    """Whether a string in `piece` is `name`, or a path or a command that ends with it.

    Where a string ends, only C tells: a name that is no word of anything else counts anywhere.
    """
    if len(name) >= _LONG:
        return name in piece
    at = piece.find(name + b"\0")
    while at >= 0:
        if piece[max(0, at - 1) : at] in _BEFORE:
            return True
        at = piece.find(name + b"\0", at + 1)
    return False


def _head(file: Path) -> bytes:
    try:
        with file.open("rb") as opened:
            return opened.read(len(MAGIC))
    except OSError:  # what can't be read can't be started
        return b""

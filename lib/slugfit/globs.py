"""A shell's globs over names that are on no disk: `*` within a name, `**` for any depth.

As in bash with dotglob and globstar, but that a backslash stands for itself.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import PurePosixPath

# What begins with "]", or "!]", has it among its members.
_TOKEN = re.compile(r"(\*)|(\?)|\[(?:([!^])|(?![!^]))(\][^\]]*|[^\]]+)\]|(.)", re.DOTALL)
_MEMBER = re.compile(r"(.)-(.)|(.)", re.DOTALL)


def matcher(globs: Iterable[str]) -> Callable[[str], bool]:
    """Tells whether a relative path is meant by any glob; a directory stands for all in it."""
    patterns = [_compile(glob) for glob in globs]
    return lambda path: any(pattern.match(f"{path}/") for pattern in patterns)


@cache
def _compile(glob: str) -> re.Pattern[str]:
    """A pattern for the beginning of a path that ends with a slash."""
    *directories, last = PurePosixPath(glob.strip("/")).parts or ("**",)
    above = (_part(part, "*") for part in directories)
    return re.compile("".join([*above, _part(last, "+")]), re.DOTALL)


def _part(part: str, depth: str) -> str:
    if part == "**":
        return f"(?:[^/]+/){depth}"
    return "".join(_translate(token) for token in _TOKEN.finditer(part)) + "/"


def _translate(token: re.Match[str]) -> str:
    anything, character, negation, members, literal = token.groups()
    if anything:
        return "[^/]*"
    if character:
        return "[^/]"
    return _choice(members, bool(negation)) if members else re.escape(literal)


def _choice(members: str, is_negated: bool) -> str:
    # A range from z to a has nothing in it.
    found = (match.groups() for match in _MEMBER.finditer(members))
    ranges = [(one or first, one or last) for first, last, one in found if one or first <= last]
    listed = "".join(f"{re.escape(first)}-{re.escape(last)}" for first, last in ranges)
    if is_negated:
        return f"[^/{listed}]"
    return f"[{listed}]" if listed else "(?!)"

"""A shell's globs over names that are on no disk: `*` within a name, `**` for any depth.

Every glob that Slugfit reads is read here. They mean what they mean in bash with globstar and
dotglob, except that a backslash stands for itself, and that there are no classes such as
`[[:alpha:]]`. Python's own engines do not fit: fnmatch knows no directories, glob and Path.glob
need the files on a disk and differ in hidden ones, and glob.translate is new in Python 3.13.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import PurePosixPath

# What begins with "]", or "!]", has it among its members.
_TOKEN = re.compile(r"(\*+)|(\?)|\[(?:([!^])|(?![!^]))(\][^\]]*|[^\]]+)\]|(.)", re.DOTALL)
_MEMBER = re.compile(r"(.)-(.)|(.)", re.DOTALL)
_WILD = "*?["


def matcher(globs: Iterable[str], *, hidden: bool = True) -> Callable[[str], bool]:
    """Return a function that tells whether any of `globs` matches a relative path.

    The path of a directory ends with a slash, and so does a glob that matches directories only.
    What matches a directory matches all that is in it. Unless `hidden`, wildcards match no name
    that begins with a dot, and `**` at the end is `*`: Ruby's Dir[].
    """
    match = _compile(tuple(globs), hidden).match
    return lambda path: match(path) is not None


def name_pattern(glob: str) -> str:
    """The regular expression for a name that `glob` matches, which has no slash."""
    return "".join(_translate(token) for token in _TOKEN.finditer(glob))


@cache
def _compile(globs: tuple[str, ...], hidden: bool) -> re.Pattern[str]:
    """A pattern for the beginning of a path."""
    return re.compile("|".join(_pattern(glob, hidden) for glob in globs) or "(?!)", re.DOTALL)


def _pattern(glob: str, hidden: bool) -> str:
    parts = PurePosixPath(glob.strip("/")).parts
    if not parts:
        return "(?:)"  # of "./": all there is
    end = "/" if glob.endswith("/") else r"(?:/|\Z)"
    while end == "/" and parts[-1] == "**" and parts[1:]:
        parts = parts[:-1]  # a/**/ is a/ and all directories in it
    above = (f"(?:{_name(part, hidden)}/){'*' * (part == '**')}" for part in parts[:-1])
    return "".join((*above, _name(parts[-1], hidden), end))


def _name(part: str, hidden: bool) -> str:
    """The pattern of a name between two slashes."""
    if part[0] not in _WILD:
        return name_pattern(part)
    # No name is empty, and some are hidden.
    return f"(?=[^/{'' if hidden else '.'}]){name_pattern(part)}"


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

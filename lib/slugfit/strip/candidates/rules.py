"""Loads rules.toml and max.toml, which say what may go, and why. Their heads define the words."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from slugfit.base.globs import matcher, name_pattern
from slugfit.base.toml import loads

_SUBJECT = "{subject}"
_SETS = ("directories", "within")
_CODE = (".py", ".pyc", ".pyi")
_SUFFIX = re.compile(r"\.[A-Za-z]\w*$")  # the one of libfoo.so.1 or protoc-3.13.0.0 is none


@dataclass(frozen=True)
class Rule:
    """A table of rules.toml."""

    category: str
    why: str
    directories: frozenset[str] = frozenset()
    suffixes: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    within: frozenset[str] = frozenset()
    beside: tuple[str, ...] = ()
    content: str | None = None
    by_name: bool = False
    unless_installed: tuple[str, ...] = ()

    def names(self, name: str) -> bool:
        """Whether the rule is about files of this name."""
        return (
            name.endswith(self._endings)
            or (self._bare and not _SUFFIX.search(name))
            or self._is_file(name)
        )

    def neighbours(self, name: str) -> Iterator[re.Pattern[str]]:
        """What `beside` means for a file of this name."""
        for glob in self.files:
            if match := _compile(glob, "(?P<subject>.+)").fullmatch(name):
                subject = re.escape(match.groupdict().get("subject") or "")
                yield from (_compile(beside, subject) for beside in self.beside)

    @cached_property
    def _endings(self) -> tuple[str, ...]:
        return tuple(filter(None, self.suffixes))

    @cached_property
    def _bare(self) -> bool:
        return "" in self.suffixes

    @cached_property
    def _is_file(self) -> Callable[[str], bool]:
        return matcher(glob.replace(_SUBJECT, "?*") for glob in self.files)


@dataclass(frozen=True)
class Never:
    """What no rule and no user removes: the globs of names."""

    directories: tuple[str, ...]
    files: tuple[str, ...]
    texts: tuple[str, ...]

    def covers(self, path: str) -> bool:
        *directories, name = path.split("/")
        return (
            any(map(self._is_directory, directories))
            or self._is_file(name)
            or (self._is_text(name.upper()) and not name.endswith(_CODE))
        )

    @cached_property
    def _is_directory(self) -> Callable[[str], bool]:
        return matcher(self.directories)

    @cached_property
    def _is_file(self) -> Callable[[str], bool]:
        return matcher(self.files)

    @cached_property
    def _is_text(self) -> Callable[[str], bool]:
        return matcher(self.texts)


@dataclass(frozen=True)
class Rules:
    """All rules in order; the first that selects a file gives it its category."""

    rules: tuple[Rule, ...]
    never: Never
    exempt_directories: tuple[str, ...]

    def about(self, name: str) -> tuple[int, ...]:
        """The places of the rules about files of this name."""
        return tuple(place for place, rule in enumerate(self.rules) if rule.names(name))

    def whole(self, directories: Iterable[str]) -> tuple[int, ...]:
        """The places of the rules that select all that is in one of `directories`."""
        names = frozenset(directories)
        return tuple(i for i, rule in enumerate(self.rules) if names & rule.directories)

    def barred(self, installed: Iterable[str]) -> frozenset[int]:
        """The places of the rules that do not apply where these are installed."""
        names = list(installed)
        return frozenset(i for i, rule in enumerate(self.rules) if is_barred(rule, names))

    def is_exempt(self, directories: Iterable[str]) -> bool:
        """Whether no rule looks into one of `directories`."""
        return any(map(self._is_exempt, directories))

    @cached_property
    def by_name(self) -> frozenset[str]:
        """The categories of files that are used by their names only."""
        return frozenset(rule.category for rule in self.rules if rule.by_name)

    @cached_property
    def directories(self) -> frozenset[str]:
        """The names of directories that any rule selects as a whole."""
        return frozenset().union(*(rule.directories for rule in self.rules))

    @cached_property
    def _is_exempt(self) -> Callable[[str], bool]:
        return matcher(self.exempt_directories)


@dataclass(frozen=True)
class Line:
    """A table of max.toml."""

    category: str
    why: str
    distribution: str
    paths: tuple[str, ...]
    versions: str = ""
    unless_imported: tuple[str, ...] = ()
    unless_installed: tuple[str, ...] = ()


def is_barred(table: Rule | Line, installed: Iterable[str]) -> bool:
    """Whether one of the distributions `installed`, by normalized name, needs the files too."""
    return any(map(matcher(table.unless_installed), installed))


@cache
def load_rules() -> Rules:
    document = _document("rules.toml")
    never = {key: tuple(globs) for key, globs in document["never"].items()}
    exempt = tuple(document["exempt"]["directories"])
    return Rules(tuple(map(_rule, document["rules"])), Never(**never), exempt)


@cache
def load_lines() -> tuple[Line, ...]:
    return tuple(map(_line, _document("max.toml")["lines"]))


def _rule(table: dict[str, Any]) -> Rule:
    """Raises TypeError for a word that no rule has."""
    return Rule(**{key: _fixed(value, key in _SETS) for key, value in table.items()})


def _line(table: dict[str, Any]) -> Line:
    """Raises TypeError for a word that no line has."""
    return Line(**{key: _fixed(value) for key, value in table.items()})


def _fixed(value: Any, is_set: bool = False) -> Any:
    """A list as a set or a tuple; anything else as it is."""
    if isinstance(value, list):
        return frozenset(value) if is_set else tuple(value)
    return value


def _document(name: str) -> dict[str, Any]:
    return loads(Path(__file__).with_name(name).read_text(encoding="utf-8"))


def _compile(glob: str, subject: str) -> re.Pattern[str]:
    pattern = name_pattern(glob).replace(re.escape(_SUBJECT), subject)
    return re.compile(pattern, re.DOTALL)

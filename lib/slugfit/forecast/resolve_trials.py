"""Requirements tried in other combinations and on other Pythons, within a time."""

from __future__ import annotations

import posixpath
import re
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from packaging.utils import canonicalize_name

from slugfit.app.requirement_lines import RequirementLine, requirement_lines
from slugfit.forecast.failures import IndexDown, Unresolvable
from slugfit.forecast.uv import OutOfTimeError, Uv
from slugfit.packages.target import Machine

_CONSTRAINTS = re.compile(r"(?:-c|--constraint)[\s=]*(\S+)")
# What uv writes: name==1.0 ; marker  # via other, -r requirements.txt
_RESOLVED = re.compile(r"^([\w.-]+)==([^\s;#]+)[^#\n]*(?:# via (.*))?$", re.MULTILINE)
_NOT_IN_CACHE = "network was disabled"


@dataclass(frozen=True)
class Resolution:
    """The version of each distribution that has one, and those that another one requires."""

    versions: Mapping[str, str]
    required: frozenset[str]


@dataclass(frozen=True)
class ResolveTrials:
    """Resolves selections of an app's `lines`; `options` are those of its requirements file.

    All of it ends at `deadline`, of time.monotonic.
    """

    uv: Uv
    machine: Machine
    origin: Path
    lines: tuple[RequirementLine, ...]
    options: tuple[str, ...]
    deadline: float

    @classmethod
    def of(cls, uv: Uv, machine: Machine, origin: Path, seconds: float) -> ResolveTrials:
        lines = tuple(requirement_lines(origin.parent, origin.name))
        options = [line for line in lines if _is_option(line)]
        return cls(
            uv,
            machine,
            origin,
            tuple(line for line in lines if line not in options),
            tuple(_from_anywhere(line, origin.parent) for line in options),
            time.monotonic() + seconds,
        )

    def on_other_pythons(self) -> Iterator[ResolveTrials]:
        """The same for each other Python, the nearest first, with the same end."""
        return (replace(self, machine=each) for each in self.machine.with_other_pythons)

    def resolve(self, texts: Iterable[str], *options: str) -> Resolution | None:
        """What requirements of these `texts` resolve to today; None if they do not.

        Raises OutOfTimeError.
        """
        try:
            return self._resolve("\n".join([*self.options, *texts, ""]), options)
        except Unresolvable:
            return None
        except IndexDown:
            raise OutOfTimeError from None

    def resolvable(self, texts: Iterable[str], *options: str) -> bool:
        """Whether they resolve. What is in the cache decides most questions, far sooner.

        Raises OutOfTimeError.
        """
        texts = tuple(texts)
        try:
            self._resolve("\n".join([*self.options, *texts, ""]), ("--offline", *options))
        except (Unresolvable, IndexDown) as failure:
            if isinstance(failure, Unresolvable) and _NOT_IN_CACHE not in failure.said:
                return False
            return self.resolve(texts, *options) is not None
        return True

    def _resolve(self, text: str, options: tuple[str, ...]) -> Resolution:
        options = ("--annotation-style", "line", *options)
        return _resolution(self.uv.answer(text, self.origin, self.machine, options, self.deadline))


def _is_option(line: RequirementLine) -> bool:
    return line.text.startswith("-") and not line.text.startswith(("-e", "--editable"))


def _from_anywhere(line: RequirementLine, app: Path) -> str:
    """An option, as a file elsewhere would write it."""
    if match := _CONSTRAINTS.fullmatch(line.text):
        return f"-c {app / posixpath.dirname(line.file) / match[1]}"
    return line.text


def _resolution(text: str) -> Resolution:
    versions: dict[str, str] = {}
    required: set[str] = set()
    for name, version, via in _RESOLVED.findall(text):
        versions[canonicalize_name(name)] = version
        if any(each and not each.startswith("-") for each in via.split(", ")):
            required.add(canonicalize_name(name))
    return Resolution(versions, frozenset(required))

"""Requirements that can't be met together: which of the user's lines, and the change that resolves.

The resolver's own explanation names packages, most of which the user never wrote. Here lines are
left out and relaxed, one after the other, and every answer has been tried.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from slugfit.app.requirement_lines import RequirementLine, read_text
from slugfit.app.requirements import demand_of
from slugfit.forecast.failures import Conflict, Unresolvable
from slugfit.forecast.resolve_trials import ResolveTrials
from slugfit.forecast.uv import OutOfTimeError

_WORD = re.compile(r"[A-Za-z0-9][\w.-]*")
_MOST_CONFLICTS = 8


def find_conflict(failure: Unresolvable, trials: ResolveTrials) -> Unresolvable:
    """The same failure, with as much of its conflict as is found by the end of `trials`."""
    search = _Search(trials, failure.said)
    with suppress(OutOfTimeError):
        search.run()
    return Unresolvable(failure.file, failure.machine, failure.said, search.conflict())


class _Search:
    """What was found so far."""

    def __init__(self, trials: ResolveTrials, said: str) -> None:
        self._trials = trials
        self._said = frozenset(map(canonicalize_name, _WORD.findall(said)))
        self._texts = {line: line.text for line in trials.lines}
        self._smallest: tuple[RequirementLine, ...] = ()
        self._change: Mapping[RequirementLine, str] = {}
        self._python = ""
        self.is_whole = False

    def conflict(self) -> Conflict:
        return Conflict(
            lines=tuple(f"{line.place}: {line.text}" for line in self._smallest),
            is_smallest=self.is_whole,
            change=diff(self._trials.origin.parent, self._change),
            python=self._python,
        )

    def run(self) -> None:
        """Raises OutOfTimeError."""
        self._smallest = self._suspects()
        self._smallest = smallest(self._smallest, self._fail)
        self.is_whole = True
        self._change = self._relaxed()
        self._python = self._other_python()

    def _fail(self, lines: Iterable[RequirementLine]) -> bool:
        return not self._trials.resolvable(self._texts[line] for line in lines)

    def _suspects(self) -> tuple[RequirementLine, ...]:
        """The lines that the resolver spoke of, where they conflict by themselves."""
        named = tuple(line for line in self._texts if _name(line) in self._said)
        return named if named and self._fail(named) else tuple(self._texts)

    def _relaxed(self) -> Mapping[RequirementLine, str]:
        """The lines to change, with their new texts; {} where no change of versions resolves."""
        relaxed: list[RequirementLine] = []
        conflict = self._smallest
        for _ in range(_MOST_CONFLICTS):
            new = [line for line in conflict if self._texts[line] != with_version(line.text, "")]
            if not new:
                return {}
            relaxed += new
            self._texts |= {line: with_version(line.text, "") for line in new}
            if found := self._trials.resolve(self._texts.values()):
                return self._restored(relaxed, found.required)
            conflict = smallest(tuple(self._texts), self._fail)
        return {}

    def _restored(
        self, relaxed: Iterable[RequirementLine], required: frozenset[str]
    ) -> Mapping[RequirementLine, str]:
        """As few of `relaxed` as resolve, with the versions that they resolve to."""
        # A person chose what nothing else requires; a freeze wrote the pins of the rest.
        for line in sorted(relaxed, key=lambda line: _name(line) in required):
            without = self._texts[line]
            self._texts[line] = line.text
            if self._fail(self._texts):
                self._texts[line] = without
        found = self._trials.resolve(self._texts.values())
        versions = found.versions if found else {}
        return {
            line: with_version(line.text, versions.get(_name(line), ""))
            for line, text in self._texts.items()
            if text != line.text
        }

    def _other_python(self) -> str:
        """The Python, of those near to the app's, for which the file resolves as it is."""
        texts = [line.text for line in self._trials.lines]
        for trials in self._trials.on_other_pythons():
            if trials.resolvable(texts, "--no-build"):
                return trials.machine.python
        return ""


def smallest(
    lines: tuple[RequirementLine, ...], fail: Callable[[Sequence[RequirementLine]], bool]
) -> tuple[RequirementLine, ...]:
    """Of lines that fail, some that fail and of which none can be left out."""
    size = len(lines)
    while size := size // 2:
        start = 0
        while start < len(lines):
            rest = lines[:start] + lines[start + size :]
            if rest and fail(rest):
                lines = rest
            else:
                start += size
    return lines


def with_version(text: str, version: str) -> str:
    """A requirement with `version` instead of its own, or with none; as it is where it has none."""
    try:
        requirement = Requirement(text)
    except ValueError:  # options such as --hash, a path, a URL: nothing to relax
        return text
    if not requirement.specifier:
        return text
    requirement.specifier = SpecifierSet(f"=={version}" if version else "")
    return str(requirement)


def diff(app: Path, change: Mapping[RequirementLine, str]) -> str:
    """The change as `git apply` takes it; "" where a line is not found as it was read."""
    files = {line.file: read_text(app / line.file) for line in change}
    changed = {name: text.splitlines(keepends=True) for name, text in files.items()}
    for line, text in change.items():
        old = changed[line.file][line.number - 1]
        if line.text not in old:
            return ""
        changed[line.file][line.number - 1] = old.replace(line.text, text, 1)
    return "".join(
        piece
        for name, text in files.items()
        for piece in difflib.unified_diff(
            text.splitlines(keepends=True), changed[name], f"a/{name}", f"b/{name}", n=1
        )
    )


def _name(line: RequirementLine) -> str:
    found = demand_of(line.text)
    return found.name if found else ""

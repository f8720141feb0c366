"""Which distributions to restore when something fails without their files."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from slugfit.packages.distributions import Distribution, Owners

_FILE = re.compile(r"(/[^\s\"':]+)")
_MODULE = re.compile(r"No module named '([\w.]+)'")


class Suspects:
    """Finds the distributions that a failure names."""

    def __init__(self, site: Path, distributions: Iterable[Distribution]) -> None:
        self._root = os.path.realpath(site) + os.sep
        self._owners = Owners(distributions)

    def named(self, lines: Iterable[str]) -> list[str]:
        """The owners of the files and missing modules that `lines` name, in their order."""
        return list(dict.fromkeys(self._owners.owner(path) for path in self._paths(lines)))

    def _paths(self, lines: Iterable[str]) -> Iterator[str]:
        for line in lines:
            for module in _MODULE.findall(line):
                yield module.replace(".", "/")
            for file in _FILE.findall(line):
                real = os.path.realpath(file)
                if real.startswith(self._root):
                    yield real[len(self._root) :]


def bisect(
    likely: Sequence[str],
    others: Sequence[str],
    works: Callable[[Sequence[str]], bool],
    tries: int,
) -> list[str]:
    """A small part of `likely` and `others` whose restoration makes it work.

    `works` tells whether it works with these restored; it does with all, and not with none, and
    restoring more breaks nothing. It is called `tries` times at most: those that can't be ruled
    out by then are part of the result.
    """
    found: list[str] = []
    rest = [*likely, *others]
    middle = len(likely)
    while rest and tries > 0:
        if found:
            tries -= 1
            if works(found):
                return found
        few, many = 0, len(rest)  # of the first of them: too few, enough
        while many - few > 1 and tries > 0:
            # The first question is whether it is the likely ones.
            middle = middle if few < middle < many else (few + many) // 2
            tries -= 1
            if works([*found, *rest[:middle]]):
                many = middle
            else:
                few = middle
        if many - few > 1:
            return found + rest[:many]
        found.append(rest[many - 1])
        rest = rest[: many - 1]
    return found + rest

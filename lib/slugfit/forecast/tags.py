"""Which of a version's wheels a dyno's Python installs.

Sources: the "Platform compatibility tags" and "Binary distribution format" specifications.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

_WHEEL = re.compile(
    r"(?P<name>[^-]+)-(?P<version>[^-]+)(?:-(?P<build>\d[^-]*))?"
    r"-(?P<python>[^-]+)-(?P<abi>[^-]+)-(?P<platform>[^-]+)\.whl"
)
_MANYLINUX = re.compile(r"manylinux_(\d+)_(\d+)_x86_64")
_LEGACY = {"manylinux1": 5, "manylinux2010": 12, "manylinux2014": 17}
_OLDEST_ABI3 = 2

# The newest first: the glibc of each stack, from its Ubuntu.
GLIBC = {"heroku-26": 43, "heroku-24": 39, "heroku-22": 35}

Rank = tuple[int, ...]


@dataclass(frozen=True)
class Machine:
    """Python 3.`minor` on x86_64 Linux with glibc 2.`glibc`."""

    minor: int
    glibc: int

    @property
    def python(self) -> str:
        return f"3.{self.minor}"

    @property
    def soabi(self) -> str:
        """The tag of its extension modules."""
        return f"cpython-3{self.minor}-x86_64-linux-gnu"

    def rank(self, wheel: str) -> Rank | None:
        """How well a wheel of this file name fits, the more the better; None if it does not."""
        match = _WHEEL.fullmatch(wheel)
        if not match:
            return None
        ranks = [
            (*tags, build_number(match["build"]))
            for python in match["python"].split(".")
            for abi in match["abi"].split(".")
            for platform in match["platform"].split(".")
            if (tags := self._rank(python, abi, platform))
        ]
        return max(ranks, default=None)

    def _rank(self, python: str, abi: str, platform: str) -> Rank | None:
        """Interpreters are preferred in the order that pip has: own ABI, stable ABI, none, any."""
        at, built_for = self._platform(platform), _minor(python)
        if at is None or built_for is None or built_for > self.minor:
            return None
        is_own, is_cpython = built_for == self.minor, python.startswith("cp")
        if at == 0:  # "any": a plain wheel
            return (0, is_own and is_cpython, built_for, 0) if abi == "none" else None
        if abi == f"cp3{self.minor}" and is_own and is_cpython:
            return (4, 0, built_for, at)
        if abi == "abi3" and is_cpython and built_for >= _OLDEST_ABI3:
            return (3, 0, built_for, at)
        if abi == "none" and (is_own or not is_cpython):
            return (2 if is_cpython else 1, 0, built_for, at)
        return None

    def _platform(self, tag: str) -> int | None:
        """The glibc that a platform's wheels ask for; 0 for any platform."""
        if tag == "any":
            return 0
        if tag == "linux_x86_64":
            return 1
        old, _, machine = tag.partition("_")
        if old in _LEGACY and machine == "x86_64":
            return _LEGACY[old]
        match = _MANYLINUX.fullmatch(tag)
        fits = match and match[1] == "2" and int(match[2]) <= self.glibc
        return int(match[2]) if match and fits else None


def best(wheels: Iterable[str], machine: Machine) -> str | None:
    """The file name that pip would choose; None when none fits."""
    ranked = [(rank, wheel) for wheel in sorted(wheels) if (rank := machine.rank(wheel))]
    return max(ranked)[1] if ranked else None


def build_number(build: str | None) -> int:
    digits = re.match(r"\d+", build or "")
    return int(digits[0]) if digits else 0


def _minor(python: str) -> int | None:
    """The 3.x that a tag is for: cp312, py312; py3 is for all."""
    if python == "py3":
        return 0
    match = re.fullmatch(r"(?:cp|py)3(\d+)", python)
    return int(match[1]) if match else None

"""What the files of a wheel will weigh in the slug, bytecode included, before and after a strip.

Fitted to measured site-packages: `make bench-predict` compares the two. Deflate in a zip is what
gzip is to a tar; what differs is the window, which spans small files in a tar, and the header of
512 bytes in front of each file.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any, Literal

from slugfit.forecast.strip import nominated
from slugfit.forecast.wheels import Member
from slugfit.globs import matcher
from slugfit.settings.model import Bytecode, StripLevel, StripSettings
from slugfit.slug.weighing.compress import Weight
from slugfit.strip.nominate.rules import load_lines
from slugfit.strip.nominate.services import CATALOGUES
from slugfit.toml import loads

_Kind = Literal["source", "library", "other"]
# Bytes in the slug for each deflated byte in the wheel, and for each file.
_FACTORS: Mapping[_Kind, tuple[float, float]] = {
    "source": (0.91, -50),
    "library": (1.005, 0),
    "other": (0.976, -150),
}
_BYTECODE = (1.05, 0.175, 66)  # for each deflated byte of its source, each raw one, and each file
_BYTECODE_RAW = 1.21  # for each byte of its source
# How many bytes what no loader maps takes beside as much of the rest of a library: long names of
# C++ and Rust are many of them where it is a fair part; where it is most, it is debug data.
_DEAD = ((0.5, 0.62), (0.15, 0.33), (0.0, 0.55))  # from which share on
_DEAD_USUALLY = 0.1  # of small libraries, whose headers nobody has read
_OF_BYTECODE: Mapping[Bytecode, float] = {"keep": 1.0, "boot": 0.5, "drop": 0.0}
# Of a wheel of which only the size is known.
_OF_WHEEL, _UNPACKED = 0.98, 3.2


@dataclass(frozen=True)
class Forecast:
    """Bytes in the slug, bytecode's among them, and what they would be without a strip."""

    after: Weight
    before: Weight
    bytecode: Weight = field(default_factory=Weight)


@dataclass(frozen=True)
class Stripping:
    """What a strip does, to wheels for the Python with this tag of extension modules.

    `words` are the texts in the app's sources: names of services that it may ask for.
    """

    settings: StripSettings
    soabi: str
    words: frozenset[str] = frozenset()

    def weigh(self, name: str, members: Sequence[Member]) -> Forecast:
        """`name` is the distribution's, normalized."""
        before = _weight(members, 1.0)
        if self.settings.level == "off":
            return Forecast(before, before, _bytecode(members, 1.0))
        gone = self._gone(name, members)
        share = _dead_share(members)
        left = [_shrunk(member, share) for member in members if member.path not in gone]
        kept = _OF_BYTECODE[self.settings.bytecode]
        return Forecast(_weight(left, kept), before, _bytecode(left, kept))

    def _gone(self, name: str, members: Sequence[Member]) -> frozenset[str]:
        paths = frozenset(m.path for m in members if not m.path.startswith("../"))
        goes, stays = _known(name, paths, self.settings.level)
        requested, kept = matcher(self.settings.remove), matcher(self.settings.keep)
        unasked = (path for path in paths if self._is_unasked(path))
        gone = nominated(members, self.soabi).union(goes, unasked) - stays
        return frozenset(p for p in paths if (p in gone or requested(p)) and not kept(p))

    def _is_unasked(self, path: str) -> bool:
        """Whether `path` describes a web service that the app does not name."""
        for catalogue in CATALOGUES:
            if match := catalogue.path.match(path):
                return match[1] not in self.words | catalogue.always
        return False


def of_size(size: int) -> Weight:
    """What a wheel of `size` weighs, of which nothing else is known."""
    return Weight(round(size * _UNPACKED), round(size * _OF_WHEEL))


def _known(
    name: str, paths: Iterable[str], level: StripLevel
) -> tuple[frozenset[str], frozenset[str]]:
    """Of `paths`, what goes and what stays by the tables of known files."""
    named = [t for t in _table() if matcher([t["distribution"]])(name)]
    goes = [glob for table in named if table["goes"] for glob in table["paths"]]
    stays = [glob for table in named if not table["goes"] for glob in table["paths"]]
    if level == "max":
        lines = (line for line in load_lines() if matcher([line.distribution])(name))
        goes += [glob for line in lines for glob in line.paths]
    return _matching(goes, paths), _matching(stays, paths)


def _matching(globs: Sequence[str], paths: Iterable[str]) -> frozenset[str]:
    return frozenset(filter(matcher(globs), paths)) if globs else frozenset()


@cache
def _table() -> list[dict[str, Any]]:
    text = Path(__file__).with_name("known.toml").read_text(encoding="utf-8")
    files: list[dict[str, Any]] = loads(text)["files"]
    return files


def _kind(member: Member) -> _Kind:
    name = member.path.rpartition("/")[2]
    return "source" if name.endswith(".py") else "library" if ".so" in name else "other"


def _dead_share(members: Iterable[Member]) -> float:
    """Of the libraries that were looked into: those of one wheel were made in one way."""
    seen = [member for member in members if member.dead is not None]
    raw = sum(member.raw for member in seen)
    return sum(member.dead or 0 for member in seen) / raw if raw else _DEAD_USUALLY


def _shrunk(member: Member, share: float) -> Member:
    """A library without what no loader maps."""
    dead = member.dead
    if dead is None:
        dead = round(share * member.raw) if _kind(member) == "library" else 0
    live = member.raw - dead
    factor = next(factor for least, factor in _DEAD if dead >= least * member.raw)
    part = live / (live + factor * dead) if live else 0.0
    return replace(member, raw=live, deflated=round(member.deflated * part))


def _weight(members: Iterable[Member], bytecode: float) -> Weight:
    """The weight of files, and of the part `bytecode` of what compiling them gives."""
    listed = list(members)
    own = (_scaled(member, *_FACTORS[_kind(member)]) for member in listed)
    return sum(own, start=_bytecode(listed, bytecode))


def _bytecode(members: Iterable[Member], part: float) -> Weight:
    raw = compressed = 0.0
    deflated_factor, raw_factor, each = _BYTECODE
    for member in members:
        if _kind(member) == "source":
            raw += member.raw * _BYTECODE_RAW
            compressed += member.deflated * deflated_factor + member.raw * raw_factor + each
    return Weight(round(raw * part), round(compressed * part))


def _scaled(member: Member, factor: float, each: float) -> Weight:
    return Weight(member.raw, max(0, round(member.deflated * factor + each)))

"""What the files of a wheel will weigh in the slug, bytecode included, before and after a strip.

Fitted to measured site-packages: `make bench-predict` compares the two. Deflate in a zip is what
gzip is to a tar; what differs is the window, which spans small files in a tar, and the header of
512 bytes in front of each file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal

from slugfit.base.globs import matcher
from slugfit.forecast.wheels import WheelMember
from slugfit.packages.target import Machine
from slugfit.settings.model import StripSettings
from slugfit.slug.weigh.compress import Weight

_Kind = Literal["source", "library", "other"]
# Bytes in the slug for each deflated byte in the wheel, and for each file.
_FACTORS: Mapping[_Kind, tuple[float, float]] = {
    "source": (0.91, -50),
    "library": (1.005, 0),
    "other": (0.976, -150),
}
# What compiling gives under Python 3.11: bytes in the slug for each deflated byte of the source,
# each raw one, and each file; and raw bytes for each raw one.
_BYTECODE = (1.05, 0.175, 66)
_BYTECODE_RAW = 1.21
# The same sources under the others, Python 3.`minor`: parts of the raw and of the compressed bytes.
_BYTECODE_UNDER = {
    10: (0.65, 0.65),
    11: (1.0, 1.0),
    12: (0.93, 0.958),
    13: (0.92, 0.96),
    14: (1.01, 1.02),
}
# Deflated bytes of what no loader maps, for each of the rest of a library: where it is a fair part,
# it is long names of C++ and Rust; where it is most of the file, it is debug data.
_DEAD = ((0.5, 0.62), (0.15, 0.33), (0.0, 0.55))  # from which share on
_DEAD_USUALLY = 0.1  # of small libraries, whose headers are not read
# Of a wheel of which only the size is known.
_OF_WHEEL, _UNPACKED = 0.98, 3.2


@dataclass(frozen=True)
class Forecast:
    """Bytes in the slug, bytecode's among them, and what they would be without a strip.

    `unsure` is all the bytecode of which a part was estimated, which only a build can observe.
    """

    after: Weight
    before: Weight
    bytecode: Weight = field(default_factory=Weight)
    unsure: Weight = field(default_factory=Weight)


@dataclass(frozen=True)
class Stripping:
    """What a strip does to wheels for one Python; `taken` are the paths that it removes."""

    settings: StripSettings
    machine: Machine
    taken: frozenset[str] = frozenset()

    def weigh(self, members: Sequence[WheelMember], read: float = 1.0) -> Forecast:
        """The forecast for a wheel, of whose bytecode the app's start reads the part `read`."""
        whole = _bytecode(members, self.machine.minor)
        before = _weight(members) + whole
        if self.settings.level == "off":
            return Forecast(before, before, whole)
        share = _dead_share(members)
        left = [_shrunk(member, share) for member in members if member.path not in self.taken]
        sure = _bytecode([m for m in left if self.is_kept(m.path)], self.machine.minor)
        rest = _bytecode([m for m in left if not self.is_kept(m.path)], self.machine.minor)
        bytecode = sure + times(rest, self.part(read))
        unsure = rest if self.is_unsure(read) else Weight()
        return Forecast(_weight(left) + bytecode, before, bytecode, unsure)

    def part(self, read: float) -> float:
        """The part that stays of bytecode of which the app's start reads the part `read`."""
        return {"keep": 1.0, "boot": read, "drop": 0.0}[self.settings.bytecode]

    def is_unsure(self, read: float) -> bool:
        """Whether such a part is an estimate."""
        return self.settings.bytecode == "boot" and read < 1.0

    @cached_property
    def is_kept(self) -> Callable[[str], bool]:
        """Tells whether the settings keep a path."""
        return matcher(self.settings.keep)


def of_size(size: int) -> Weight:
    """The weight of a wheel of which only the `size` is known."""
    return Weight(round(size * _UNPACKED), round(size * _OF_WHEEL))


def _kind(member: WheelMember) -> _Kind:
    name = member.path.rpartition("/")[2]
    return "source" if name.endswith(".py") else "library" if ".so" in name else "other"


def _dead_share(members: Iterable[WheelMember]) -> float:
    """The share in the libraries whose headers were read: those of one wheel are built alike."""
    seen = [member for member in members if member.dead is not None]
    raw = sum(member.raw for member in seen)
    return sum(member.dead or 0 for member in seen) / raw if raw else _DEAD_USUALLY


def _shrunk(member: WheelMember, share: float) -> WheelMember:
    """A library without what no loader maps."""
    dead = member.dead
    if dead is None:
        dead = round(share * member.raw) if _kind(member) == "library" else 0
    live = member.raw - dead
    factor = next(factor for least, factor in _DEAD if dead >= least * member.raw)
    part = live / (live + factor * dead) if live else 0.0
    return replace(member, raw=live, deflated=round(member.deflated * part))


def _weight(members: Iterable[WheelMember]) -> Weight:
    """The weight of files, without what compiling them gives."""
    own = (_scaled(member, *_FACTORS[_kind(member)]) for member in members)
    return sum(own, start=Weight())


def _bytecode(members: Iterable[WheelMember], minor: int) -> Weight:
    """What compiling them gives."""
    deflated_factor, raw_factor, each = _BYTECODE
    sources = [member for member in members if _kind(member) == "source"]
    raw = sum(member.raw for member in sources)
    deflated = sum(member.deflated for member in sources)
    compressed = deflated * deflated_factor + raw * raw_factor + each * len(sources)
    return under(minor, Weight(round(raw * _BYTECODE_RAW), round(compressed)))


def under(minor: int, bytecode: Weight) -> Weight:
    """What bytecode of Python 3.11 weighs under Python 3.`minor`."""
    raw, compressed = _BYTECODE_UNDER[minor]
    return Weight(round(bytecode.raw * raw), round(bytecode.compressed * compressed))


def times(weight: Weight, part: float) -> Weight:
    return Weight(round(weight.raw * part), round(weight.compressed * part))


def _scaled(member: WheelMember, factor: float, each: float) -> Weight:
    return Weight(member.raw, max(0, round(member.deflated * factor + each)))

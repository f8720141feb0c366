"""What goes wrong in one example: a store, an object, and a schedule of faults, all by chance."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from slugfit.base.errors import Failure
from slugfit.fetch.failures import ChecksumMismatch, HtmlPage, ObjectChanged
from slugfit.fetch.transfer.limits import TransferLimits
from slugfit.stores.failures import Truncated
from slugfit.stores.refusals import MalformedResponse, RequestRejected, ServerFailed, Unreachable
from support.faults import (
    Answer,
    Circle,
    Corrupt,
    Cut,
    Duplicate,
    Fault,
    HangUp,
    Meanwhile,
    Page,
    Refuse,
    Shorten,
    Stall,
)

KIB = 1024
MIB = 1024 * KIB
LIMITS = TransferLimits(
    first=64 * KIB,
    piece=4 * KIB,
    smallest_part=16 * KIB,
    largest_part=64 * KIB,
    connections=8,
    poll_seconds=0.002,
    save_seconds=0.02,
)
SILENCE_SECONDS = 0.4
"""Longer than a busy machine takes to answer."""

Kind = Literal["s3", "etag", "date", "bare"]
_KINDS: tuple[Kind, ...] = ("s3", "s3", "etag", "date", "bare")
_EDGES = (0, 1, 511, 512, 513, LIMITS.first - 1, LIMITS.first, LIMITS.first + 1)
_FLEETING = (Truncated, Unreachable, ServerFailed)
_FAILURES: dict[type[Fault], tuple[type[Failure], ...]] = {
    Meanwhile: (ObjectChanged,),
    Page: (ObjectChanged, HtmlPage),
    Shorten: (MalformedResponse, *_FLEETING),
    Circle: (RequestRejected, ServerFailed),
    # 416 may be all that a store has to say, or tell of a change.
    Answer: (ObjectChanged, RequestRejected, *_FLEETING),
}


class Replace:
    """Puts another object in place of the first one, once there is a store to do it in."""

    def __init__(self) -> None:
        self.act: Callable[[], object] = lambda: None
        self.is_done = False

    def __call__(self) -> None:
        self.is_done = True
        self.act()


@dataclass(frozen=True)
class Plan:
    """`seed` is all it takes to have this plan again. `is_pinned`: the sha256 is known."""

    seed: int
    kind: Kind
    size: int
    faults: tuple[Fault | None, ...]
    is_pinned: bool
    replace: Replace

    @property
    def is_replaced(self) -> bool:
        return any(isinstance(fault, Meanwhile) for fault in self.faults)

    @property
    def may_lie(self) -> bool:
        """Whether bytes may be wrong without a sign of it, but for the checksum."""
        whole = self.kind == "bare" or any(_is_416(fault) for fault in self.faults)
        kinds = (Corrupt, Duplicate, *((Shorten,) if whole else ()))
        return any(isinstance(fault, kinds) for fault in self.faults)

    @property
    def failures(self) -> tuple[type[Failure], ...]:
        """How a fetch may fail when these faults have their way."""
        may = {kind for fault in self.faults if fault for kind in _failures_of(fault)}
        if self.is_pinned and (self.may_lie or self.is_replaced):
            may.add(ChecksumMismatch)
        return tuple(may)


def plan(seed: int) -> Plan:
    """The same plan for the same seed."""
    chance = random.Random(seed)  # noqa: S311 (a test's, and no secret)
    size = _size(chance)
    replace = Replace()
    faults = [_fault(chance, size, replace) for _ in range(chance.randint(1, 14))]
    if chance.random() < 0.1:
        faults *= 4
    return Plan(
        seed,
        chance.choice(_KINDS),
        size,
        tuple(faults),
        chance.random() < 0.6,
        replace,
    )


def _size(chance: random.Random) -> int:
    if chance.random() < 0.2:
        return chance.choice(_EDGES)
    return round(
        chance.choice((100 * KIB, MIB, MIB, MIB, MIB, 2 * MIB, 2 * MIB, 20 * MIB)) * chance.random()
    )


def _fault(chance: random.Random, size: int, replace: Replace) -> Fault | None:
    at = round(min(size, chance.choice((1, 4 * KIB, 64 * KIB, size))) * chance.random())
    makers = (
        lambda: None,
        lambda: None,
        lambda: Cut(at),
        lambda: Cut(at, reset=True),
        lambda: Stall(at, seconds=1.5 * SILENCE_SECONDS),
        lambda: Shorten(at),
        lambda: Corrupt(at),
        lambda: Duplicate(at, 1 + at // 2),
        lambda: Answer(500),
        lambda: Answer(503),
        lambda: Answer(429, retry_after=str(chance.randint(0, 30))),
        lambda: Answer(416),
        lambda: Meanwhile(at, replace),
        Page,
        Circle,
        lambda: HangUp(reset=chance.random() < 0.5),
        lambda: Refuse(0.05),
    )
    return chance.choice(makers)()


def _is_416(fault: Fault | None) -> bool:
    return isinstance(fault, Answer) and fault.status == 416


def _failures_of(fault: Fault) -> tuple[type[Failure], ...]:
    return _FAILURES.get(type(fault), _FLEETING)

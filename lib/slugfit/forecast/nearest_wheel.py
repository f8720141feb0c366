"""What is there as source alone, estimated from the nearest wheel of the same project."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from slugfit.app.failures import UnreadableRequirements
from slugfit.forecast.failures import IndexDown, Unresolvable
from slugfit.forecast.pylock import Wheel, read_lock
from slugfit.forecast.uv import OutOfTimeError, Uv
from slugfit.forecast.wheel_cache import WheelOutcome, WheelReader
from slugfit.packages.target import Machine

_NO_SOURCE = ("--no-deps", "--no-build", "--format", "pylock.toml")


@dataclass(frozen=True)
class NearestWheel:
    """A wheel of another version, or for another Python."""

    version: str
    python: str
    wheel: Wheel

    def why(self, name: str) -> str:
        """What an estimate from it is, as a phrase."""
        return f"estimated from the wheel of {name} {self.version} for Python {self.python}"


@dataclass(frozen=True)
class NearestWheels:
    """Finds them, by asking `uv`, until `deadline` of time.monotonic."""

    uv: Uv
    machine: Machine
    reader: WheelReader
    origin: Path
    deadline: float

    @cached_property
    def _known(self) -> dict[tuple[str, str], NearestWheel | None]:
        return {}

    def outcome(self, name: str, version: str) -> WheelOutcome | None:
        """What the nearest wheel has in it; None without one. Raises IndexDown."""
        found = self._nearest(name, version)
        if found is None:
            return None
        outcome = next(iter(self.reader.read_all([found.wheel]).values()))
        return replace(outcome, why=found.why(name))

    def requires(self, name: str, version: str) -> tuple[str, ...]:
        """What the nearest wheel requires. Raises IndexDown."""
        outcome = self.outcome(name, version)
        return outcome.inside.requires if outcome and outcome.inside else ()

    def _nearest(self, name: str, version: str) -> NearestWheel | None:
        if (name, version) not in self._known:
            found = (self._ask(*question) for question in self._questions(name, version))
            self._known[name, version] = next(filter(None, found), None)
        return self._known[name, version]

    def _questions(self, name: str, version: str) -> Iterator[tuple[Machine, str, tuple[str, ...]]]:
        """The machine, a requirement and options: the nearest first."""
        own = self.machine
        others = own.with_other_pythons
        yield from ((machine, f"{name}=={version}", ()) for machine in others)
        for machine in (own, *others):
            yield machine, f"{name}>{version}", ("--resolution", "lowest")
            yield machine, f"{name}<{version}", ()

    def _ask(
        self, machine: Machine, requirement: str, options: tuple[str, ...]
    ) -> NearestWheel | None:
        options = (*_NO_SOURCE, *options)
        try:
            text = self.uv.answer(requirement, self.origin, machine, options, self.deadline)
        except (OutOfTimeError, Unresolvable, UnreadableRequirements, IndexDown):
            return None
        pins = read_lock(text, machine)
        return next(
            (NearestWheel(p.version, machine.python, p.wheel) for p in pins if p.wheel), None
        )

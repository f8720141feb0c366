"""Another Python, for which no package has to be built from its source."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass, replace

from slugfit.app.failures import UnreadableRequirements
from slugfit.app.package_manager import Requirements
from slugfit.forecast.failures import IndexDown, Unresolvable
from slugfit.forecast.resolve import Resolver


@dataclass(frozen=True)
class OtherPython:
    """A Python "3.11" that has wheels for all of the app's `packages`, by number."""

    python: str
    packages: int


def python_with_wheels(
    resolver: Resolver, wanted: Requirements, deadline: float
) -> OtherPython | None:
    """The one nearest to the app's, if it is found before `deadline` of time.monotonic."""
    for machine in resolver.machine.with_other_pythons:
        seconds = deadline - time.monotonic()
        if seconds <= 0:
            return None
        with suppress(Unresolvable, UnreadableRequirements, IndexDown):
            other = Resolver(replace(resolver.uv, seconds=seconds), machine)
            return OtherPython(machine.python, len(other.resolve(wanted, "--no-build")))
    return None

"""Makes of a model another one at build time: of another format, smaller, or both."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from slugfit.models.check import Comparison, Expected
from slugfit.sizes import count_of, format_size


@dataclass(frozen=True)
class Converted:
    """The result of a conversion: `path` is in the build cache, until that is settled.

    `expected` is what the original answers, None where the user has a reference of their own.
    `cached` says that an earlier build made it. `before` and `name` are of the original.
    """

    path: Path
    sha256: str
    bytes: int
    expected: Expected | None
    cached: bool
    before: int
    name: str

    def gain(self, target: str, comparison: Comparison | None = None) -> str:
        """What it was good for, as the log tells it; `target` is the result's path in the app."""
        change = round(100 * (self.bytes - self.before) / max(1, self.before))
        told = (
            f"{self.name} {format_size(self.before)} → "
            f"{target.rpartition('/')[2]} {format_size(self.bytes)} ({change:+d} %)"
        )
        if comparison is None or comparison.agreement is None:
            return told
        return f"{told}, agreement {_percent(comparison)} on {_samples(comparison)}"


def _percent(comparison: Comparison) -> str:
    """Rounded down: only all of them are 100 %."""
    return f"{int(1000 * (comparison.agreement or 0.0)) / 10:.1f} %"


def _samples(comparison: Comparison) -> str:
    return count_of(comparison.samples, "sample")

"""The app that models are for, as conversions and trials need to know it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from slugfit.distributions import versions_in


@dataclass(frozen=True)
class AppPython:
    """The app, the Python that it runs in, where that has its packages, and its environment."""

    app: Path
    python: Path
    version: str
    site: Path
    env: Mapping[str, str]

    @cached_property
    def packages(self) -> dict[str, str]:
        """What is installed: versions by normalized names."""
        return versions_in(self.site)

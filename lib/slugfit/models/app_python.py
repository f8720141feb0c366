"""The app's Python, for conversions and checks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from slugfit.packages.distributions import versions_in


@dataclass(frozen=True)
class AppPython:
    """The app, its Python and version, its site-packages, and the environment of its processes."""

    app: Path
    python: Path
    version: str
    site: Path
    env: Mapping[str, str]

    @cached_property
    def packages(self) -> dict[str, str]:
        """Installed versions by normalized name."""
        return versions_in(self.site)

"""What site-packages hold, as the rules see it: on a disk, or in the wheels that will be there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from slugfit.packages.distributions import Distribution


class Listing(Protocol):
    """The names in site-packages, and what is known of the files behind them."""

    @property
    def files(self) -> Sequence[str]:
        """The paths of all files, sorted, relative to site-packages."""

    @property
    def distributions(self) -> tuple[Distribution, ...]:
        """What is installed."""

    def is_kind(self, path: str, kind: str) -> bool | None:
        """Whether a file's content is what `kind` names, of file_kinds; None if that is unknown."""

"""Converts models at build time: to another format, quantized, or both."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from slugfit.models.check import Expected


@dataclass(frozen=True)
class Converted:
    """The result of a conversion, `bytes` large. `path` is in the build cache.

    `expected` has the original's outputs, None when the user has a reference of their own.
    `cached` says that an earlier build made it. `before` and `name` are the original's bytes
    and file name.
    """

    path: Path
    sha256: str
    bytes: int
    expected: Expected | None
    cached: bool
    before: int
    name: str

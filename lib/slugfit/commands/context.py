"""What a command of the local tool works with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from slugfit.base.output import Output
from slugfit.helper.dependencies import Dependencies


@dataclass(frozen=True)
class Context:
    """`cache` is what CACHE_DIR/slugfit is to a build; `environ` holds the config vars."""

    environ: Mapping[str, str]
    output: Output
    dependencies: Dependencies
    cache: Path

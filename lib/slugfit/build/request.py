"""What a build is asked to do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from slugfit.base.http import Network
from slugfit.settings.config_vars import Named
from slugfit.stores.store import ConfigVars

Mode = Literal["build", "ci"]


@dataclass(frozen=True)
class Request:
    """Where to build, for which Python and stack, and with which configuration.

    `environ` is the build's own environment; `child_env` is the part of it that the app's
    processes get. `soabi` tags the Python's extension modules: cpython-311-x86_64-linux-gnu.
    """

    mode: Mode
    app: Path
    cache: Path
    python: Path
    site_packages: Path
    python_version: str
    soabi: str
    stack: str
    config_vars: ConfigVars
    named: Named
    network: Network
    environ: Mapping[str, str]
    child_env: Mapping[str, str]

    @property
    def own_cache(self) -> Path:
        return self.cache / "slugfit"

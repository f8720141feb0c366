"""What a build is asked, and how it keeps the time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from slugfit.models.wire import Network
from slugfit.settings.config_vars import ConfigVars, Named

Mode = Literal["build", "ci"]


@dataclass(frozen=True)
class Request:
    """Where to build, for which Python, and under which circumstances.

    `environ` is what the build was started in, `child_env` what of it is for the app's processes.
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


@dataclass
class Steps:
    """Times the steps, and knows the one that runs: it is named when a bug stops the build."""

    clock: Callable[[], float] = time.monotonic
    current: str = "start"
    durations: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        self.current = name
        begin = self.clock()
        yield
        self.durations[name] = self.clock() - begin

"""How long each step of a build takes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass
class StepTimer:
    """Seconds by step. `current` is the step to name when a bug stops the build."""

    clock: Callable[[], float] = time.monotonic
    current: str = "start"
    durations: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        self.current = name
        begin = self.clock()
        yield
        self.durations[name] = self.clock() - begin

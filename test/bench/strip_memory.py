"""How much memory a strip takes: Slugfit itself, and all with the packages that it tries."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from bench.measure import tree

PAUSE = 0.05
OWN = "slugfit/__main__.py"


@dataclass(frozen=True)
class Peak:
    """Bytes in memory at once, pages that processes share counted once."""

    own: int = 0
    with_trials: int = 0

    def __or__(self, other: Peak) -> Peak:
        """Return the larger of each."""
        return Peak(max(self.own, other.own), max(self.with_trials, other.with_trials))


def watch(command: Sequence[str], environment: Mapping[str, str]) -> Peak:
    """Run a command, and return the most that it had in memory."""
    most = Peak()
    process = subprocess.Popen(
        command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
    )
    while process.poll() is None:
        most |= _now(process.pid)
        time.sleep(PAUSE)
    if process.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}\nended with {process.returncode}")
    return most


def _now(pid: int) -> Peak:
    shares = [(_is_own(process), _share(process)) for process in tree(pid)]
    return Peak(sum(share for own, share in shares if own), sum(share for _, share in shares))


def _is_own(pid: int) -> bool:
    """Tell Slugfit, and the workers that it forked, from the programs that it runs."""
    with suppress(OSError):
        return OWN in Path(f"/proc/{pid}/cmdline").read_text()
    return False


def _share(pid: int) -> int:
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    return 0

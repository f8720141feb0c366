"""Child processes with bounds: no terminal, a deadline, a short memory of what they said."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Finished:
    """How a child ended. `said` is its last line of output, "" when it said nothing."""

    ok: bool
    said: str


def run(argv: Sequence[str], *, env: Mapping[str, str], cwd: Path, seconds: float) -> Finished:
    """Run `argv` to its end, or kill it after `seconds`. A child that fails is no exception."""
    try:
        child = subprocess.run(  # noqa: S603 (argv is ours; no shell)
            argv,
            env=dict(env),
            cwd=cwd,
            timeout=seconds,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Finished(ok=False, said=f"took longer than {seconds:g} seconds")
    if child.returncode < 0:
        return Finished(ok=False, said=f"killed by signal {-child.returncode}")
    lines = child.stderr.decode(errors="replace").strip().splitlines()
    return Finished(ok=child.returncode == 0, said=lines[-1] if lines else "")

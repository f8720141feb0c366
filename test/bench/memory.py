"""`make bench-fetch-memory`: how much memory Slugfit has in use to fetch a large object."""

from __future__ import annotations

import argparse
import os
import random
from collections.abc import Mapping
from pathlib import Path

from bench.documented import add_write, document
from bench.loads import MIB, Load, Store, verify
from bench.measure import Memory, watch
from bench.results import say
from bench.site import PROGRAM, site, warm
from bench.tools import slugfit
from support.s3 import S3Server

LOAD = Load("One object of 4 GiB", "huge", 4096 * MIB, noise_every=64 * MIB)
BAR = 150_000_000
SEED = 3
PAUSE = 0.02


def main(environ: Mapping[str, str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.memory", description=__doc__)
    parser.add_argument("--slugfit", type=Path, default=PROGRAM, help="another program to measure")
    add_write(parser)
    arguments = parser.parse_args()
    warm(arguments.slugfit, environ)
    memory = fetch(arguments.slugfit, environ)
    report(memory)
    if arguments.write:
        peaks = f"{LOAD.title}: {_mb(memory.peaks)} of memory, all processes together."
        document("bench-fetch-memory", [peaks])


def fetch(program: Path, environ: Mapping[str, str]) -> Memory:
    """Fetch the object, and return what memory that took."""
    with S3Server() as server, site() as here:
        chance = random.Random(SEED)  # noqa: S311 - no secret
        uploaded = Store(server).upload(LOAD, here.scratch, chance)
        here.renew()
        command = slugfit(here.job(uploaded), program)
        memory = watch(command, here.environment(server, environ), PAUSE)
        verify(here.destination, uploaded, content=True)
        return memory


def report(memory: Memory) -> None:
    """Print the result."""
    verdict = "held" if memory.peaks <= BAR else "NOT HELD"
    say(
        "# `make bench-fetch-memory`",
        "",
        f"{LOAD.title}, by Slugfit with all its processes, looked at every {PAUSE * 1000:.0f} ms:",
        "",
        f"- in memory at once: {_mb(memory.resident)}, {_mb(memory.anonymous)} of it in no file",
        f"- the peaks of all processes together: {_mb(memory.peaks)}",
        f"- bar of {_mb(BAR)}: {verdict}.",
    )


def _mb(size: int) -> str:
    return f"{size / 1e6:.1f} MB"


if __name__ == "__main__":
    main(os.environ)

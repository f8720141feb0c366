"""`make bench-slug`: the size of a slug, by Slugfit and as `tar` with gzip or pigz finds it out."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from bench.documented import add_write, document
from bench.machine import Others, describe
from bench.results import say
from bench.strip_stacks import STACKS, TITLES, Installed, install
from support.paths import REPOSITORY

ERROR = 0.005
COLD, WARM = 4.0, 10.0
ROUNDS = 3


@dataclass(frozen=True)
class Found:
    """A compressed size in bytes, and the seconds that it took to find out."""

    compressed: int
    seconds: float


def main(environ: Mapping[str, str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.slug", description=__doc__)
    parser.add_argument("--stacks", type=lambda names: names.split(","), default=STACKS)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    add_write(parser)
    arguments = parser.parse_args()
    others = Others()
    say("# `make bench-slug`", "", *(f"- {fact}" for fact in describe()))
    say(f"- seconds: the median of {arguments.rounds} rounds, files in the page cache", "")
    lines = [*head()]
    say(*lines)
    for stack in arguments.stacks:
        lines.append(row(install(stack), [*rounds(install(stack), arguments.rounds, environ)]))
        say(lines[-1])
    say("", f"All this time {others.share}.")
    if arguments.write:
        document("bench-slug", lines)


def rounds(
    stack: Installed, count: int, environ: Mapping[str, str]
) -> Iterator[Mapping[str, Found]]:
    """Find the size out in every way, `count` times."""
    packed(stack, "cat")  # else whoever comes first would be the one who waits for the disk
    for _ in range(count):
        with TemporaryDirectory() as memory:
            yield {
                "cold": slugfit(stack, Path(memory), environ),
                "warm": slugfit(stack, Path(memory), environ),
                "gzip": packed(stack, "gzip", "-6"),
                **({"pigz": packed(stack, "pigz", "-6")} if shutil.which("pigz") else {}),
            }


def slugfit(stack: Installed, memory: Path, environ: Mapping[str, str]) -> Found:
    """As a build does, which has started Python already."""
    program = [sys.executable, "-m", "bench.weigh", str(stack.site), str(memory)]
    path = os.pathsep.join(str(REPOSITORY / part) for part in ("lib", "test"))
    done = subprocess.run(
        program, env={**environ, "PYTHONPATH": path}, stdout=subprocess.PIPE, check=True
    )
    found = json.loads(done.stdout)
    return Found(found["compressed"], found["seconds"])


def packed(stack: Installed, *compressor: str) -> Found:
    """As the platform does: a tar of all, every hard link in full."""
    command = (
        'tar --create --hard-dereference --directory "$1" '
        "--transform 's,^site-packages,./app/site-packages,' site-packages "
        f"| {' '.join(compressor)} | wc --bytes"
    )
    begin = time.monotonic()
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command, "bash", str(stack.site.parent)],
        stdout=subprocess.PIPE,
        check=True,
    )
    return Found(int(done.stdout), time.monotonic() - begin)


def head() -> Iterator[str]:
    """Yield the head of the table."""
    times = "gzip | pigz | first build | next build | first, faster by | next, faster by"
    yield f"| packages | gzip -6 | Slugfit | error | {times} |"
    yield f"|---|{'---:|' * 9}"


def row(stack: Installed, found: list[Mapping[str, Found]]) -> str:
    """Return the line of one stack, with a word where a bar is not held."""
    seconds = {
        way: median(each[way].seconds for each in found) if way in found[0] else None
        for way in ("gzip", "pigz", "cold", "warm")
    }
    true, ours = found[0]["gzip"].compressed, found[0]["cold"].compressed
    error = ours / true - 1
    times = [
        median(each["gzip"].seconds / each[way].seconds for each in found)
        for way in ("cold", "warm")
    ]
    held = abs(error) <= ERROR and times[0] >= COLD and times[1] >= WARM
    cells = (
        *(TITLES[stack.stack], f"{true / 1e6:.1f} MB", f"{ours / 1e6:.1f} MB", f"{error:+.2%}"),
        *(f"{taken:.2f} s" if taken else "" for taken in seconds.values()),
        *(f"{times[0]:.1f}x", f"{times[1]:.1f}x" + ("" if held else ": NOT HELD")),
    )
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    main(os.environ)

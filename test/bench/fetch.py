"""`make bench-fetch`: Slugfit beside s5cmd, the AWS CLI, boto3 and curl, on one server."""

from __future__ import annotations

import argparse
import os
import random
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.documented import add_write, document
from bench.link import Link, LinkError, isolation, slow_link
from bench.loads import LOADS, Load, Store, Uploaded, verify
from bench.machine import Others, describe, touch_memory
from bench.measure import run
from bench.results import Round, bars, say, summary, table
from bench.site import PROGRAM, Site, site, warm
from bench.tools import commands, versions
from support.s3 import S3Server

ROUNDS = 7
SEED = 3


def main(environ: Mapping[str, str]) -> None:
    arguments = parse()
    if arguments.isolated is None:
        # First: the namespace leads to no package index.
        warm(arguments.slugfit, environ)
        begin_isolated()
    else:
        compare(arguments, environ, random.Random(SEED))  # noqa: S311 - no secret


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.fetch", description=__doc__)
    parser.add_argument("--slugfit", type=Path, default=PROGRAM, help="another program to measure")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--load", choices=LOADS, action="append", help="only this; may be repeated")
    add_write(parser)
    parser.add_argument("--isolated", choices=("yes", "no"), help=argparse.SUPPRESS)
    return parser.parse_args()


def begin_isolated() -> None:
    """Begin anew in a network namespace, where that is permitted."""
    prefix = isolation(os.geteuid())
    again = [sys.executable, "-m", "bench.fetch", *sys.argv[1:], "--isolated"]
    command = [*prefix, *again, "yes"] if prefix else [*again, "no"]
    os.execvp(command[0], command)  # noqa: S606 - no shell is wanted


def compare(
    arguments: argparse.Namespace, environ: Mapping[str, str], chance: random.Random
) -> None:
    """Measure all loads on one server, and print the results."""
    others = Others()
    measured = {}
    with S3Server() as server, site() as here:
        bench = Bench(here, server, Store(server), arguments.slugfit, environ, chance)
        bench.head(arguments.rounds)
        for load in (LOADS[name] for name in arguments.load or LOADS):
            say("", f"## {load.title}", "")
            try:
                with way(load, isolated=arguments.isolated == "yes") as link:
                    rounds = bench.measure(load, link, arguments.rounds)
                    say(f"Over {link.how}.", "", *table(load, rounds), "", *bars(load, rounds))
                    measured[load.title] = rounds
            except LinkError as reason:
                say(f"Skipped: {reason}.")
    say("", f"All this time {others.share}.")
    if arguments.write:
        document("bench-fetch", summary(measured))


@contextmanager
def way(load: Load, *, isolated: bool) -> Iterator[Link]:
    """Give the clients the way to the server that a load is about."""
    if not load.over_link:
        yield Link((), "the loopback interface")
    elif not isolated:
        raise LinkError("network namespaces are not permitted here")
    else:
        with slow_link() as link:
            yield link


@dataclass(frozen=True)
class Bench:
    """One run of the bench."""

    site: Site
    server: S3Server
    store: Store
    program: Path
    environ: Mapping[str, str]
    chance: random.Random

    @property
    def environment(self) -> dict[str, str]:
        """The environment of the tools."""
        return self.site.environment(self.server, self.environ)

    def head(self, rounds: int) -> None:
        """Print what the results depend on, and how to read them."""
        say("# `make bench-fetch`", "")
        facts = (*describe(), touch_memory(), "; ".join(versions(self.environment)))
        say(*(f"- {fact}" for fact in facts))
        say(f"- {rounds} rounds after one to warm up, each with all tools, in random order")
        say("- every cell: the median of the rounds, and the least and the most")

    def measure(self, load: Load, link: Link, rounds: int) -> list[Round]:
        """Let all tools fetch a load, several times."""
        uploaded = self.store.upload(load, self.site.scratch, self.chance)
        # The server's own writing should be over when the clients begin.
        os.sync()
        asked = commands(self.site.job(uploaded), self.program)
        tools = {tool: [*link.prefix, *command] for tool, command in asked.items()}
        self._round(uploaded, tools, content=True)
        return [self._round(uploaded, tools, content=False) for _ in range(rounds)]

    def _round(self, uploaded: Uploaded, tools: Mapping[str, list[str]], *, content: bool) -> Round:
        runs = {}
        for tool in self.chance.sample(list(tools), len(tools)):
            self.site.renew()
            runs[tool] = run(tools[tool], self.environment)
            verify(self.site.destination, uploaded, content=content)
            sys.stderr.write(f"{uploaded.load.folder}: {tool} {runs[tool].wall:.2f} s\n")
        return {tool: runs[tool] for tool in tools}


if __name__ == "__main__":
    main(os.environ)

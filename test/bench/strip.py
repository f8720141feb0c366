"""`make bench-strip`: Slugfit beside the recipes and tools that people use, on eight stacks."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.documented import add_write, document
from bench.machine import Others, describe
from bench.results import say
from bench.site import PROGRAM
from bench.strip_bars import bars
from bench.strip_bench import Baseline, Kit, Result, StackBench
from bench.strip_results import summary, table
from bench.strip_stacks import STACKS, TREES, install
from bench.strip_tools import Tool, tools, versions

ROUNDS = 3


def main(environ: Mapping[str, str]) -> None:
    arguments = parse()
    available = tools(arguments.slugfit)
    chosen = [available[name] for name in arguments.tool or available]
    others = Others()
    head(arguments.rounds)
    TREES.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix="bench-", dir=TREES) as scratch:
        kit = Kit(Path(scratch), environ)
        if any(tool.is_slugfit for tool in chosen):
            boot(kit, arguments.slugfit)
        measured = {stack: compare(stack, kit, chosen, arguments) for stack in arguments.stacks}
    say("", f"All this time {others.share}.")
    if arguments.write:
        document("bench-strip", summary(measured))


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.strip", description=__doc__)
    parser.add_argument("--slugfit", type=Path, default=PROGRAM, help="another program to measure")
    parser.add_argument("--stacks", type=_stacks, default=STACKS, metavar="A,B", help="only these")
    parser.add_argument("--tool", choices=tools(PROGRAM), action="append", help="only this")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--skip-sweep", action="store_true", help="do not import every module")
    add_write(parser)
    return parser.parse_args()


def _stacks(names: str) -> list[str]:
    chosen = names.split(",")
    if unknown := set(chosen) - set(STACKS):
        raise argparse.ArgumentTypeError(f"no stack {sorted(unknown)}: {', '.join(STACKS)}")
    return chosen


def head(rounds: int) -> None:
    """Print what the results depend on, and how to read them."""
    say("# `make bench-strip`", "")
    say(*(f"- {fact}" for fact in (*describe(), "; ".join(versions()))))
    say(f"- seconds: the median of {rounds} rounds where a spread is given, else of one")
    say("- compressed: site-packages, bytecode included, as `tar` and `gzip -6` pack it")
    say("- modules broken: of those that imported before and whose file is still there")


def boot(kit: Kit, program: Path) -> None:
    """Let Slugfit install what it runs on, as its first use does."""
    site = kit.scratch / "site"
    metadata = site / "nothing-1.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: nothing\nVersion: 1\n")
    (metadata / "RECORD").write_text(
        "nothing-1.dist-info/METADATA,,\nnothing-1.dist-info/RECORD,,\n"
    )
    kit.booted.mkdir()
    variables = {**kit.environ, "SLUGFIT_CACHE_DIR": str(kit.booted)}
    command = [str(program), "slim", str(site), "--python", sys.executable]
    subprocess.run(command, env=variables, check=True, stdout=sys.stderr)


def compare(
    stack: str, kit: Kit, chosen: list[Tool], arguments: argparse.Namespace
) -> tuple[Baseline, dict[str, Result]]:
    """Measure all tools on a stack, print the results, and return them."""
    bench = StackBench(install(stack), kit, sweeping=not arguments.skip_sweep)
    results = {
        tool.name: bench.measure(tool, arguments.rounds if tool.timed else 1) for tool in chosen
    }
    left_out = bench.baseline.not_imported
    say("", f"## {stack}", "", *table(bench.baseline, results), "")
    say(f"- {left_out:,} modules did not import before, and are not counted")
    say(*bars(stack, bench.baseline, results))
    return bench.baseline, results


if __name__ == "__main__":
    main(os.environ)

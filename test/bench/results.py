"""What the runs amount to, in Markdown."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from statistics import median

from bench.loads import Load
from bench.measure import Run
from bench.tools import SLUGFIT, YARDSTICK

# A round: each tool once.
Round = Mapping[str, Run]

COLUMNS = (
    *("tool", "seconds", "MB/s", "processor seconds", "the server's"),
    *(f"of {YARDSTICK}'s time", "Slugfit's of its time"),
)


def say(*lines: str) -> None:
    """Print lines of the results."""
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    sys.stdout.flush()


def table(load: Load, rounds: Sequence[Round]) -> Iterator[str]:
    """Yield a table: a line for each tool."""
    yield f"| {' | '.join(COLUMNS)} |"
    yield f"|---|{'---:|' * (len(COLUMNS) - 1)}"
    for tool in rounds[0]:
        yield f"| {' | '.join((tool, *_cells(load, rounds, tool)))} |"


def summary(measured: Mapping[str, Sequence[Round]]) -> Iterator[str]:
    """Yield one table for all loads, by title: medians, and below them what they are of s5cmd's."""
    tools = list(dict.fromkeys(tool for rounds in measured.values() for tool in rounds[0]))
    yield f"| seconds | {' | '.join(tools)} |"
    yield f"|---|{'---:|' * len(tools)}"
    for title, rounds in measured.items():
        walls = {tool: median(each[tool].wall for each in rounds) for tool in rounds[0]}
        shares = {tool: median(_ratios(rounds, tool, YARDSTICK)) for tool in walls}
        shares.pop(YARDSTICK)
        yield _row(title, tools, walls)
        yield _row(f"… of {YARDSTICK}'s time", tools, shares)


def _row(title: str, tools: Sequence[str], values: Mapping[str, float]) -> str:
    cells = (f"{values[tool]:.2f}" if tool in values else "" for tool in tools)
    return f"| {' | '.join((title, *cells))} |"


def _cells(load: Load, rounds: Sequence[Round], tool: str) -> Iterator[str]:
    runs = [each[tool] for each in rounds]
    walls = [run.wall for run in runs]
    yield _spread(walls)
    yield f"{load.size * load.count / 1e6 / median(walls):.0f}"
    yield _spread([run.cpu for run in runs])
    yield _spread([run.server_cpu for run in runs])
    for one, other in ((tool, YARDSTICK), (SLUGFIT, tool)):
        yield _spread(_ratios(rounds, one, other)) if one != other else ""


def bars(load: Load, rounds: Sequence[Round]) -> Iterator[str]:
    """Yield a line for each bar that is set for a load."""
    for tool, most in load.bars.items():
        ratios = _ratios(rounds, SLUGFIT, tool)
        verdict = "held" if median(ratios) <= most else "NOT HELD"
        yield f"- Slugfit takes at most {most:.2f} of {tool}'s time: {_spread(ratios)}, {verdict}."


def _ratios(rounds: Sequence[Round], tool: str, other: str) -> list[float]:
    """Compare within each round: what slows the machine for a while slows both."""
    return [each[tool].wall / each[other].wall for each in rounds]


def _spread(values: Sequence[float]) -> str:
    return f"{median(values):.2f} ({min(values):.2f}–{max(values):.2f})"  # noqa: RUF001 - a range

"""What the tools made of a stack, in Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from statistics import median

from bench.measure import Run
from bench.strip_bench import Baseline, Result, Size
from bench.strip_tools import YARDSTICK

COLUMNS = (
    *("tool", "MB compressed", "of before", "MB unpacked", "modules broken", "trials failed"),
    *("seconds cold", "warm", f"of {YARDSTICK}'s", "processor seconds", "MB memory"),
)
NOTHING = "–"  # noqa: RUF001 - an empty cell


def table(baseline: Baseline, results: Mapping[str, Result]) -> Iterator[str]:
    """Yield a table: a line for the stack before, and one for each tool."""
    yield f"| {' | '.join(COLUMNS)} |"
    yield f"|---|{'---:|' * (len(COLUMNS) - 1)}"
    empty = [""] * (len(COLUMNS) - 4)
    yield _line("before", *_sizes(baseline.size, baseline), *empty)
    yardstick = results.get(YARDSTICK)
    for name, result in results.items():
        yield _line(name, *_cells(result, baseline, yardstick))


def _cells(result: Result, baseline: Baseline, yardstick: Result | None) -> Iterator[str]:
    yield from _sizes(result.size, baseline)
    swept = result.swept
    yield NOTHING if swept is None else f"{len(result.broken):,} of {swept:,}"
    tried = sum(outcome.works for outcome in baseline.outcomes.values())
    yield f"{len(result.failures)} of {tried}"
    yield _seconds(result.cold)
    yield _seconds(result.warm)
    yield _ratio(result, yardstick)
    yield f"{median(run.cpu for run in result.cold):.1f}"
    yield f"{result.peak.own / 1e6:.0f}" if result.peak else NOTHING


def _sizes(size: Size, baseline: Baseline) -> tuple[str, str, str]:
    share = size.compressed / baseline.size.compressed
    return f"{size.compressed / 1e6:.1f}", f"{share:.1%}", f"{size.raw / 1e6:.0f}"


def _seconds(runs: Sequence[Run]) -> str:
    if not runs:
        return NOTHING
    walls = [run.wall for run in runs]
    spread = f" ({min(walls):.1f}–{max(walls):.1f})" if len(walls) > 1 else ""  # noqa: RUF001
    return f"{median(walls):.1f}{spread}"


def _ratio(result: Result, yardstick: Result | None) -> str:
    """Say how a tool's time compares, cold and, where it differs, warm."""
    if yardstick is None or result is yardstick:
        return ""
    base = median(run.wall for run in yardstick.cold)
    times = (result.cold, result.warm) if result.warm else (result.cold,)
    return ", ".join(f"{median(run.wall for run in runs) / base:.1f}" for runs in times)


def _line(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"

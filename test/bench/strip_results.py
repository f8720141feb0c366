"""What the tools made of a stack, in Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from statistics import median

from bench.measure import Run
from bench.strip_bench import Baseline, Result, Size
from bench.strip_stacks import TITLES
from bench.strip_tools import SLUGFIT, YARDSTICK

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


# What the docs show of each stack, and what they call it.
_SHOWN = {
    SLUGFIT: "level `safe`",
    YARDSTICK: YARDSTICK,
    "slugfit safe, boot": '`bytecode = "boot"`',
    "slugfit safe, drop": '`"drop"`',
    "serverless slim": "serverless slim",
}
# Of these, the docs also say what they break.
_COMPARED = (SLUGFIT, YARDSTICK, "serverless slim")
Measured = Mapping[str, tuple[Baseline, Mapping[str, Result]]]


def summary(measured: Measured) -> Iterator[str]:
    """Yield one table for all stacks, and what each way to strip has broken."""
    yield f"| site-packages, compressed | before | {' | '.join(_SHOWN.values())} |"
    yield f"|---|{'---:|' * (len(_SHOWN) + 1)}"
    for stack, (baseline, results) in measured.items():
        cells = (_shown(results.get(tool), baseline) for tool in _SHOWN)
        yield _line(TITLES[stack], f"{baseline.size.compressed / 1e6:.1f} MB", *cells)
    yield ""
    for tool in _COMPARED:
        found = {s: results[tool] for s, (_, results) in measured.items() if tool in results}
        if found:
            yield f"- Modules that no longer import after {_SHOWN[tool]}: {_broken(found)}."


def _shown(result: Result | None, baseline: Baseline) -> str:
    if result is None:
        return NOTHING
    share = result.size.compressed / baseline.size.compressed - 1
    size = f"{result.size.compressed / 1e6:.1f} MB"
    return f"{size}, fails" if result.failures else f"{size} ({share:+.0%})"


def _broken(results: Mapping[str, Result]) -> str:
    swept = [result.swept or 0 for result in results.values()]
    some = [f"{len(r.broken):,} of {r.swept:,} ({s})" for s, r in results.items() if r.broken]
    return ", ".join(some) or f"none of {min(swept):,} to {max(swept):,}"


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

"""The bars that are set for the strip, and whether they are held."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from statistics import median

from bench.strip_bench import Baseline, Result
from bench.strip_tools import RIVALS, SLUGFIT

MEGABYTE = 1e6
COLD_SECONDS = 40.0
MEMORY = 500e6
# A rival that leaves the app broken may be so much smaller.
OF_BREAKAGE = 1.02


@dataclass(frozen=True)
class SizeBars:
    """Compressed megabytes of a stack when the bars were set, and at most for each tool."""

    before: float
    most: Mapping[str, float]


KEEP, BOOT, MAX = "slugfit safe, keep", "slugfit safe, boot", "slugfit max, keep"
# Three per cent below what a prototype reached; packages have had newer versions since.
SIZES = {
    "tflite": SizeBars(34.7, {KEEP: 28.0, BOOT: 27}),
    "onnxruntime": SizeBars(57.4, {KEEP: 49.7, BOOT: 37}),
    "torch": SizeBars(258.7, {KEEP: 177.6, BOOT: 152}),
    "tensorflow": SizeBars(352.9, {KEEP: 278.6, BOOT: 272, MAX: 245}),
    "sklearn": SizeBars(149.3, {KEEP: 103.7, BOOT: 98}),
    "nlp": SizeBars(173.6, {KEEP: 125.5, BOOT: 94}),
    "cv": SizeBars(181.0, {KEEP: 155.4, BOOT: 146}),
}
WARM_SECONDS = {"tensorflow": 5.0, "tflite": 1.0}


def bars(stack: str, baseline: Baseline, results: Mapping[str, Result]) -> Iterator[str]:
    """Yield a line for each bar of a stack."""
    yield from _sizes(stack, baseline, results)
    yield from _rivals(results)
    if SLUGFIT in results:
        yield from _costs(stack, results[SLUGFIT])
    for name, result in results.items():
        if result.tool.is_slugfit:
            yield from _harms(name, result)


def _sizes(stack: str, baseline: Baseline, results: Mapping[str, Result]) -> Iterator[str]:
    if stack not in SIZES:
        return
    set_at = SIZES[stack]
    now = baseline.size.compressed / MEGABYTE / set_at.before
    for name, most in set_at.most.items():
        if name in results:
            size = results[name].size.compressed / MEGABYTE
            yield (
                f"- {name}: {size:.1f} MB, at most {most:.1f}: {_verdict(size <= most)}; "
                f"the stack is {now:.3f} of what it was, and of that {most * now:.1f}: "
                f"{_verdict(size <= most * now)}."
            )


def _rivals(results: Mapping[str, Result]) -> Iterator[str]:
    for rival, own in RIVALS.items():
        if rival in results and own in results:
            other = results[rival]
            works = not other.failures and not other.broken
            ratio = results[own].size.compressed / other.size.compressed
            most = 1.0 if works else OF_BREAKAGE
            how = "works" if works else "is broken"
            yield (
                f"- {own} is {ratio:.3f} of {rival}, after which the stack {how}; "
                f"at most {most:.2f}: {_verdict(ratio <= most)}."
            )


def _costs(stack: str, result: Result) -> Iterator[str]:
    cold = median(run.wall for run in result.cold)
    yield f"- cold: {cold:.1f} s, at most {COLD_SECONDS:.0f}: {_verdict(cold <= COLD_SECONDS)}."
    if stack in WARM_SECONDS:
        warm, most = median(run.wall for run in result.warm), WARM_SECONDS[stack]
        yield f"- warm: {warm:.2f} s, at most {most:.0f}: {_verdict(warm <= most)}."
    if result.peak:
        own, tried = result.peak.own / MEGABYTE, result.peak.with_trials / MEGABYTE
        yield (
            f"- memory: {own:.0f} MB, at most {MEMORY / MEGABYTE:.0f}: "
            f"{_verdict(result.peak.own <= MEMORY)}; "
            f"{tried:.0f} MB with the packages that are tried."
        )


def _harms(name: str, result: Result) -> Iterator[str]:
    harms = {**result.broken, **result.failures}
    yield f"- {name}: {len(harms)} broken, at most 0: {_verdict(not harms)}."
    yield from (f"  - {what}: {said}" for what, said in list(harms.items())[:10])
    yield from (f"- {name}: {vice}: NOT HELD." for vice in result.vices)


def _verdict(held: bool) -> str:
    return "held" if held else "NOT HELD"

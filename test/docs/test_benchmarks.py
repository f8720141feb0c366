"""docs/benchmarks.md has a place for each bench, and a bench writes into its own alone."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bench.documented import PAGE, NoMarkersError, document, replaced
from bench.measure import Run
from bench.results import summary as fetch_summary
from bench.strip_bench import Baseline, Result, Size
from bench.strip_results import summary as strip_summary
from bench.strip_tools import SLUGFIT, YARDSTICK, Tool
from support.paths import REPOSITORY

TEXT = """\
# Benchmarks
<!-- bench-a:begin -->
old
<!-- bench-a:end -->
between
<!-- bench-b:begin -->
<!-- bench-b:end -->
"""


def test_every_bench_of_the_makefile_has_its_markers() -> None:
    targets = re.findall(r"^(bench-[\w-]+):", (REPOSITORY / "Makefile").read_text(), re.MULTILINE)
    assert len(targets) == 7
    for target in targets:
        assert replaced(PAGE.read_text(), target, ["x"]).count("\nx\n") == 1


def test_only_what_is_between_the_markers_is_replaced() -> None:
    assert replaced(TEXT, "bench-a", [r"| 1 \2 |", "two"]) == TEXT.replace("old", "| 1 \\2 |\ntwo")
    assert replaced(TEXT, "bench-b", []) == TEXT


def test_a_bench_without_markers_is_named() -> None:
    with pytest.raises(NoMarkersError, match=r"^bench-c$"):
        replaced(TEXT, "bench-c", ["x"])


def test_the_machine_and_the_date_stand_above_the_table(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(TEXT)
    document("bench-a", ["| table |"], page)
    line = r"\*Linux [^\n]+ processors, [^\n]+; Python 3\.[^\n]+; \d+ [A-Z][a-z]+ 20\d\d\*"
    block = rf"<!-- bench-a:begin -->\n{line}\n\n\| table \|\n<!-- bench-a:end -->"
    assert re.search(block, page.read_text())


def test_the_fetchs_table_has_medians_and_below_them_what_they_are_of_s5cmds() -> None:
    rounds = [
        {"slugfit": Run(wall, 0, 0), "s5cmd": Run(2 * wall, 0, 0), "curl": Run(1.0, 0, 0)}
        for wall in (1.0, 3.0, 2.0)
    ]
    few = [{"slugfit": Run(1.0, 0, 0), "s5cmd": Run(4.0, 0, 0)}]
    assert [*fetch_summary({"One": rounds, "Many": few})] == [
        "| seconds | slugfit | s5cmd | curl |",
        "|---|---:|---:|---:|",
        "| One | 2.00 | 4.00 | 1.00 |",
        "| … of s5cmd's time | 0.50 |  | 0.25 |",
        "| Many | 1.00 | 4.00 |  |",
        "| … of s5cmd's time | 0.25 |  |  |",
    ]


def test_the_strips_table_says_what_fails_and_what_is_broken() -> None:
    def made(name: str, megabytes: float, broken: int = 0, failed: int = 0) -> Result:
        return Result(
            Tool(name, "keep", lambda _: []),
            Size(int(megabytes * 1e6), 0),
            cold=(),
            swept=1000 + broken,
            broken=dict.fromkeys(map(str, range(broken)), "broken"),
            failures=dict.fromkeys(map(str, range(failed)), "failed"),
        )

    baseline = Baseline(Size(40_000_000, 0), (), 0, {})
    results = {SLUGFIT: made(SLUGFIT, 30), YARDSTICK: made(YARDSTICK, 35, broken=2, failed=1)}
    assert [*strip_summary({"litert": (baseline, results)})] == [
        "| site-packages, compressed | before | level `safe` | find+strip |"
        ' `bytecode = "boot"` | `"drop"` | serverless slim |',
        "|---|---:|---:|---:|---:|---:|---:|",
        "| Flask, LiteRT | 40.0 MB | 30.0 MB (-25%) | 35.0 MB, fails | – | – | – |",  # noqa: RUF001
        "",
        "- Modules that no longer import after level `safe`: none of 1,000 to 1,000.",
        "- Modules that no longer import after find+strip: 2 of 1,002 (litert).",
    ]

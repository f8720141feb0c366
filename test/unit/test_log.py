"""The tables in the build's log, to the letter."""

from __future__ import annotations

from pathlib import Path

import pytest

from slugfit.report.log import show_slug, show_strip, warn_of_size
from slugfit.settings.model import BudgetSettings
from slugfit.slug.contents import Slug
from slugfit.slug.history import Difference, History
from slugfit.slug.requirements.requirers import Graph
from slugfit.slug.smaller.savings import Saving
from slugfit.slug.tree import Item
from slugfit.slug.weighing.compress import Weight
from slugfit.strip import Restored, Stripped
from slugfit.strip.native.elf import Range, Shrink
from slugfit.strip.plan import Linking, Plan, Removal, Shrinking
from unit.build_log import BuildLog

MB = 1_000_000
NOWHERE = Path("/nowhere")
BUDGET = BudgetSettings(limit=60 * MB, warn=40 * MB)
ITEMS = {
    Item("python", "Python"): Weight(90 * MB, 30 * MB),
    Item("distribution", "numpy", "2.4.1"): Weight(60 * MB, 20 * MB),
    Item("model", "models/digits.tflite"): Weight(9_000, 5_500),
}


@pytest.fixture
def log() -> BuildLog:
    return BuildLog()


def removals(count: int, size: int, category: str) -> tuple[Removal, ...]:
    return tuple(Removal(f"p/{category}/{n}", size, category, "p") for n in range(count))


def test_a_strip_is_told_by_category(log: BuildLog) -> None:
    stripped = Stripped(
        Plan(
            removals(1, 7, "C headers")
            + removals(1234, 10_000, "tests")
            + removals(2, 500, "bytecode of removed sources"),
            (Shrinking("a.so", Shrink((Range(64, 1_000), Range(2_000, 3_000))), "p"),),
            (Linking("b.bin", "a.bin", 2_000, "p"),),
        ),
        checked=("numpy", "scipy"),
        started=("import app",),
    )
    show_strip(stripped, NOWHERE, log.output)
    assert log.alerts == ""
    assert (
        log.steps
        == """\
       tests                         1,234 files    12.3 MB
       bytecode of removed sources       2 files     1.0 KB
       C headers                          1 file        7 B
       files that are there twice         1 file     2.0 KB
       symbols and debug data             1 file     4.0 KB
       Imported 2 packages, each in a fresh process
       Still works: import app
"""
    )


def test_a_strip_that_removes_nothing_says_so(log: BuildLog) -> None:
    show_strip(Stripped(), NOWHERE, log.output)
    assert (log.steps, log.alerts) == ("       Nothing to remove\n", "")


def test_one_package_is_imported_in_a_fresh_process(log: BuildLog) -> None:
    show_strip(Stripped(Plan(removals(1, 1, "tests")), checked=("numpy",)), NOWHERE, log.output)
    last = log.steps.splitlines()[-1]
    assert last == "       Imported 1 package, in a fresh process"


def test_a_package_that_was_put_back_is_warned_of(log: BuildLog, tmp_path: Path) -> None:
    info = tmp_path / "google_cloud_x-1.0.dist-info"
    info.mkdir()
    files = ("google/cloud/x/__init__.py", "gcx.py", "__pycache__/gcx.pyc", "../../bin/gcx")
    (info / "RECORD").write_text("".join(f"{file},,\n" for file in files))
    said = "FileNotFoundError: [Errno 2] No such file or directory: 'terms.txt'"
    stripped = Stripped(
        restored=(Restored("google_cloud_x", "import google.cloud.x", said),),
        checked=("google_cloud_x",),
    )
    show_strip(stripped, tmp_path, log.output)
    assert (
        log.alerts
        == """\

 !     Warning: google_cloud_x was put back whole.
 !
 !     Without its removed files, import google.cloud.x fails:
 !     FileNotFoundError: [Errno 2] No such file or directory: 'terms.txt'
 !
 !     The app works as before; the slug is larger than it could be. To leave the
 !     package alone from the start, in slugfit.toml:
 !     [strip]
 !     keep = ["gcx.py", "google"]

"""
    )


def test_every_package_that_was_put_back_is_warned_of(log: BuildLog) -> None:
    restored = tuple(Restored(name, name, "no message") for name in ("a", "b"))
    show_strip(Stripped(restored=restored), NOWHERE, log.output)
    assert log.alerts.count("was put back whole.") == 2


def test_a_slug_is_told_by_its_items_and_against_its_limit(log: BuildLog) -> None:
    show_slug(Slug(ITEMS, removed=Weight(30 * MB, 10 * MB)), BUDGET, log.output)
    assert log.alerts == ""
    assert (
        log.steps
        == """\
                                packed   unpacked
       Python                  30.0 MB    90.0 MB
       numpy 2.4.1             20.0 MB    60.0 MB
       models/digits.tflite     5.5 KB     9.0 KB

       Slug: 50.0 MB compressed, 150.0 MB unpacked
       Before stripping: 60.0 MB compressed, 180.0 MB unpacked
       Boot: about 2.2 s to download (at 50.0 MB/s) and unpack the slug
       Limit: 60.0 MB compressed
"""
    )


def test_what_is_known_of_a_slug_is_told(log: BuildLog) -> None:
    python, numpy, model = ITEMS
    slug = Slug(
        ITEMS,
        Weight(),
        parts={
            python: {"Python": ITEMS[python]},
            numpy: {
                "shared libraries": Weight(40 * MB, 14 * MB),
                "bytecode": Weight(12 * MB, 4 * MB),
                "code": Weight(8 * MB, 2 * MB),
            },
            model: {"models": ITEMS[model]},
        },
        graph=Graph({"pandas": "requirements.txt"}, {"pandas": ("numpy",), "numpy": ()}),
        files=10_000,
    )
    since = History(19 * MB, (Difference("numpy", "2.3.0", "2.4.1", 19 * MB),))
    show_slug(slug, BUDGET, log.output, since)
    assert (
        log.steps
        == """\
                                packed   unpacked
       Python                  30.0 MB    90.0 MB
       numpy 2.4.1             20.0 MB    60.0 MB  ← pandas
       models/digits.tflite     5.5 KB     9.0 KB

       Python 30.0 MB, shared libraries 14.0 MB, bytecode 4.0 MB, code 2.0 MB
       Slug: 50.0 MB compressed, 150.0 MB unpacked
       Since the last build: +19.0 MB: numpy 2.3.0 → 2.4.1 (+19.0 MB)
       Boot: about 2.4 s to download (at 50.0 MB/s) and unpack the slug
       Limit: 60.0 MB compressed
"""
    )


def test_a_slug_that_has_not_changed_has_no_history(log: BuildLog) -> None:
    show_slug(Slug(ITEMS, Weight()), BUDGET, log.output, History(100, ()))
    assert "last build" not in log.steps


def test_a_slug_of_which_nothing_was_removed_has_no_before(log: BuildLog) -> None:
    show_slug(Slug(ITEMS, removed=Weight(0, 60)), BUDGET, log.output)
    assert "Before" not in log.steps


def test_an_empty_slug_has_no_table(log: BuildLog) -> None:
    show_slug(Slug({}, Weight()), BUDGET, log.output)
    assert log.steps.startswith("\n       Slug: 0 B compressed, 0 B unpacked\n")


CUDA = Saving("cuda", 900 * MB, "no CUDA", "At the top of requirements.txt:\n--index")
SMALL = Saving("small", MB, "a little", "In slugfit.toml:\nx")


def test_a_slug_over_its_warning_level_is_warned_of(log: BuildLog) -> None:
    warn_of_size(Slug(ITEMS, Weight()), BUDGET, log.output, [CUDA, SMALL])
    assert log.steps == ""
    assert (
        log.alerts
        == """\

 !     Warning: The slug is over its warning level of 40.0 MB.
 !
 !     It is 50.0 MB. Every dyno downloads and unpacks it before it starts,
 !     at each deploy, restart and scale-up.
 !
 !     To make it smaller:
 !     - About 900.0 MB less: no CUDA.
 !       At the top of requirements.txt:
 !       --index
 !     - About 1.0 MB less: a little.
 !       In slugfit.toml:
 !       x

"""
    )


def test_only_what_saves_a_good_part_of_a_small_slug_is_told(log: BuildLog) -> None:
    fine = BudgetSettings(limit=60 * MB, warn=60 * MB)
    warn_of_size(Slug(ITEMS, Weight()), fine, log.output, [CUDA, SMALL])
    assert log.alerts == ""
    assert (
        log.steps
        == """\

       To make it smaller:
       - About 900.0 MB less: no CUDA.
         At the top of requirements.txt:
         --index
"""
    )


def test_a_small_slug_is_not_nagged_about(log: BuildLog) -> None:
    fine = BudgetSettings(limit=60 * MB, warn=60 * MB)
    warn_of_size(Slug(ITEMS, Weight()), fine, log.output, [SMALL])
    assert (log.steps, log.alerts) == ("", "")


@pytest.mark.parametrize(("size", "warned"), [(40 * MB, False), (40 * MB + 1, True)])
def test_the_warning_level_itself_is_fine(log: BuildLog, size: int, warned: bool) -> None:
    slug = Slug({Item("python", "Python"): Weight(size, size)}, Weight())
    warn_of_size(slug, BUDGET, log.output)
    assert bool(log.alerts) == warned


def test_secrets_in_what_python_said_are_not_shown() -> None:
    log = BuildLog(secrets=["5ecre7"])
    show_strip(Stripped(restored=(Restored("p", "p", "KeyError: '5ecre7'"),)), NOWHERE, log.output)
    assert "5ecre7" not in log.alerts
    assert " !     KeyError: '[redacted]'\n" in log.alerts

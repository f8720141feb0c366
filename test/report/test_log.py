"""The tables in the build's log, to the letter."""

from __future__ import annotations

from pathlib import Path

import pytest

from slugfit.packages.graph import Graph
from slugfit.report.log import changes_line, show_slug, show_strip, warn_of_size
from slugfit.settings.model import BudgetSettings
from slugfit.slug.budget import Saving
from slugfit.slug.contents import Slug
from slugfit.slug.history import History, ItemChange
from slugfit.slug.items import Item
from slugfit.slug.weigh.compress import Weight
from slugfit.strip import Restored, Stripped
from slugfit.strip.native.elf import Range, Shrink
from slugfit.strip.strip_plan import Linking, Removal, Shrinking, StripPlan
from support.build_log import BuildLog

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


def test_a_strip_by_category(log: BuildLog) -> None:
    stripped = Stripped(
        StripPlan(
            removals(1, 7, "C headers")
            + removals(1234, 10_000, "tests")
            + removals(2, 500, "bytecode of removed sources"),
            (Shrinking("a.so", Shrink((Range(64, 1_000), Range(2_000, 3_000))), "p"),),
            (Linking("b.bin", "a.bin", 2_000, "p"),),
        ),
        checked=("numpy", "scipy"),
        started=("import app", "load models/digits.tflite", "strip.smoke"),
    )
    show_strip(stripped, NOWHERE, log.output)
    assert log.alerts == ""
    assert (
        log.steps
        == """\
       tests                         1,234 files    12.3 MB
       bytecode of removed sources       2 files     1.0 KB
       C headers                          1 file        7 B
       duplicate files                    1 file     2.0 KB
       symbols and debug data             1 file     4.0 KB
       Verified 2 changed packages by importing them
       Verified: import app
       Verified: models/digits.tflite loads
       Verified: strip.smoke passes
"""
    )


def test_a_strip_that_removes_nothing_says_so(log: BuildLog) -> None:
    show_strip(Stripped(), NOWHERE, log.output)
    assert (log.steps, log.alerts) == ("       Nothing to remove\n", "")


def test_one_package_is_verified(log: BuildLog) -> None:
    stripped = Stripped(StripPlan(removals(1, 1, "tests")), checked=("numpy",))
    show_strip(stripped, NOWHERE, log.output)
    last = log.steps.splitlines()[-1]
    assert last == "       Verified 1 changed package by importing it"


def test_a_restored_package_is_warned_of(log: BuildLog, tmp_path: Path) -> None:
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

 !     Warning: google_cloud_x was restored.
 !
 !     Without its removed files, this fails: import google.cloud.x
 !     FileNotFoundError: [Errno 2] No such file or directory: 'terms.txt'
 !
 !     The app works as before, but the slug is larger than it could be. To exclude the
 !     package from the strip, in slugfit.toml:
 !     [strip]
 !     keep = ["gcx.py", "google"]

"""
    )


def test_every_restored_package_is_warned_of(log: BuildLog) -> None:
    restored = tuple(Restored(name, name, "no message") for name in ("a", "b"))
    show_strip(Stripped(restored=restored), NOWHERE, log.output)
    assert log.alerts.count(" was restored.") == 2


def test_a_slug_by_its_items_with_its_limit(log: BuildLog) -> None:
    show_slug(Slug(ITEMS, removed=Weight(30 * MB, 10 * MB)), BUDGET, log.output)
    assert log.alerts == ""
    assert (
        log.steps
        == """\
                            compressed   unpacked
       Python                  30.0 MB    90.0 MB
       numpy 2.4.1             20.0 MB    60.0 MB
       models/digits.tflite     5.5 KB     9.0 KB

       Slug: 50.0 MB compressed, 150.0 MB unpacked
       Before stripping: 60.0 MB compressed, 180.0 MB unpacked
       Boot: about 2.2 s to download (at 50.0 MB/s) and unpack the slug
       Limit: 60.0 MB compressed
"""
    )


def test_a_slug_with_requirers_categories_and_changes(log: BuildLog) -> None:
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
    since = History(19 * MB, (ItemChange("numpy", "2.3.0", "2.4.1", 19 * MB),))
    show_slug(slug, BUDGET, log.output, since)
    assert (
        log.steps
        == """\
                            compressed   unpacked
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


def test_every_kind_of_change_since_the_last_build() -> None:
    changes = (
        ItemChange("nvidia-cublas-cu12", None, "12.8", 180 * MB),
        ItemChange("models/m.onnx", None, "", 31 * MB),
        ItemChange("torch", "2.12.0", "2.13.0", 30 * MB),
        ItemChange("black", "25.1", None, -2 * MB),
        ItemChange("app", "", "", MB),
    )
    assert changes_line(History(240 * MB, changes)) == (
        "+240.0 MB: added nvidia-cublas-cu12 12.8 (+180.0 MB), added models/m.onnx (+31.0 MB), "
        "torch 2.12.0 → 2.13.0 (+30.0 MB), removed black (−2.0 MB), …"  # noqa: RUF001 - a minus sign
    )
    assert changes_line(History(MB, changes[-1:])) == "+1.0 MB: app (+1.0 MB)"


def test_a_strip_of_which_everything_was_restored_says_so(log: BuildLog) -> None:
    show_strip(Stripped(restored=(Restored("p", "import p", "no"),)), NOWHERE, log.output)
    assert log.steps == "       Nothing was removed: every removal broke an import\n"


def test_a_slug_that_has_not_changed_has_no_history(log: BuildLog) -> None:
    show_slug(Slug(ITEMS, Weight()), BUDGET, log.output, History(100, ()))
    assert "last build" not in log.steps


def test_a_slug_of_which_nothing_was_removed_has_no_before(log: BuildLog) -> None:
    show_slug(Slug(ITEMS, removed=Weight(0, 60)), BUDGET, log.output)
    assert "Before" not in log.steps


def test_an_empty_slug_has_no_table(log: BuildLog) -> None:
    show_slug(Slug({}, Weight()), BUDGET, log.output)
    assert log.steps.startswith("\n       Slug: 0 B compressed, 0 B unpacked\n")


CUDA = Saving("cuda", 900 * MB, "no CUDA", "Add at the top of requirements.txt:\n--index")
SMALL = Saving("small", MB, "a little", "In slugfit.toml:\nx")


def test_a_slug_over_its_warning_level_is_warned_of(log: BuildLog) -> None:
    warn_of_size(Slug(ITEMS, Weight()), BUDGET, log.output, [CUDA, SMALL])
    assert log.steps == ""
    assert (
        log.alerts
        == """\

 !     Warning: The slug exceeds its warning level of 40.0 MB.
 !
 !     It is 50.0 MB compressed. Every dyno downloads and unpacks it before it
 !     starts: at each deploy, restart and scale-up.
 !
 !     To make it smaller:
 !     - Saves about 900.0 MB: no CUDA.
 !       Add at the top of requirements.txt:
 !       --index
 !     - Saves about 1.0 MB: a little.
 !       In slugfit.toml:
 !       x

"""
    )


def test_of_a_small_slug_only_large_savings_are_listed(log: BuildLog) -> None:
    fine = BudgetSettings(limit=60 * MB, warn=60 * MB)
    warn_of_size(Slug(ITEMS, Weight()), fine, log.output, [CUDA, SMALL])
    assert log.alerts == ""
    assert (
        log.steps
        == """\

       To make it smaller:
       - Saves about 900.0 MB: no CUDA.
         Add at the top of requirements.txt:
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

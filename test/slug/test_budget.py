"""A slug over its budget is refused with what is big in it and what to do about that."""

from __future__ import annotations

from dataclasses import replace

from slugfit.packages.graph import Graph
from slugfit.settings.model import BudgetSettings
from slugfit.slug.budget import OverLimit, Saving, advice
from slugfit.slug.contents import Slug, size_table
from slugfit.slug.items import Item
from slugfit.slug.weigh.compress import Weight
from support.build_log import error_text

MB = 1_000_000
PYTHON = Item("python", "Python")
APP = Item("app", "the app's own files")


def slug_of(*items: tuple[Item, int]) -> Slug:
    return Slug({item: Weight(size * 3, size) for item, size in items}, Weight())


def package(name: str, version: str = "1.0") -> Item:
    return Item("distribution", name, version)


def test_a_slug_over_its_own_limit_is_refused() -> None:
    slug = slug_of(
        (PYTHON, 30 * MB),
        (APP, 12_345),
        (package("numpy", "2.4.1"), 20 * MB),
        (Item("model", "models/digits.tflite"), 5_500_000),
    )
    failure = OverLimit(slug, BudgetSettings(limit=50 * MB, warn=40 * MB))
    assert failure.kind == "user"
    assert str(failure) == "The slug is 55.5 MB; its limit is 50.0 MB."
    assert (
        error_text(failure)
        == """\
Error: The slug is 5.5 MB over its limit.

compressed: 55.5 MB
limit:      50.0 MB

The largest items, compressed and unpacked:
Python                  30.0 MB    90.0 MB
numpy 2.4.1             20.0 MB    60.0 MB
models/digits.tflite     5.5 MB    16.5 MB
the app's own files     12.3 KB    37.0 KB

This limit is set in the app's configuration.

To fix this:
1. Remove unused packages from the app's requirements.
2. Raise the limit, in slugfit.toml:
   [budget]
   limit = "1000MB"
   or, if a config var sets it:
   heroku config:set SLUGFIT_BUDGET_LIMIT=1000MB

For more information, see:
https://github.com/slugfit/slugfit/blob/main/docs/errors.md#budgetover-limit
"""
    )


def test_a_slug_over_the_platforms_limit_is_refused() -> None:
    slug = slug_of(
        (package("torch", "2.9.0"), 900 * MB),
        (package("nvidia-cublas-cu12", "12.8.4.1"), 600 * MB),
    )
    graph = Graph(
        {"transformers": "requirements.txt"},
        {"transformers": ("torch",), "torch": ("nvidia-cublas-cu12",), "nvidia-cublas-cu12": ()},
    )
    found = [Saving(str(n), n * MB, f"saving {n}", f"Do:\nthis {n}") for n in (900, 80, 7, 6)]
    assert (
        error_text(OverLimit(replace(slug, graph=graph), BudgetSettings(), found))
        == """\
Error: The slug is 500.0 MB over its limit.

compressed: 1.50 GB
limit:      1.00 GB

The largest items, compressed and unpacked:
torch 2.9.0                   900.0 MB    2.70 GB  ← transformers
nvidia-cublas-cu12 12.8.4.1   600.0 MB    1.80 GB  ← torch ← transformers

Heroku rejects slugs over 1000MB, at the end of the build.

To fix this:
1. Saves about 900.0 MB: saving 900.
   Do:
   this 900
2. Saves about 80.0 MB: saving 80.
   Do:
   this 80
3. Saves about 7.0 MB: saving 7.
   Do:
   this 7

For more information, see:
https://github.com/slugfit/slugfit/blob/main/docs/errors.md#budgetover-limit
"""
    )


def test_only_the_biggest_items_are_listed() -> None:
    slug = slug_of(*((package(f"p{n:02}"), n * MB) for n in range(1, 30)))
    text = error_text(OverLimit(slug, BudgetSettings(limit=MB, warn=MB)))
    listed = [line for line in text.splitlines() if line.startswith("p")]
    assert [line.split()[0] for line in listed] == [f"p{n:02}" for n in range(29, 21, -1)]


def test_the_biggest_come_first_and_equals_by_name() -> None:
    slug = slug_of((package("b"), 5), (package("c"), 9), (package("a"), 5), (package("d"), 1))
    assert [item.name for item, _ in slug.biggest(3)] == ["c", "a", "b"]
    assert [item.name for item, _ in slug.biggest()] == ["c", "a", "b", "d"]


def test_a_slug_weighs_the_sum_of_its_items() -> None:
    slug = Slug({PYTHON: Weight(30, 10), APP: Weight(5, 2)}, removed=Weight(100, 40))
    assert slug.weight == Weight(35, 12)
    assert slug.before == Weight(135, 52)
    assert Slug({}, Weight()).weight == Weight()


def test_a_table_lines_its_sizes_up() -> None:
    rows = [(package("numpy", "2.4.1"), Weight(60 * MB, 20 * MB)), (PYTHON, Weight(5000, 999))]
    assert size_table(rows) == [
        "numpy 2.4.1    20.0 MB    60.0 MB",
        "Python           999 B     5.0 KB",
    ]
    assert size_table([]) == []


def test_a_table_tells_what_brought_a_package_in_as_far_as_there_is_room() -> None:
    names = [f"p{n}" for n in range(6)]
    requires = {name: tuple(names[n + 1 : n + 2]) for n, name in enumerate(names)}
    rows = [(package(name, "1"), Weight(2, 1)) for name in names]
    # A model by the name of a package was brought in by nobody.
    rows.append((Item("model", "p5"), Weight(2, 1)))
    assert size_table(rows, Graph({"p0": "requirements.txt"}, requires)) == [
        "p0 1        1 B        2 B",
        "p1 1        1 B        2 B  ← p0",
        "p2 1        1 B        2 B  ← p1 ← p0",
        "p3 1        1 B        2 B  ← p2 ← p1 ← p0",
        "p4 1        1 B        2 B  ← p3 ← p2 ← … ← p0",
        "p5 1        1 B        2 B  ← p4 ← p3 ← … ← p0",
        "p5          1 B        2 B",
    ]


def test_without_a_better_idea_there_is_always_this_one() -> None:
    assert advice(()) == ("Remove unused packages from the app's requirements.",)

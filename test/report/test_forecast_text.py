"""How a forecast reads: the table, the verdict, what is not certain; as data, and as Markdown."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest

from slugfit.audit.giants import Giant
from slugfit.base.output import Output, Redactor
from slugfit.forecast.forecast import Prediction
from slugfit.forecast.other_python import OtherPython
from slugfit.report.forecast_text import (
    document,
    markdown,
    show_prediction,
    suggestions,
    uncertainties,
    verdict_line,
    verdict_of,
)
from slugfit.settings.model import BudgetSettings, StripSettings
from slugfit.slug.contents import Slug
from slugfit.slug.items import Item
from slugfit.slug.weigh.compress import Weight

MB = 1_000_000
FOUND = Prediction(
    python="3.12",
    stack="heroku-24",
    source="requirements.txt",
    manager="pip",
    strip=StripSettings(),
    slug=Slug(
        {
            Item("distribution", "numpy", "2.0"): Weight(60 * MB, 20 * MB),
            Item("python", "Python"): Weight(40 * MB, 14 * MB),
            Item("app", "the app's own files"): Weight(MB, MB),
        },
        Weight(10 * MB, 5 * MB),
    ),
    giants=(),
    missing=(),
    rough=(),
)
LACKING = replace(FOUND, missing=("mine 1.0: from git",))


def said(found: Prediction, budget: BudgetSettings) -> tuple[str, str]:
    out, err = io.StringIO(), io.StringIO()
    show_prediction(found, budget, Output(out, err, Redactor()))
    return out.getvalue(), err.getvalue()


def test_a_forecast_reads_as_the_builds_table() -> None:
    out, err = said(FOUND, BudgetSettings())
    assert out.splitlines() == [
        "-----> Predicting the slug: Python 3.12, heroku-24, requirements.txt",
        "                           compressed   unpacked",
        "       numpy 2.0              20.0 MB    60.0 MB",
        "       Python                 14.0 MB    40.0 MB",
        "       the app's own files     1.0 MB     1.0 MB",
        "",
        "       Slug: about 35.0 MB compressed, about 101.0 MB unpacked",
        "       Before stripping: about 40.0 MB compressed, 111.0 MB unpacked",
        "       Limit: 1.00 GB compressed",
        "-----> About 35.0 MB: within the budget of 1.00 GB",
    ]
    assert err == ""


def test_giants_come_first_and_loudly() -> None:
    giant = Giant("4.1 GB of CUDA, which no dyno can use.", "So much.", "Do this.")
    _, err = said(replace(FOUND, giants=(giant,)), BudgetSettings())
    assert "Warning: 4.1 GB of CUDA, which no dyno can use." in err


def test_over_the_warning_level_there_is_advice() -> None:
    out, _ = said(FOUND, BudgetSettings(limit=20 * MB, warn=20 * MB))
    assert "-----> About 35.0 MB: over the budget of 20.0 MB" in out
    assert out.splitlines()[-1].startswith("       ")


def test_the_verdict_says_how_sure_it_is() -> None:
    assert verdict_line(FOUND, 100 * MB) == "About 35.0 MB: within the budget of 100.0 MB"
    assert verdict_line(FOUND, 20 * MB) == "About 35.0 MB: over the budget of 20.0 MB"
    assert verdict_line(FOUND, 36 * MB) == (
        "About 35.0 MB: within the budget of 36.0 MB, but within the margin of error"
    )
    assert verdict_line(LACKING, 100 * MB) == (
        "At least 35.0 MB: can't tell whether it is within the budget of 100.0 MB"
    )
    assert verdict_line(LACKING, 20 * MB) == "At least 35.0 MB: over the budget of 20.0 MB"


def test_what_is_not_counted_is_listed() -> None:
    found = replace(LACKING, rough=tuple(f"r{n} 1: from its wheel's size alone" for n in range(8)))
    assert list(uncertainties(found)) == [
        "",
        "Not counted:",
        "  mine 1.0: from git",
        "",
        "Estimated:",
        *(f"  r{n} 1: from its wheel's size alone" for n in range(6)),
        "  and 2 more",
    ]


def test_as_data_it_has_all_items() -> None:
    data = document(LACKING, BudgetSettings(limit=20 * MB, warn=20 * MB))
    assert data["compressed_bytes"] == 35 * MB
    assert (data["at_least"], data["over_limit"]) == (True, True)
    assert data["not_counted"] == ["mine 1.0: from git"]
    assert data["items"][0] == {
        "kind": "distribution",
        "name": "numpy",
        "version": "2.0",
        "compressed_bytes": 20 * MB,
        "raw_bytes": 60 * MB,
    }
    assert len(data["items"]) == 3


@pytest.mark.parametrize(
    ("found", "limit", "verdict"),
    [
        (FOUND, 100 * MB, "within"),
        (FOUND, 20 * MB, "over"),
        (LACKING, 100 * MB, "unknown"),
        (LACKING, 20 * MB, "over"),
    ],
)
def test_what_is_not_counted_is_never_within(found: Prediction, limit: int, verdict: str) -> None:
    budget = BudgetSettings(limit=limit, warn=limit)
    assert verdict_of(found, limit) == verdict
    assert document(found, budget)["verdict"] == verdict


def test_a_python_with_wheels_for_everything_is_named() -> None:
    found = replace(LACKING, other_python=OtherPython("3.11", 41))
    assert list(uncertainties(found))[-3:] == [
        "",
        "Python 3.11 has wheels for all 41 packages. To use it:",
        "echo 3.11 >.python-version",
    ]


def test_over_the_budget_markdown_has_the_advice_that_a_build_has() -> None:
    torch = {Item("distribution", "torch", "2.4.0"): Weight(3000 * MB, 900 * MB)}
    found = replace(FOUND, slug=Slug(torch, Weight()))
    budget = BudgetSettings(limit=300 * MB, warn=300 * MB)
    lines = markdown(found, budget).splitlines()
    assert [line[2:] for line in lines if line.startswith("- ")] == [
        text.splitlines()[0] for text in suggestions(found, budget)
    ]


def test_as_markdown_names_are_no_markup() -> None:
    slug = Slug({Item("model", "a|b<i>\\.bin"): Weight(MB, MB)}, Weight())
    assert markdown(replace(FOUND, slug=slug), BudgetSettings(limit=100 * MB)).splitlines() == [
        "### Slugfit: About 1.0 MB: within the budget of 100.0 MB",
        "",
        "| largest items | compressed |",
        "|---|---:|",
        "| a\\|b&lt;i>\\\\.bin | 1.0 MB |",
    ]

"""An error reads as style asks: what, where, why, how to fix it, where to read on."""

from __future__ import annotations

import pytest

from slugfit.base.errors import Explanation, Failure, Kind, link
from support.build_log import error_text


class Sample(Failure):
    """A failure of the user's that explains itself as it is told to."""

    id = "sample::too-large"

    def __init__(self, explanation: Explanation) -> None:
        self.explanation = explanation

    def explain(self) -> Explanation:
        return self.explanation


class UpstreamSample(Sample):
    """The same, of another's."""

    id = "sample::gone-away"
    kind = "upstream"


class InternalSample(Sample):
    """The same, of ours."""

    id = "sample::broken"
    kind = "internal"


FULL = Explanation(
    summary="The sample is too large.",
    where="slugfit.toml: sample\nsample.bin",
    evidence=("found:    12 MB", "expected: 10 MB\nor less"),
    why="Larger samples\ndo not fit.",
    fixes=("Make it smaller:\nshrink sample.bin\n\n  --hard", "Allow more."),
)


def test_an_error_has_all_its_parts_in_the_order_of_reading() -> None:
    assert (
        error_text(Sample(FULL))
        == """\
Error: The sample is too large.

slugfit.toml: sample
sample.bin
found:    12 MB
expected: 10 MB
or less

Larger samples
do not fit.

To fix this:
1. Make it smaller:
   shrink sample.bin

     --hard
2. Allow more.

For more information, see:
https://github.com/slugfit/slugfit/blob/main/docs/errors.md#sampletoo-large
"""
    )


def test_an_error_without_optional_parts_leaves_no_gaps() -> None:
    assert (
        error_text(Sample(Explanation("The sample is gone.")))
        == """\
Error: The sample is gone.

For more information, see:
https://github.com/slugfit/slugfit/blob/main/docs/errors.md#sampletoo-large
"""
    )


def test_evidence_stands_alone_where_there_is_no_place_to_name() -> None:
    text = error_text(Sample(Explanation("The sample is gone.", evidence=("it was here",))))
    assert text.startswith("Error: The sample is gone.\n\nit was here\n\nFor more")


def test_empty_evidence_is_an_empty_line() -> None:
    explanation = Explanation("It broke.", evidence=("first\n\nthird", "", "last"))
    assert error_text(Sample(explanation)).splitlines()[2:7] == ["first", "", "third", "", "last"]


def test_an_upstream_error_says_that_it_may_pass() -> None:
    explanation = Explanation("The store is down.", fixes=("the store's status page.",))
    assert (
        error_text(UpstreamSample(explanation))
        == """\
Error: The store is down.

This is often temporary. Build again; if it persists, check:
1. the store's status page.

For more information, see:
https://github.com/slugfit/slugfit/blob/main/docs/errors.md#samplegone-away
"""
    )


def test_an_internal_error_asks_for_a_report() -> None:
    explanation = Explanation("The step broke.", evidence=("line 3",), fixes=("Report it.",))
    assert (
        error_text(InternalSample(explanation))
        == """\
Internal error: The step broke.

line 3

This is a bug in Slugfit. To get it fixed:
1. Report it.

For more information, see:
https://github.com/slugfit/slugfit/blob/main/docs/errors.md#samplebroken
"""
    )


def test_a_failure_is_the_users_unless_it_says_otherwise() -> None:
    kinds: list[Kind] = [kind.kind for kind in (Sample, UpstreamSample, InternalSample)]
    assert kinds == ["user", "upstream", "internal"]


@pytest.mark.parametrize(
    ("failure_id", "anchor"),
    [
        ("settings::invalid", "settingsinvalid"),
        ("boot::python-missing", "bootpython-missing"),
    ],
)
def test_the_link_leads_to_the_heading_as_github_spells_its_anchor(
    failure_id: str, anchor: str
) -> None:
    assert (
        link(failure_id) == f"https://github.com/slugfit/slugfit/blob/main/docs/errors.md#{anchor}"
    )


def test_the_detail_is_the_summary_and_the_place() -> None:
    explanation = Explanation("The sample is too large.", where="sample.bin")
    assert str(Sample(explanation)) == "The sample is too large: sample.bin"


def test_the_detail_without_a_place_is_the_summary() -> None:
    assert str(Sample(Explanation("The sample is gone."))) == "The sample is gone."

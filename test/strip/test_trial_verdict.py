"""A verdict survives as JSON, and what is no verdict is none."""

from __future__ import annotations

import json
from typing import Any

import pytest

from slugfit.strip.trials.trial_verdict import (
    Restored,
    Verdict,
    Verdicts,
    from_document,
    to_document,
)

RESTORED = Restored("PyYAML", "import yaml", "ImportError: no")
VERDICT = Verdict(("numpy", "PyYAML"), (RESTORED,), ("numpy/__pycache__/a.pyc",), "because")
DOCUMENT = to_document(VERDICT)


def test_a_verdict_comes_back_from_json_as_it_was() -> None:
    assert from_document(json.loads(json.dumps(DOCUMENT))) == VERDICT
    assert from_document(json.loads(json.dumps(to_document(Verdict())))) == Verdict()


@pytest.mark.parametrize(
    "document",
    [
        None,
        "text",
        [],
        {},
        {**DOCUMENT, "checked": None},
        {**DOCUMENT, "checked": [1]},
        {**DOCUMENT, "observed": [None]},
        {**DOCUMENT, "unseen": 1},
        {**DOCUMENT, "restored": [{}]},
        {**DOCUMENT, "restored": [{"distribution": "p", "failed": "import p"}]},
        {**DOCUMENT, "restored": ["p"]},
        {key: value for key, value in DOCUMENT.items() if key != "observed"},
    ],
)
def test_what_is_damaged_is_no_verdict(document: Any) -> None:
    assert from_document(document) is None


def test_two_verdicts_keep_whole_what_either_has_restored() -> None:
    other = Verdict(restored=(Restored("six", "strip.smoke", "no"),))
    assert Verdicts().whole() == frozenset()
    assert Verdicts(VERDICT, other).whole() == {"PyYAML", "six"}
    assert Verdicts(None, other).whole() == {"six"}

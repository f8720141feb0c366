"""The rules that ship with Slugfit say what may go, and why."""

from __future__ import annotations

import pytest

from slugfit.strip.rules import Rule, load_rules


def test_the_categories_are_those_of_the_report() -> None:
    assert [rule.category for rule in load_rules().rules] == [
        "tests",
        "documentation",
        "C headers",
        "static libraries",
        "native sources",
    ]


@pytest.mark.parametrize("rule", load_rules().rules, ids=lambda rule: str(rule.category))
def test_every_rule_nominates_something_and_says_why(rule: Rule) -> None:
    assert rule.names or rule.suffixes
    assert rule.why.strip() == rule.why != ""
    assert all(suffix.startswith(".") and suffix.count(".") == 1 for suffix in rule.suffixes)
    assert not any("/" in name for name in rule.names)


def test_no_suffix_has_two_categories() -> None:
    suffixes = [suffix for rule in load_rules().rules for suffix in rule.suffixes]
    assert len(suffixes) == len(set(suffixes))


@pytest.mark.parametrize(
    "suffix", [".py", ".pyi", ".pyc", ".so", ".pth", ".json", ".txt", ".tflite"]
)
def test_what_is_read_at_run_time_has_no_rule(suffix: str) -> None:
    assert suffix not in {each for rule in load_rules().rules for each in rule.suffixes}


@pytest.mark.parametrize("name", ["testing", "_testing", "bin", "include", "lib", "src", "data"])
def test_directories_that_packages_live_in_have_no_rule(name: str) -> None:
    assert name not in {each for rule in load_rules().rules for each in rule.names}


def test_metadata_and_what_heroku_edits_at_boot_are_never_removed() -> None:
    rules = load_rules()
    assert {"*.dist-info", "*.egg-info"} <= set(rules.never_directories)
    assert {"*.pth", "__editable__*"} <= set(rules.never_files)

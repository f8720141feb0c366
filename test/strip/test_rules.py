"""The rules that ship with Slugfit say what may go, and why."""

from __future__ import annotations

import pytest
from packaging.specifiers import SpecifierSet

from slugfit.strip.candidates.file_kinds import kinds
from slugfit.strip.candidates.rules import Line, Rule, load_lines, load_rules
from slugfit.strip.candidates.selection import apart, reasons

RULES = load_rules().rules
LINES = load_lines()


def test_the_categories_are_those_of_the_report() -> None:
    assert list(dict.fromkeys(rule.category for rule in RULES)) == [
        "programs",
        "tests",
        "documentation",
        "examples",
        "benchmarks",
        "type stubs",
        "C headers",
        "static libraries",
        "native sources",
        "build files",
        "translations' sources",
        "source maps",
        "other platforms",
        "leftovers",
    ]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: str(rule.category))
def test_every_rule_nominates_something_and_says_why(rule: Rule) -> None:
    assert rule.directories or rule.suffixes or rule.files
    assert rule.why.strip() == rule.why != ""
    assert all(suffix == "" or suffix.startswith((".", "~")) for suffix in rule.suffixes)
    assert not any("/" in name for name in rule.directories | rule.within)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: str(rule.category))
def test_a_rule_about_names_without_a_suffix_looks_closer(rule: Rule) -> None:
    assert "" not in rule.suffixes or rule.within or rule.content


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: str(rule.category))
def test_what_a_rule_says_of_content_can_be_found_out(rule: Rule) -> None:
    assert rule.content is None or rule.content in kinds("")


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: str(rule.category))
def test_neighbours_are_those_of_a_subject(rule: Rule) -> None:
    assert not rule.beside or all("{subject}" in glob for glob in rule.files)


def test_a_category_is_found_by_name_in_all_its_rules_or_in_none() -> None:
    by_name = {rule.category for rule in RULES if rule.by_name}
    assert not by_name & {rule.category for rule in RULES if not rule.by_name}
    assert load_rules().by_name == by_name


@pytest.mark.parametrize("suffix", [".py", ".pyc", ".pth", ".json", ".txt", ".tflite", ".md"])
def test_what_is_read_at_run_time_has_no_rule(suffix: str) -> None:
    assert suffix not in {each for rule in RULES for each in rule.suffixes}


@pytest.mark.parametrize(
    "name", ["testing", "_testing", "bin", "include", "lib", "src", "data", "templates", "sample"]
)
def test_directories_that_packages_live_in_go_by_no_rule_as_a_whole(name: str) -> None:
    assert name not in load_rules().directories


def test_metadata_and_what_heroku_edits_at_boot_are_never_removed() -> None:
    never = load_rules().never
    assert {"*.dist-info", "*.egg-info"} <= set(never.directories)
    assert {"*.pth", "__editable__*", "*.egg-link"} <= set(never.files)


@pytest.mark.parametrize("line", LINES, ids=lambda line: str(line.paths[0]))
def test_every_line_of_level_max_is_complete(line: Line) -> None:
    assert line.paths
    assert line.why.strip() == line.why != ""
    assert line.distribution == line.distribution.lower()
    assert str(SpecifierSet(line.versions)).count(",") == line.versions.count(",")


def test_no_category_of_level_max_is_one_of_the_rules() -> None:
    assert not {line.category for line in LINES} & {rule.category for rule in RULES}


def test_what_is_proved_apart_has_no_rule() -> None:
    assert {line.category for line in LINES} < apart()
    assert not apart() & {rule.category for rule in RULES}


def test_every_category_has_a_reason() -> None:
    assert reasons().keys() == {rule.category for rule in RULES} | apart()
    assert reasons()["tests"] == "a package's own tests run before its release, not on a dyno"

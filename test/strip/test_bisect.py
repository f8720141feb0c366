"""Those who have to return are found in few steps, the likely ones first."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slugfit.packages.distributions import installed
from slugfit.strip.trials.bisect import Suspects, bisect
from support.packages import Site

MANY = [f"p{number:02}" for number in range(64)]


def search(
    needed: set[str], others: Sequence[str], tries: int = 1000, likely: Sequence[str] = ()
) -> tuple[set[str], int]:
    """What is found where `needed` are missed, and how often it was tried."""
    asked = []

    def works(returned: Sequence[str]) -> bool:
        asked.append(returned)
        return needed <= set(returned)

    return set(bisect(likely, others, works, tries)), len(asked)


def test_the_likely_one_is_found_at_the_first_try() -> None:
    assert search({"p"}, MANY, likely=["p"]) == ({"p"}, 1)


def test_of_two_likely_ones_the_right_one_is_found() -> None:
    assert search({"p"}, MANY, likely=["q", "p"]) == ({"p"}, 3)


@pytest.mark.parametrize("name", MANY)
def test_anyone_among_64_is_found_in_seven_tries(name: str) -> None:
    found, tries = search({name}, MANY)
    assert found == {name}
    assert tries <= 7


def test_a_single_suspect_needs_no_try() -> None:
    assert search({"p"}, ["p"]) == ({"p"}, 0)
    assert search(set(), []) == (set(), 0)


@given(st.sets(st.sampled_from(MANY), min_size=1), st.integers(0, 63))
def test_exactly_those_that_are_missed_are_found(needed: set[str], likely: int) -> None:
    assert search(needed, MANY[likely:], likely=MANY[:likely])[0] == needed


@given(st.sets(st.sampled_from(MANY), min_size=1), st.integers(0, 20))
def test_out_of_tries_it_is_more_but_never_less(needed: set[str], tries: int) -> None:
    found, asked = search(needed, MANY, tries)
    assert found >= needed
    assert asked <= tries


def test_without_a_try_it_is_everybody() -> None:
    assert search({"p07"}, MANY, 0) == (set(MANY), 0)


def test_the_files_and_modules_that_a_failure_names_have_owners(tmp_path: Path) -> None:
    site = Site(tmp_path)
    site.install("first", {"one/__init__.py": "", "one/a.py": ""})
    site.install("second", {"two/__init__.py": "", "two.libs/libx.so": ""})
    link = tmp_path / "link"
    link.symlink_to(site.root)
    suspects = Suspects(site.root, installed(site.root))
    assert suspects.named(
        [
            "ModuleNotFoundError: No module named 'two.tests'",
            f'  File "{site.root}/one/a.py", line 1, in <module>',
            f"{link}/two/__init__.py",
            "/usr/lib/python3/os.py",
        ]
    ) == ["second", "first"]
    said = f"OSError: {site.root}/two.libs/libx.so: invalid ELF header"
    assert suspects.named([said]) == ["second"]
    assert suspects.named(["", "KeyError: 'SECRET_KEY'"]) == []

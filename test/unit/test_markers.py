"""A marker holds, or does not, or there is no telling; nothing that it can be is an exception."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slugfit.slug.requirements.markers import Truth, environment, holds

DYNO = environment("3.12.4")


@pytest.mark.parametrize(
    ("marker", "expected"),
    [
        ("", True),
        ('python_version < "3.8"', False),
        ('python_version >= "3.8"', True),
        ("python_version>='3.12'", True),
        ('python_version == "3.12.0"', True),
        ('"3.12" == python_version', True),
        ('"3.8" < python_version', True),
        ('python_full_version > "3.12.3"', True),
        ('python_full_version < "3.12.10"', True),
        ('sys_platform == "win32"', False),
        ('sys_platform != "win32"', True),
        ('platform_system == "Linux" and os_name == "posix"', True),
        ('implementation_name == "pypy" or platform_python_implementation == "CPython"', True),
        ('"linux" in sys_platform', True),
        ('sys_platform not in "win32, darwin"', True),
        ('sys_platform  not   in "linux, darwin"', False),
        ('(python_version < "3.8" or sys_platform == "linux") and os_name == "posix"', True),
        # and binds closer than or.
        ('sys_platform == "linux" or sys_platform == "x" and sys_platform == "y"', True),
    ],
)
def test_what_is_known_of_a_dyno_decides(marker: str, expected: bool) -> None:
    assert holds(marker, DYNO) is expected


@pytest.mark.parametrize(
    ("marker", "extras", "expected"),
    [
        ('extra == "test"', (), False),
        ('extra == "test"', ("test",), True),
        ("extra=='Test_Full'", ("test-full",), True),
        ('"test" == extra', ("docs", "test"), True),
        ('extra != "test"', ("test",), False),
        ('(python_version < "3.8") and extra == "test"', ("test",), False),
        ('platform_machine == "arm64" and extra == "test"', (), False),
    ],
)
def test_extras_hold_where_somebody_asks_for_them(
    marker: str, extras: tuple[str, ...], expected: bool
) -> None:
    assert holds(marker, DYNO, extras) is expected


@pytest.mark.parametrize(
    ("marker", "expected"),
    [
        ('platform_machine == "x86_64"', None),
        ('platform_machine == "x86_64" or os_name == "posix"', True),
        ('platform_machine == "x86_64" and os_name == "nt"', False),
        ('platform_machine == "x86_64" and os_name == "posix"', None),
        ('platform_release >= "5"', None),
        ('python_version ~= "3.8"', None),
        ('python_version >= "3.8b1"', None),
        ('sys_platform > "linux"', None),
        ('extra >= "test"', None),
        ("python_version", None),
        ('python_version >= "3.8', None),
        ('(python_version >= "3.8"', None),
        ('python_version >= "3.8")', None),
        ('python_version >= "3.8" and', None),
        ('or python_version >= "3.8"', None),
        ('python_version "3.8"', None),
        ("¿?", None),
        ("(" * 10_000, None),
    ],
)
def test_of_the_rest_there_is_no_telling(marker: str, expected: Truth) -> None:
    assert holds(marker, DYNO) is expected


PIECES = ["(", ")", "and", "or", "not in", "in", "==", "<", "extra", "os_name", '"a"', "'3.9'", "@"]


@given(st.lists(st.sampled_from(PIECES)).map(" ".join) | st.text())
def test_no_text_is_worse_than_no_telling(marker: str) -> None:
    assert holds(marker, DYNO) in {True, False, None}

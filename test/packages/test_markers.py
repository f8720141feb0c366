"""Which markers hold on a dyno; what can not be told there, may."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.markers import InvalidMarker, Marker, default_environment

from slugfit.packages.markers import environment, may_hold

DYNO = environment("3.12.4")


@pytest.mark.parametrize(
    ("marker", "expected"),
    [
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
        ('platform_machine == "x86_64"', True),
        ('platform_machine == "arm64" or os_name == "nt"', False),
        ('python_version ~= "3.8"', True),
        ('python_version ~= "3.8.0"', False),
        ('python_version >= "3.8b1"', True),
        ('python_version == "3.12.*"', True),
        ('implementation_version < "3"', False),
        # Old metadata writes them so.
        ('os.name == "posix" and python_implementation == "CPython"', True),
        # and binds closer than or.
        ('sys_platform == "linux" or sys_platform == "x" and sys_platform == "y"', True),
    ],
)
def test_what_is_known_of_a_dyno_decides(marker: str, expected: bool) -> None:
    assert may_hold(Marker(marker), DYNO) is expected


@pytest.mark.parametrize(
    ("marker", "extras", "expected"),
    [
        ('extra == "test"', (), False),
        ('extra == "test"', ("test",), True),
        ("extra=='Test_Full'", ("test-full",), True),
        ('"test" == extra', ("docs", "test"), True),
        ('extra != "test"', ("test",), False),
        # As pip has it, each of the extras is asked for alone.
        ('extra != "test"', ("test", "docs"), True),
        ('(python_version < "3.8") and extra == "test"', ("test",), False),
        ('platform_machine == "arm64" and extra == "test"', (), False),
    ],
)
def test_extras_hold_where_somebody_asks_for_them(
    marker: str, extras: tuple[str, ...], expected: bool
) -> None:
    assert may_hold(Marker(marker), DYNO, extras) is expected


@pytest.mark.parametrize(
    "marker",
    [
        None,
        'platform_release >= "5"',
        'os_name == "posix" and platform_version == "1"',
        'sys_platform ~= "1.0"',
        'python_version ~= "three"',
        'extra ~= "test"',
        '"test" in extras',
        f'python_version > "{"1" * 5000}"',  # more digits than Python reads
    ],
)
def test_what_can_not_be_told_may_hold(marker: str | None) -> None:
    assert may_hold(Marker(marker) if marker else None, DYNO)


VARIABLES = st.sampled_from(["extra", "extras", "dependency_groups", *sorted(DYNO)])
VALUES = st.sampled_from(['"a"', "'3.9'", "'3.*'", '""', '"linux"'])
COMPARISONS = st.sampled_from(["==", "===", "!=", "~=", "<", "<=", ">", ">=", "in", "not in"])


@given(VARIABLES, COMPARISONS, VALUES, st.booleans())
def test_any_comparison_holds_or_not(
    variable: str, comparison: str, value: str, is_reversed: bool
) -> None:
    left, right = (value, variable) if is_reversed else (variable, value)
    with suppress(InvalidMarker):
        assert may_hold(Marker(f"{left} {comparison} {right}"), DYNO) in {True, False}


def test_nothing_of_this_machine_is_asked() -> None:
    assert DYNO.keys() == default_environment().keys()

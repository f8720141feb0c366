"""The wheel that a dyno's Python installs, of those that a version has."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slugfit.base.heroku import GLIBC
from slugfit.packages.target import Machine

MACHINE = Machine(12, 39)


@pytest.mark.parametrize(
    ("tag", "fits"),
    [
        ("py3-none-any", True),
        ("py2.py3-none-any", True),
        ("py2-none-any", False),
        ("cp312-cp312-manylinux_2_28_x86_64", True),
        ("cp312-cp312-manylinux2014_x86_64", True),
        ("cp312-cp312-manylinux_2_17_x86_64.manylinux2014_x86_64", True),
        ("cp312-cp312-manylinux_2_41_x86_64", False),
        ("cp312-cp312-manylinux_2_28_aarch64", False),
        ("cp312-cp312-musllinux_1_2_x86_64", False),
        ("cp312-cp312-macosx_11_0_arm64", False),
        ("cp312-cp312-win_amd64", False),
        ("cp312-cp312-linux_x86_64", True),
        ("cp311-cp311-manylinux_2_28_x86_64", False),
        ("cp313-cp313-manylinux_2_28_x86_64", False),
        ("cp312-cp312t-manylinux_2_28_x86_64", False),
        ("cp38-abi3-manylinux_2_28_x86_64", True),
        ("cp313-abi3-manylinux_2_28_x86_64", False),
        ("py3-none-manylinux_2_28_x86_64", True),
        ("py313-none-any", False),
        ("py310-none-any", True),
        ("cp312-none-any", True),
    ],
)
def test_a_tag_fits_or_does_not(tag: str, fits: bool) -> None:
    assert (MACHINE.best([f"demo-1.0-{tag}.whl"]) is not None) == fits


def test_the_most_specific_wheel_is_taken() -> None:
    tags = (
        "py3-none-any",
        "py3-none-manylinux_2_28_x86_64",
        "cp38-abi3-manylinux_2_28_x86_64",
        "cp311-abi3-manylinux_2_17_x86_64",
        "cp312-cp312-manylinux_2_17_x86_64",
        "cp312-cp312-manylinux_2_34_x86_64",
    )
    wheels = [f"demo-1.0-{tag}.whl" for tag in tags]
    while wheels:
        assert MACHINE.best(wheels) == wheels.pop()


def test_a_stack_with_an_older_glibc_takes_an_older_wheel() -> None:
    wheels = [f"demo-1.0-cp312-cp312-manylinux_2_{glibc}_x86_64.whl" for glibc in (28, 36)]
    assert Machine(12, GLIBC["heroku-22"]).best(wheels) == wheels[0]
    assert Machine(12, GLIBC["heroku-24"]).best(wheels) == wheels[1]


def test_of_two_builds_the_later_one_is_taken() -> None:
    wheels = [f"demo-1.0-{build}-py3-none-any.whl" for build in (2, 10)]
    assert MACHINE.best(wheels) == wheels[1]


@given(st.text())
def test_any_name_is_a_wheel_or_none(name: str) -> None:
    assert MACHINE.best([name]) in (name, None)

"""What weighs what a strip leaves of a wheel."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from slugfit.forecast.estimate import Stripping, of_size
from slugfit.forecast.wheels import WheelMember
from slugfit.packages.target import Machine
from slugfit.settings.model import StripSettings
from slugfit.slug.weigh.compress import Weight

MACHINE = Machine(12, 39)
SAFE = Stripping(StripSettings(), MACHINE)


def strips(**settings: Any) -> Stripping:
    return Stripping(StripSettings(**settings), MACHINE)


def files(*paths: str) -> list[WheelMember]:
    return [WheelMember(path, 10_000, 3_000) for path in paths]


def test_bytecode_counts_and_goes_with_its_source() -> None:
    members = files("pack/a.py", "pack/tests/b.py")
    forecast = replace(SAFE, taken=frozenset({"pack/tests/b.py"})).weigh(members)
    assert forecast.after == SAFE.weigh(members[:1]).before
    assert forecast.after.raw == 21_253
    assert forecast.bytecode == Weight(11_253, 4_757)
    assert forecast.before.raw == 42_506


def test_bytecode_of_one_python_is_larger_than_that_of_another() -> None:
    members = files("pack/a.py")
    made = {
        minor: Stripping(StripSettings(), Machine(minor, 39)).weigh(members).bytecode
        for minor in range(10, 15)
    }
    assert made[11] == Weight(12_100, 4_966)
    assert made[10].compressed < made[12].compressed < made[11].compressed < made[14].compressed
    assert made[10].compressed == 3228


def test_bytecode_is_left_out_where_it_is_dropped() -> None:
    forecast = strips(bytecode="drop").weigh(files("pack/a.py"))
    assert (forecast.after.raw, forecast.bytecode) == (10_000, Weight())
    assert forecast.unsure == Weight()  # nobody reads it


def test_of_bytecode_the_part_stays_that_a_start_reads() -> None:
    forecast = strips(bytecode="boot").weigh(files("pack/a.py"), 0.25)
    assert forecast.after.raw == 12_813
    assert forecast.bytecode == Weight(2_813, 1_189)
    assert forecast.unsure == Weight(11_253, 4_757)


def test_a_start_that_reads_all_leaves_no_doubt() -> None:
    members = files("pack/a.py")
    assert strips(bytecode="boot").weigh(members, 1.0) == SAFE.weigh(members)
    assert SAFE.weigh(members, 0.25) == SAFE.weigh(members)


def test_bytecode_of_what_is_kept_stays_whatever_reads_it() -> None:
    settings = strips(bytecode="boot", keep=("pack/a.py",))
    forecast = settings.weigh(files("pack/a.py", "pack/b.py"), 0.0)
    assert forecast.bytecode == Weight(11_253, 4_757)
    assert forecast.after.raw == 31_253


def test_without_a_strip_all_stays() -> None:
    off = strips(level="off", bytecode="drop", remove=("pack",))
    forecast = off.weigh([*files("pack/tests/a.py"), WheelMember("pack/b.so", 100, 50, 90)])
    assert forecast.after == forecast.before


def test_what_no_loader_maps_goes_from_a_library() -> None:
    forecast = SAFE.weigh([WheelMember("pack/a.so", 1_000_000, 400_000, 900_000)])
    assert forecast.after == Weight(100_000, 61_094)
    assert forecast.before == Weight(1_000_000, 402_000)


def test_small_libraries_are_taken_to_be_like_the_large_ones() -> None:
    large, small = WheelMember("pack/a.so", 1000, 500, 500), WheelMember("pack/b.so", 1000, 500)
    weight = SAFE.weigh([large, small]).after
    assert weight.raw == 1000


def test_of_a_size_alone_a_weight_is_told() -> None:
    assert of_size(1000) == Weight(3200, 980)


@given(
    st.lists(
        st.builds(
            WheelMember,
            st.text("ab/._-so", min_size=1),
            st.integers(0, 10**9),
            st.integers(0, 10**9),
            st.none() | st.integers(0, 10**9),
            st.booleans(),
        ),
        unique_by=lambda member: member.path,
    )
)
def test_a_strip_makes_nothing_larger(members: list[WheelMember]) -> None:
    possible = [m for m in members if (m.dead or 0) <= m.raw]
    forecast = SAFE.weigh(possible)
    assert 0 <= forecast.after.raw <= forecast.before.raw
    assert 0 <= forecast.after.compressed <= forecast.before.compressed

"""What a strip leaves of a wheel, told from names, and what that weighs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slugfit.forecast.strip import nominated
from slugfit.forecast.tags import Machine
from slugfit.forecast.weigh import Stripping, of_size
from slugfit.forecast.wheels import Member
from slugfit.settings.model import StripSettings
from slugfit.slug.weighing.compress import Weight

MACHINE = Machine(12, 39)
SOABI = MACHINE.soabi
SAFE = Stripping(StripSettings(), MACHINE)


def strips(**settings: Any) -> Stripping:
    return Stripping(StripSettings(**settings), MACHINE)


def files(*paths: str, program: bool = False) -> list[Member]:
    return [Member(path, 10_000, 3_000, program=program) for path in paths]


@pytest.mark.parametrize(
    "path",
    [
        "pack/tests/test_a.py",
        "pack/a.pyi",
        "pack/include/a.h",
        "pack/a.pyx",
        "pack/lib/a.dll",
        "pack/a.cpython-311-x86_64-linux-gnu.so",
        "tests/test_a.py",
    ],
)
def test_what_the_rules_name_goes(path: str) -> None:
    assert nominated(files("pack/__init__.py", path), SOABI) == {path}


@pytest.mark.parametrize(
    "path",
    [
        "pack/a.py",
        "pack/a.so",
        "pack/a.cpython-312-x86_64-linux-gnu.so",
        "pack-1.0.dist-info/RECORD",
        "pack/templates/tests/a.py",
        "pack/LICENSE.md",
        "../../../bin/pack.exe",
    ],
)
def test_other_files_stay(path: str) -> None:
    assert nominated(files("pack/__init__.py", path), SOABI) == frozenset()


def test_what_another_package_needs_stays_where_that_is_installed() -> None:
    wheel = files("pack/__init__.py", "pack/static/a.js.map", "pack/a.pyi")
    assert nominated(wheel, SOABI) == {"pack/static/a.js.map", "pack/a.pyi"}
    assert nominated(wheel, SOABI, {"django"}) == {"pack/a.pyi"}
    beside = replace(SAFE, installed=frozenset({"django"}))
    assert beside.weigh("pack", wheel).after.raw > SAFE.weigh("pack", wheel).after.raw


def test_a_wheel_of_tests_alone_is_somebodys_product() -> None:
    assert nominated(files("tests/test_a.py"), SOABI) == frozenset()


def test_a_module_of_tests_goes_where_what_it_tests_is() -> None:
    found = nominated(files("pack/a.py", "pack/test_a.py", "pack/test_case.py"), SOABI)
    assert found == {"pack/test_a.py"}


def test_a_program_goes_from_a_package_but_not_from_a_tool() -> None:
    program = files("pack/bin/compile", program=True)
    assert nominated([*files("pack/a.so"), *program], SOABI) == {"pack/bin/compile"}
    assert nominated([*files("pack/a.py"), *program], SOABI) == frozenset()


def test_bytecode_counts_and_goes_with_its_source() -> None:
    members = files("pack/a.py", "pack/tests/b.py")
    forecast = SAFE.weigh("pack", members)
    assert forecast.after == SAFE.weigh("pack", members[:1]).before
    assert forecast.after.raw == 21_253
    assert forecast.bytecode == Weight(11_253, 4_757)
    assert forecast.before.raw == 42_506


def test_bytecode_of_one_python_is_larger_than_that_of_another() -> None:
    members = files("pack/a.py")
    made = {
        minor: Stripping(StripSettings(), Machine(minor, 39)).weigh("pack", members).bytecode
        for minor in range(10, 15)
    }
    assert made[11] == Weight(12_100, 4_966)
    assert made[10].compressed < made[12].compressed < made[11].compressed < made[14].compressed
    assert made[10].compressed == 3228


def test_bytecode_is_left_out_where_it_is_dropped() -> None:
    forecast = strips(bytecode="drop").weigh("pack", files("pack/a.py"))
    assert (forecast.after.raw, forecast.bytecode) == (10_000, Weight())
    assert forecast.unsure == Weight()  # nobody reads it


def test_of_bytecode_the_part_stays_that_a_start_reads() -> None:
    forecast = strips(bytecode="boot").weigh("pack", files("pack/a.py"), 0.25)
    assert forecast.after.raw == 12_813
    assert forecast.bytecode == Weight(2_813, 1_189)
    assert forecast.unsure == Weight(11_253, 4_757)


def test_a_start_that_reads_all_leaves_no_doubt() -> None:
    members = files("pack/a.py")
    assert strips(bytecode="boot").weigh("pack", members, 1.0) == SAFE.weigh("pack", members)
    assert SAFE.weigh("pack", members, 0.25) == SAFE.weigh("pack", members)


def test_bytecode_of_what_is_kept_stays_whatever_reads_it() -> None:
    settings = strips(bytecode="boot", keep=("pack/a.py",))
    forecast = settings.weigh("pack", files("pack/a.py", "pack/b.py"), 0.0)
    assert forecast.bytecode == Weight(11_253, 4_757)
    assert forecast.after.raw == 31_253


def test_without_a_strip_all_stays() -> None:
    off = strips(level="off", bytecode="drop", remove=("pack",))
    forecast = off.weigh("pack", [*files("pack/tests/a.py"), Member("pack/b.so", 100, 50, 90)])
    assert forecast.after == forecast.before


def test_keep_and_remove_are_obeyed() -> None:
    settings = strips(keep=("pack/tests",), remove=("pack/extra",))
    members = files("pack/a.txt", "pack/tests/b.txt", "pack/extra/c.txt")
    assert settings.weigh("pack", members).after.raw == 20_000


def test_metadata_stays_whatever_is_to_be_removed() -> None:
    members = files("pack/a.txt", "pack-1.0.dist-info/METADATA")
    assert strips(remove=("pack*",)).weigh("pack", members).after.raw == 10_000


def test_what_no_loader_maps_goes_from_a_library() -> None:
    forecast = SAFE.weigh("pack", [Member("pack/a.so", 1_000_000, 400_000, 900_000)])
    assert forecast.after == Weight(100_000, 61_094)
    assert forecast.before == Weight(1_000_000, 402_000)


def test_small_libraries_are_taken_to_be_like_the_large_ones() -> None:
    large, small = Member("pack/a.so", 1000, 500, 500), Member("pack/b.so", 1000, 500)
    weight = SAFE.weigh("pack", [large, small]).after
    assert weight.raw == 1000


def test_known_files_are_what_they_are_known_for() -> None:
    orphan = Member("onnxruntime/capi/libonnxruntime.so.1.31.1", 1000, 500, 0)
    assert SAFE.weigh("onnxruntime", [orphan]).after == Weight()
    tool = Member("ai_edge_litert/tools/apply_plugin_main", 1000, 500, 0, program=True)
    others = files("ai_edge_litert/a.so")
    assert SAFE.weigh("ai-edge-litert", [tool, *others]).after.raw > 1000


def test_level_max_takes_what_its_lines_name_but_not_what_is_kept() -> None:
    members = [Member("clang/native/libclang.so", 1000, 500, 0)]
    largest = replace(strips(level="max"), largest=("clang",))
    assert largest.weigh("libclang", members).after == Weight()
    kept = replace(strips(level="max", keep=("clang",)), largest=("clang",))
    assert kept.weigh("libclang", members).after.raw == 1000


def test_services_that_the_app_does_not_name_go() -> None:
    members = files(
        "botocore/data/sqs/service-2.json",
        "botocore/data/s3/service-2.json",
        "botocore/data/a.json",
    )
    assert SAFE.weigh("botocore", members).after.raw == 20_000
    asking = replace(SAFE, words=frozenset({"sqs"}))
    assert asking.weigh("botocore", members).after.raw == 30_000


def test_of_a_size_alone_a_weight_is_told() -> None:
    assert of_size(1000) == Weight(3200, 980)


@given(
    st.lists(
        st.builds(
            Member,
            st.text("ab/._-so", min_size=1),
            st.integers(0, 10**9),
            st.integers(0, 10**9),
            st.none() | st.integers(0, 10**9),
            st.booleans(),
        ),
        unique_by=lambda member: member.path,
    )
)
def test_a_strip_makes_nothing_larger(members: list[Member]) -> None:
    possible = [m for m in members if (m.dead or 0) <= m.raw]
    forecast = SAFE.weigh("pack", possible)
    assert 0 <= forecast.after.raw <= forecast.before.raw
    assert 0 <= forecast.after.compressed <= forecast.before.compressed

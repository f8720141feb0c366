"""What is there as source alone is estimated; what then is unknown is no part of a verdict."""

from __future__ import annotations

from pathlib import Path

import pytest

from slugfit.forecast.other_python import OtherPython
from slugfit.report.forecast_text import verdict_of
from slugfit.slug.items import Item
from support.forecasting import forecast, write_app
from support.package_index import Package, PackageIndex

MB = 1_000_000
CODE = "".join(f"def function_{n}():\n    return {n}\n" for n in range(3000))
BROKEN = b"no archive at all"  # uv can't build it, as it can't build numpy 1.18 today
OLD = Package("demo", "1.0", source=BROKEN)
HELPER = Package("helper", "1.2", {"helper.py": CODE})


def native(version: str, minor: int, *requires: str) -> Package:
    tag = f"cp3{minor}-cp3{minor}-manylinux_2_28_x86_64"
    return Package("demo", version, {"demo/a.py": CODE}, requires, tag)


@pytest.mark.parametrize(
    ("others", "why"),
    [
        ([native("1.0", 11)], "demo 1.0 for Python 3.11"),
        ([native("1.0", 10), native("1.5", 12)], "demo 1.0 for Python 3.10"),
        ([native("1.5", 12), native("1.6", 12)], "demo 1.5 for Python 3.12"),
        ([native("0.8", 12), native("0.9", 12)], "demo 0.9 for Python 3.12"),
        ([native("2.0", 14)], "demo 2.0 for Python 3.14"),
    ],
)
def test_the_nearest_wheel_is_taken(tmp_path: Path, others: list[Package], why: str) -> None:
    app = write_app(tmp_path, requirements__txt="demo==1.0\n")
    with PackageIndex([OLD, *others]) as index:
        found = forecast(app, index, tmp_path)
    assert found.rough == (f"demo 1.0: estimated from the wheel of {why}",)
    assert found.missing == ()
    assert found.slug.items[Item("distribution", "demo", "1.0")].raw > len(CODE)


def test_what_the_nearest_wheel_requires_is_counted(tmp_path: Path) -> None:
    app = write_app(tmp_path, requirements__txt="demo==1.0\n")
    with PackageIndex([OLD, native("1.0", 11, "helper>=1"), HELPER]) as index:
        found = forecast(app, index, tmp_path)
    assert Item("distribution", "helper", "1.2") in found.slug.items
    assert found.other_python == OtherPython("3.11", 2)


def test_without_any_wheel_there_is_no_verdict(tmp_path: Path) -> None:
    app = write_app(tmp_path, requirements__txt="demo==1.0\n")
    with PackageIndex([OLD]) as index:
        found = forecast(app, index, tmp_path)
    assert [line.partition(":")[0] for line in found.missing] == ["demo 1.0"]
    assert verdict_of(found, 1000 * MB) == "unknown"
    assert verdict_of(found, 1 * MB) == "over"
    assert found.other_python is None

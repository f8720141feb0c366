"""What heroku/python brings besides, under each Python, and what settings leave of it."""

from __future__ import annotations

from typing import Any

import pytest

from slugfit.app.package_manager import Manager
from slugfit.forecast.estimate import Forecast, Stripping
from slugfit.forecast.heroku_python import runtime, tool_files
from slugfit.forecast.site_packages import ForecastPackages
from slugfit.forecast.start_imports import Start
from slugfit.forecast.wheel_strip import taken
from slugfit.packages.target import Machine
from slugfit.settings.model import StripSettings
from slugfit.slug.weigh.compress import Weight

METADATA = Weight(152_000, 45_000)


def found(
    minor: int = 13,
    manager: Manager = "pip",
    *,
    is_seen: bool = True,
    **values: Any,
) -> dict[str, Forecast]:
    machine, settings = Machine(minor, 39), StripSettings(**values)
    listing = ForecastPackages({}).listing(machine, tool_files(manager, machine))
    stripping = Stripping(settings, machine, taken(listing, settings, Start()))
    return {item.name: f for item, f in runtime(stripping, manager, is_seen=is_seen)}


@pytest.mark.parametrize("minor", range(10, 15))
def test_every_python_has_pip_and_older_ones_setuptools(minor: int) -> None:
    assert list(found(minor)) == ["Python", "pip", *(["setuptools"] if minor <= 12 else [])]


def test_who_installs_otherwise_gets_neither() -> None:
    assert list(found(12, "uv")) == ["Python"]


def test_pipenv_is_a_part_of_the_slug_that_no_strip_reaches() -> None:
    pipenv = found(11, "pipenv", bytecode="drop")["Pipenv"]
    assert list(found(12, "pipenv")) == ["Python", "Pipenv"]
    assert pipenv.after == pipenv.before == Weight(37_783_000, 15_650_000)
    assert found(10, "pipenv")["Pipenv"].after.compressed < pipenv.after.compressed


def test_pip_loses_its_programs_for_windows() -> None:
    assert found()["pip"].after == Weight(10_874_280, 3_540_600)
    assert found()["pip"].before == Weight(11_630_280, 3_903_600)
    assert found(level="off")["pip"].after == found()["pip"].before
    assert found(keep=("pip",))["pip"].after == found()["pip"].before


def test_a_start_reads_none_of_it() -> None:
    forecast = found(bytecode="boot")["pip"]
    assert forecast == Forecast(Weight(5_461_000, 1_347_000), found()["pip"].before)
    assert found(bytecode="boot", is_seen=False) == found()


def test_its_metadata_outlives_it() -> None:
    assert found(remove=("pip",))["pip"].after == METADATA
    assert found(level="max")["pip"].after == METADATA
    assert found(remove=("pip",), keep=("pip",))["pip"].after == found()["pip"].before

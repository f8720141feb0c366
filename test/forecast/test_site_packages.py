"""What is known of packages together: what lies in site-packages, who requires whom."""

from __future__ import annotations

from pathlib import Path

from slugfit.forecast.pylock import Pinned
from slugfit.forecast.site_packages import ForecastPackages
from slugfit.forecast.wheel_cache import WheelOutcome
from slugfit.forecast.wheels import WheelContents, WheelMember
from slugfit.packages.target import Machine


def test_what_comes_with_the_packages_is_in_their_listing_once() -> None:
    members = (WheelMember("pip/__init__.py", 1, 1), WheelMember("../../../bin/pip", 1, 1))
    packages = ForecastPackages(
        {
            Pinned("Pip", "26.0"): WheelOutcome(WheelContents(members)),
            Pinned("unread", "1.0"): WheelOutcome(size=1),
        }
    )
    tools = {"pip": "pip/__init__.py", "setuptools": "setuptools/__init__.py"}
    listing = packages.listing(Machine(12, 39), tools)
    assert listing.files == ("pip/__init__.py", "setuptools/__init__.py")
    assert [(d.name, d.version) for d in listing.distributions] == [
        ("Pip", "26.0"),
        ("unread", "1.0"),
        ("setuptools", ""),
    ]


def test_who_requires_whom_is_known_also_of_what_could_not_be_read(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("demo\n")
    found = ForecastPackages(
        {
            Pinned("demo", "1.0"): WheelOutcome(
                WheelContents((), ("Helper>=1", "gone; python_version<'3'"))
            ),
            Pinned("helper", "1.2"): WheelOutcome(why="only as source"),
        }
    )
    graph = found.graph(tmp_path, Machine(12, 39))
    assert graph.requires == {"demo": ("helper",), "helper": ()}
    assert graph.below(("demo",)) == {"demo", "helper"}

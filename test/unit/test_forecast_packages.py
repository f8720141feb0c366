"""What is known of packages together: what level "max" takes, who requires whom."""

from __future__ import annotations

from pathlib import Path

from slugfit.forecast.contents import Contents
from slugfit.forecast.packages import Packages
from slugfit.forecast.pins import Pinned
from slugfit.forecast.start import Start
from slugfit.forecast.tags import Machine
from slugfit.forecast.wheels import Inside
from slugfit.settings.model import StripSettings

MAX = StripSettings(level="max")


def packages(**versions: str) -> Packages:
    pins = (Pinned(name.replace("_", "-"), version) for name, version in versions.items())
    return Packages({pin: Contents(Inside(())) for pin in pins})


def test_level_max_takes_what_its_lines_say_of_these_versions() -> None:
    assert "keras/src/backend/torch" in packages(keras="3.5").largest(MAX, Start())
    assert "keras/src/backend/torch" not in packages(keras="2.5").largest(MAX, Start())
    assert packages(keras="3.5").largest(StripSettings(), Start()) == ()


def test_level_max_leaves_what_another_package_needs() -> None:
    assert "keras/src/backend/torch" not in packages(keras="3.5", torch="2.1").largest(MAX, Start())


def test_level_max_leaves_what_the_app_imports() -> None:
    imports = Start(modules=frozenset({"sklearn.datasets.load_digits"}))
    found = packages(scikit_learn="1.5")
    assert "sklearn/datasets/data" in found.largest(MAX, Start())
    assert "sklearn/datasets/data" not in found.largest(MAX, imports)


def test_who_requires_whom_is_known_also_of_what_could_not_be_read(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("demo\n")
    found = Packages(
        {
            Pinned("demo", "1.0"): Contents(Inside((), ("Helper>=1", "gone; python_version<'3'"))),
            Pinned("helper", "1.2"): Contents(why="only as source"),
        }
    )
    graph = found.graph(tmp_path, Machine(12, 39))
    assert graph.requires == {"demo": ("helper",), "helper": ()}
    assert graph.below(("demo",)) == {"demo", "helper"}

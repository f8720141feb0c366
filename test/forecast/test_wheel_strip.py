"""What a strip takes of wheels, told from names by the strip's own rules."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from slugfit.forecast.start_imports import Start
from slugfit.forecast.wheel_listing import WheelListing
from slugfit.forecast.wheel_strip import taken
from slugfit.forecast.wheels import WheelMember, read_wheel
from slugfit.packages.distributions import installed
from slugfit.packages.target import Machine
from slugfit.settings.model import StripSettings
from slugfit.strip.candidates.selection import select_candidates
from slugfit.strip.site_tree import read_tree
from support.binaries import ARCHIVE, LIBRARY, PROGRAM, WINDOWS
from support.packages import Site

SOABI = Machine(12, 39).soabi


def files(*paths: str, program: bool = False) -> list[WheelMember]:
    return [WheelMember(path, 10_000, 3_000, program=program) for path in paths]


def gone(
    members: Iterable[WheelMember],
    start: Start = Start(),  # noqa: B008 (it is frozen)
    *,
    name: str = "pack",
    version: str = "1.0",
    beside: tuple[str, ...] = (),
    **settings: Any,
) -> set[str]:
    """What goes of a wheel; the names of other ones are those `beside`."""
    wheels = [(name, version, members), *((other, "1.0", ()) for other in beside)]
    return set(taken(WheelListing.of(wheels, SOABI), StripSettings(**settings), start))


@pytest.mark.parametrize(
    "path",
    [
        "pack/tests/test_a.py",
        "pack/a.pyi",
        "pack/include/a.h",
        "pack/a.pyx",
        "pack/lib/a.dll",
        "pack/lib/a.a",
        "pack/a.cpython-311-x86_64-linux-gnu.so",
        "tests/test_a.py",
    ],
)
def test_what_the_rules_name_goes(path: str) -> None:
    assert gone(files("pack/__init__.py", path)) == {path}


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
    assert gone(files("pack/__init__.py", path)) == set()


def test_what_another_package_needs_stays_where_that_is_installed() -> None:
    wheel = files("pack/__init__.py", "pack/static/a.js.map", "pack/a.pyi")
    assert gone(wheel) == {"pack/static/a.js.map", "pack/a.pyi"}
    assert gone(wheel, beside=("Django",)) == {"pack/a.pyi"}


def test_a_wheel_of_tests_alone_is_somebodys_product() -> None:
    assert gone(files("tests/test_a.py")) == set()


def test_a_module_of_tests_goes_where_what_it_tests_is() -> None:
    found = gone(files("pack/a.py", "pack/test_a.py", "pack/test_case.py"))
    assert found == {"pack/test_a.py"}


def test_a_program_goes_from_a_package_but_not_from_a_tool() -> None:
    program = files("pack/bin/compile", program=True)
    assert gone([*files("pack/a.so"), *program]) == {"pack/bin/compile"}
    assert gone([*files("pack/a.py"), *program]) == set()


def test_a_directory_of_several_wheels_is_one() -> None:
    tool, library = files("space/bin/compile", program=True), files("space/a.so")
    wheels = [("tool", "1.0", tool), ("library", "1.0", library)]
    found = taken(WheelListing.of(wheels, SOABI), StripSettings(), Start())
    assert found == {"space/bin/compile"}


def test_without_a_strip_all_stays() -> None:
    assert gone(files("pack/tests/a.py"), level="off", remove=("pack",)) == set()


def test_keep_and_remove_are_obeyed() -> None:
    members = files("pack/a.txt", "pack/tests/b.txt", "pack/extra/c.txt", "pack/tests/.d")
    found = gone(members, keep=("pack/tests/*",), remove=("pack/extra", "pack/tests"))
    assert found == {"pack/extra/c.txt"}


def test_metadata_stays_whatever_is_to_be_removed() -> None:
    members = files("pack/a.txt", "pack-1.0.dist-info/METADATA")
    assert gone(members, remove=("pack*",)) == {"pack/a.txt"}


def test_known_files_are_what_they_are_known_for() -> None:
    orphan = "onnxruntime/capi/libonnxruntime.so.1.31.1"
    assert gone(files(orphan), name="onnxruntime") == {orphan}
    assert gone(files(orphan), name="onnxruntime", keep=("onnxruntime",)) == set()
    assert gone(files(orphan)) == set()
    tool = [*files("ai_edge_litert/tools/apply_main", program=True), *files("ai_edge_litert/a.so")]
    assert gone(tool, name="ai_edge_litert") == set()
    assert gone(tool) == {"ai_edge_litert/tools/apply_main"}
    removed = gone(tool, name="ai_edge_litert", remove=("**/*_main",))
    assert removed == {"ai_edge_litert/tools/apply_main"}


KERAS = files("keras/__init__.py", "keras/src/backend/torch/core.py")
DATASETS = files("sklearn/__init__.py", "sklearn/datasets/data/iris.csv")


def test_level_max_takes_what_its_lines_say_of_these_versions() -> None:
    torch = {"keras/src/backend/torch/core.py"}
    assert gone(KERAS, name="keras", version="3.5", level="max") == torch
    assert gone(KERAS, name="keras", version="2.5", level="max") == set()
    assert gone(KERAS, name="keras", version="3.5") == set()
    assert gone(KERAS, name="keras", version="3.5", level="max", keep=("keras",)) == set()


def test_level_max_leaves_what_another_package_needs() -> None:
    found = gone(KERAS, name="keras", version="3.5", level="max", beside=("torch",))
    assert found == set()


def test_level_max_leaves_what_the_app_imports() -> None:
    imports = Start(modules=frozenset({"sklearn.datasets.load_digits"}))
    maximum: Any = {"name": "scikit-learn", "level": "max"}
    assert gone(DATASETS, **maximum) == {"sklearn/datasets/data/iris.csv"}
    assert gone(DATASETS, imports, **maximum) == set()
    assert gone(DATASETS, imports, **maximum, remove=("sklearn/datasets/data",)) == {
        "sklearn/datasets/data/iris.csv"
    }


def test_level_max_leaves_what_a_package_is_known_to_import() -> None:
    pip = files("pip/__init__.py")
    assert gone(pip, name="pip", level="max") == {"pip/__init__.py"}
    assert gone(pip, name="pip", level="max", beside=("onnxruntime_gpu",)) == set()


def test_services_that_the_app_does_not_name_go() -> None:
    members = files(
        "botocore/data/sqs/service-2.json",
        "botocore/data/s3/service-2.json",
        "botocore/data/a.json",
    )
    assert gone(members) == {"botocore/data/sqs/service-2.json"}
    assert gone(members, Start(texts=frozenset({"sqs"}))) == set()


def test_a_wheel_and_the_directory_that_it_becomes_lose_the_same(tmp_path: Path) -> None:
    site = Site(tmp_path)
    content: dict[str, str | bytes] = {
        "p/__init__.py": "",
        "p/a.py": "",
        "p/test_a.py": "def test_it(): ...",
        "p/tests/.hidden/a.bin": "",
        "p/tests/LICENSE": "",
        "p/bin/compile": PROGRAM,
        "p/lib.so": LIBRARY,
        "p/liba.a": ARCHIVE,
        "p/a.dll": WINDOWS,
        "p/a.cpython-39-x86_64-linux-gnu.so": LIBRARY,
        "p/templates/docs/a.md": "",
        "p/de/a.po": "",
        "p/de/a.mo": "",
        "docs/index.rst": "",
        "botocore/data/sqs/service-2.json": "",
    }
    info = site.install("p", content)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as opened:
        for path in (*content, f"{info}/METADATA", f"{info}/RECORD"):
            entry = zipfile.ZipInfo(path)
            entry.external_attr = (0o755 if "/bin/" in path else 0o644) << 16
            opened.writestr(entry, (site.root / path).read_bytes())
    listing = WheelListing.of([("p", "1.0", read_wheel(packed).members)], SOABI)
    settings = StripSettings(level="max", keep=("**/*.mo",), remove=("p/a.*",))
    tree = read_tree(site.root, SOABI)
    assert listing.distributions == installed(site.root)
    assert select_candidates(listing, settings) == select_candidates(tree, settings)

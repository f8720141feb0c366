"""What an app's start leads to, and how much of its packages' bytecode that reads."""

from __future__ import annotations

from pathlib import Path

import pytest

from slugfit.forecast.start_imports import Start, shares, start_of
from slugfit.forecast.wheels import WheelContents, WheelMember
from slugfit.packages.graph import Graph

NOTHING = frozenset[str]()


def app_of(directory: Path, **files: str) -> Path:
    """An app of these files; in their names, `__` is a dot and `_in_` a slash."""
    for name, text in files.items():
        file = directory / name.replace("__", ".").replace("_in_", "/")
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
    return directory


def seen(app: Path, *, smoke: bool = False) -> Start:
    sources = sorted(str(path.relative_to(app)) for path in app.rglob("*.py"))
    return start_of(app, sources, NOTHING, smoke=smoke)


def inside(*paths: str, programs: tuple[str, ...] = ()) -> WheelContents:
    return WheelContents(tuple(WheelMember(path, 1, 1) for path in paths), programs=programs)


def test_the_apps_own_modules_are_followed(tmp_path: Path) -> None:
    app = app_of(
        tmp_path,
        Procfile="web: gunicorn web:app\n",
        web__py="import flask\nfrom views import index\n",
        views_in___init____py="",
        views_in_index__py="from numpy import linalg\n",
        train__py="import pandas\n",
    )
    start = seen(app)
    assert start.modules == {"web", "flask", "views", "views.index", "numpy", "numpy.linalg"}
    assert "gunicorn" in start.words
    assert start.is_seen


def test_what_runs_later_or_is_for_types_is_no_part_of_the_start(tmp_path: Path) -> None:
    later = "def f():\n    import scipy\nif TYPE_CHECKING:\n    import pandas\n"
    app = app_of(tmp_path, Procfile="web: gunicorn web:app\n", web__py=later)
    assert seen(app).modules == {"web"}


def test_a_smoke_test_runs_all_that_the_app_has(tmp_path: Path) -> None:
    app = app_of(
        tmp_path,
        Procfile="web: gunicorn web:app\n",
        web__py="",
        test_web__py="import requests\n",
    )
    assert "requests" not in seen(app).modules
    assert "requests" in seen(app, smoke=True).modules


def test_modules_that_import_each_other_end(tmp_path: Path) -> None:
    app = app_of(tmp_path, Procfile="web: gunicorn a:app\n", a__py="import b\n", b__py="import a\n")
    assert seen(app).modules == {"a", "b"}


@pytest.mark.parametrize(
    ("files", "smoke", "is_seen"),
    [
        ({"Procfile": "web: python -m http.server\n"}, False, False),
        ({"Procfile": "web: python -m http.server\n"}, True, True),
        ({"app__py": "import flask\n"}, False, True),
        ({}, False, False),
    ],
)
def test_a_start_is_seen_where_a_build_would_see_one(
    tmp_path: Path, files: dict[str, str], *, smoke: bool, is_seen: bool
) -> None:
    assert seen(app_of(tmp_path, **files), smoke=smoke).is_seen is is_seen


PACKAGES = {
    "numpy": inside("numpy/__init__.py", "numpy/linalg.py"),
    "used": inside("used/__init__.py"),
    "below": inside("below.cpython-311-x86_64-linux-gnu.so"),
    "sympy": inside("sympy/__init__.py"),
    "other": inside("other.py"),
    "server": inside("server/__init__.py", programs=("serve",)),
    "google-a": inside("google/a/__init__.py"),
    "google-b": inside("google/b/__init__.py"),
}
GRAPH = Graph(requires={"used": ("below",), "below": ("sympy",), "server": ("used",)})


def shares_of(**start: frozenset[str]) -> dict[str, float]:
    """Those that are not 0."""
    found = shares(Start(is_seen=True, **start), PACKAGES, GRAPH)
    assert found.keys() == PACKAGES.keys()
    return {name: share for name, share in found.items() if share}


def test_what_is_imported_is_read_in_part_and_so_is_what_it_requires() -> None:
    assert shares_of(modules=frozenset({"used.x"})) == {"used": 0.6, "below": 0.6}


def test_some_packages_are_known() -> None:
    assert shares_of(modules=frozenset({"numpy.linalg"})) == {"numpy": 0.55}
    assert shares_of(modules=frozenset({"sympy"})) == {}


def test_a_program_that_a_command_starts_is_read_whole() -> None:
    assert shares_of(words=frozenset({"serve"})) == {"server": 1.0, "used": 0.6, "below": 0.6}


def test_a_module_can_be_named_by_a_text_or_a_command() -> None:
    assert shares_of(texts=frozenset({"other"})) == {"other": 0.6}
    assert shares_of(words=frozenset({"other.Worker"})) == {"other": 0.6}


def test_packages_that_share_a_name_are_told_apart() -> None:
    assert shares_of(modules=frozenset({"google.a.storage"})) == {"google-a": 0.6}


def test_where_no_start_is_seen_all_bytecode_stays() -> None:
    assert set(shares(Start(), PACKAGES, GRAPH).values()) == {1.0}


def test_an_import_of_something_in_a_module_is_one_of_it() -> None:
    start = Start(modules=frozenset({"numpy.f2py.crackfortran"}))
    assert start.imports(("numpy.f2py",))
    assert not start.imports(("numpy.distutils", "f2py"))
    assert not start.imports(())

"""For each rule, a package of which it takes something, and one that it leaves as it is."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

from slugfit.settings.model import StripSettings
from slugfit.strip import reachability
from slugfit.strip.candidates.rules import load_rules
from slugfit.strip.candidates.selection import select_candidates
from slugfit.strip.site_tree import read_tree
from support.binaries import AARCH64, ARCHIVE, LIBRARY, OBJECT, PROGRAM, WINDOWS, elf
from support.packages import Site

SOABI = "cpython-311-x86_64-linux-gnu"
MODULE = f"_core.{SOABI}.so"
TEST = "def test_it(): ...\n"


class Case(NamedTuple):
    """A package, and what of it goes: path → category."""

    files: Mapping[str, str | bytes]
    gone: Mapping[str, str]


def goes(category: str, *paths: str) -> dict[str, str]:
    return dict.fromkeys(paths, category)


NOTHING: dict[str, str] = {}

CASES = {
    "tests that nothing imports go": Case(
        {"p/__init__.py": "", "p/tests/__init__.py": "", "p/tests/test_a.py": TEST},
        goes("tests", "p/tests/__init__.py", "p/tests/test_a.py"),
    ),
    "a directory of tests that the package imports stays": Case(
        {"p/__init__.py": "from p.test import client", "p/test/__init__.py": "client = 1"},
        NOTHING,
    ),
    "a test beside what it tests goes, whatever that is": Case(
        {
            "p/__init__.py": "",
            "p/a.py": "",
            "p/test_a.py": TEST,
            "p/a_test.py": TEST,
            "p/b/__init__.py": "",
            "p/b_tests.py": TEST,
            f"p/{MODULE}": LIBRARY,
            "p/test__core.py": TEST,
        },
        goes("tests", "p/test_a.py", "p/a_test.py", "p/b_tests.py", "p/test__core.py"),
    ),
    "a module that is called a test, and is none, stays": Case(
        {"p/__init__.py": "", "p/cases.py": "", "p/test_cases.py": "def cases(): ..."},
        NOTHING,
    ),
    "a test that stands alone may be the product": Case(
        {"p/__init__.py": "", "p/test_all.py": TEST, "p/ab_test.py": TEST}, NOTHING
    ),
    "a test beside pytest's configuration goes with it": Case(
        {"p/__init__.py": "", "p/conftest.py": "", "p/test_all.py": TEST},
        goes("tests", "p/conftest.py", "p/test_all.py"),
    ),
    "pytest's configuration stays when the package uses it": Case(
        {"p/__init__.py": "from p import conftest", "p/conftest.py": ""}, NOTHING
    ),
    "a module compiled for the tests goes": Case(
        {
            "p/__init__.py": "from p import _core",
            f"p/{MODULE}": LIBRARY,
            f"p/_test{MODULE}": LIBRARY,
        },
        goes("tests", f"p/_test{MODULE}"),
    ),
    "a module compiled for the tests stays when it is imported": Case(
        {"p/__init__.py": "from p import _test_core", f"p/_test{MODULE}": LIBRARY}, NOTHING
    ),
    "documentation goes, but for the licence": Case(
        {"p/__init__.py": "", "p/docs/a.rst": "", "p/docs/LICENSE": "", "p/CHANGES.md": ""},
        goes("documentation", "p/docs/a.rst", "p/CHANGES.md"),
    ),
    "documentation that the package reads stays": Case(
        {"p/__init__.py": "open('README.md')", "p/README.md": "", "p/notes.md": ""}, NOTHING
    ),
    "examples and benchmarks go": Case(
        {"p/__init__.py": "", "p/examples/a.py": "", "p/benchmarks/b.py": ""},
        goes("examples", "p/examples/a.py") | goes("benchmarks", "p/benchmarks/b.py"),
    ),
    "an example that the package imports stays": Case(
        {"p/__init__.py": "import p.demo.app", "p/demo/app.py": "", "p/demo/__init__.py": ""},
        NOTHING,
    ),
    "what a project's template holds stays": Case(
        {"p/__init__.py": "", "p/templates/tests/a.py": TEST, "p/{{ name }}/docs/a.rst": ""},
        NOTHING,
    ),
    "type stubs go": Case(
        {"p/__init__.py": "", "p/__init__.pyi": "", "p/py.typed": "", "q-stubs/a.pyi": ""},
        goes("type stubs", "p/__init__.pyi", "p/py.typed", "q-stubs/a.pyi"),
    ),
    "a stub that is read at run time stays": Case(
        {
            "p/__init__.py": "import lazy_loader\nlazy_loader.attach_stub(__name__, __file__)",
            "p/__init__.pyi": "from .a import b",
            "p/a.py": "b = 1",
        },
        NOTHING,
    ),
    "headers go, and those without a suffix from include directories": Case(
        {"p/__init__.py": "", "p/a.h": "", "p/include/Eigen/Core": "", "p/include/a.inc": ""},
        goes("C headers", "p/a.h", "p/include/Eigen/Core", "p/include/a.inc"),
    ),
    "texts in include directories stay": Case(
        {"p/__init__.py": "", "p/include/isonum.txt": "", "p/data/Core": ""}, NOTHING
    ),
    "a header that the package reads stays": Case(
        {"p/__init__.py": "open('kernel.h')", "p/kernel.h": ""}, NOTHING
    ),
    "what a linker reads goes": Case(
        {"p/__init__.py": "", "p/liba.a": ARCHIVE, "p/a.o": elf(OBJECT)},
        goes("static libraries", "p/liba.a", "p/a.o"),
    ),
    "what only looks like it stays": Case(
        {"p/__init__.py": "", "p/weights.a": "weights", "p/a.o": "text", "p/a.la": "text"},
        NOTHING,
    ),
    "sources of compiled modules go": Case(
        {"p/__init__.py": "", "p/a.c": "", "p/a.pyx": "", "p/a.pxd": "", "p/a.f90": ""},
        goes("native sources", "p/a.c", "p/a.pyx", "p/a.pxd", "p/a.f90"),
    ),
    "a source that is compiled at run time stays": Case(
        {"p/__init__.py": "compile_at_run_time('driver.c')", "p/driver.c": ""}, NOTHING
    ),
    "a protocol goes when it is compiled": Case(
        {"p/__init__.py": "", "p/a.proto": "", "p/a_pb2.py": ""},
        goes("native sources", "p/a.proto"),
    ),
    "a protocol that is not compiled stays": Case(
        {"p/__init__.py": "", "p/a.proto": "", "p/b_pb2.py": ""}, NOTHING
    ),
    "what a build system reads goes": Case(
        {"p/__init__.py": "", "p/cmake/pConfig.cmake": "", "p/p.pc": "", "p/meson.build": ""},
        goes("build files", "p/cmake/pConfig.cmake", "p/p.pc", "p/meson.build"),
    ),
    "what a build system in a wheel reads stays": Case(
        {"tool/__init__.py": "", "tool/bin/tool": PROGRAM, "tool/share/Find.cmake": ""}, NOTHING
    ),
    "translations go when they are compiled": Case(
        {"p/__init__.py": "", "p/de/a.po": "", "p/de/a.mo": "", "p/fr/a.po": ""},
        goes("translations' sources", "p/de/a.po"),
    ),
    "what a browser's developer tools read goes, and no other map": Case(
        {"p/__init__.py": "", "p/static/a.js": "", "p/static/a.js.map": "", "p/town.map": ""},
        goes("source maps", "p/static/a.js.map"),
    ),
    "binaries of other platforms go": Case(
        {
            "p/__init__.py": "",
            "p/a.dll": WINDOWS,
            "p/cli.exe": WINDOWS,
            "p/a.cpython-39-x86_64-linux-gnu.so": LIBRARY,
            "p/b.so": elf(machine=AARCH64),
        },
        goes(
            "other platforms",
            *("p/a.dll", "p/cli.exe", "p/a.cpython-39-x86_64-linux-gnu.so", "p/b.so"),
        ),
    ),
    "what Linux can load, or a package names, stays": Case(
        {
            "p/__init__.py": "LAUNCHER = 'cli.exe'",
            "p/cli.exe": WINDOWS,
            "p/a.dll": "text",
            f"p/a.{SOABI}.so": LIBRARY,
            "p/b.abi3.so": LIBRARY,
        },
        NOTHING,
    ),
    "a program that no code names goes": Case(
        {
            "p/__init__.py": "from p import _core",
            f"p/{MODULE}": LIBRARY,
            "p/bin/protoc-3.13.0.0": PROGRAM,
            "p/bin/run": "#!/bin/sh",
        },
        goes("programs", "p/bin/protoc-3.13.0.0"),
    ),
    "a program that the package runs stays": Case(
        {"p/__init__.py": "run('manager')", f"p/{MODULE}": LIBRARY, "p/bin/manager": PROGRAM},
        NOTHING,
    ),
    "the program that a package is for stays": Case(
        {"p/__init__.py": "run(sorted(listdir('bin'))[0])", "p/bin/ruff": PROGRAM}, NOTHING
    ),
    "what editors leave behind goes": Case(
        {"p/__init__.py": "", "p/.DS_Store": b"\0", "p/a.py.orig": "", "p/a.py~": "", "p/.a": ""},
        goes("leftovers", "p/.DS_Store", "p/a.py.orig", "p/a.py~"),
    ),
}


def removed(site: Site) -> dict[str, str]:
    """What the rules nominate, and no code of the packages reaches."""
    tree = read_tree(site.root, SOABI)
    candidates = select_candidates(tree, StripSettings())
    kept = reachability.keep(tree, candidates, reachability.site_sources(tree, candidates))
    return {path: category for path, category in candidates.items() if path not in kept}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_of_a_package(tmp_path: Path, case: Case) -> None:
    site = Site(tmp_path)
    site.install("p", case.files)
    assert removed(site) == case.gone


def test_every_category_has_a_package_that_loses_something() -> None:
    shown = {category for case in CASES.values() for category in case.gone.values()}
    assert shown == {rule.category for rule in load_rules().rules}


def test_source_maps_stay_for_django_which_wants_all_that_is_linked_to(tmp_path: Path) -> None:
    site = Site(tmp_path)
    site.install("Django", {"django/__init__.py": ""})
    site.install("p", {"p/__init__.py": "", "p/static/a.css": "", "p/static/a.css.map": ""})
    assert removed(site) == NOTHING


def test_what_a_careless_wheel_leaves_at_the_top_goes(tmp_path: Path) -> None:
    site = Site(tmp_path)
    site.install("p", {"p/__init__.py": "", "tests/__init__.py": "", "tests/test_p.py": TEST})
    assert removed(site) == goes("tests", "tests/__init__.py", "tests/test_p.py")


def test_what_several_careless_wheels_leave_at_the_top_goes(tmp_path: Path) -> None:
    site = Site(tmp_path)
    site.install("p", {"p/__init__.py": "", "tests/test_p.py": TEST})
    site.install("q", {"q.py": "", "tests/test_q.py": TEST})
    assert removed(site) == goes("tests", "tests/test_p.py", "tests/test_q.py")


@pytest.mark.parametrize(
    ("name", "files"),
    [
        pytest.param("docs", {"docs/__init__.py": "", "p.py": ""}, id="by its name"),
        pytest.param("p", {"docs/__init__.py": "", "examples/__init__.py": ""}, id="alone"),
        pytest.param("p", {"docs/__init__.py": "", "p.txt": ""}, id="with nothing to import"),
    ],
)
def test_a_directory_at_the_top_may_be_the_product(
    tmp_path: Path, name: str, files: Mapping[str, str]
) -> None:
    site = Site(tmp_path)
    site.install(name, files)
    assert removed(site) == {}


def test_a_directory_at_the_top_stays_when_nobody_lists_all_of_it(tmp_path: Path) -> None:
    site = Site(tmp_path)
    site.install("p", {"p/__init__.py": "", "tests/test_p.py": TEST})
    site.write("tests/own.py", TEST)
    assert removed(site) == {}


def test_a_directory_at_the_top_stays_when_it_is_imported(tmp_path: Path) -> None:
    site = Site(tmp_path)
    site.install("p", {"p/__init__.py": "import examples.a", "examples/a.py": ""})
    assert removed(site) == {}

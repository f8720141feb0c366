"""A tree and the rules give the candidates."""

from __future__ import annotations

from pathlib import Path

import pytest

from slugfit.base.files import directories_above
from slugfit.settings.model import StripSettings
from slugfit.strip.candidates.selection import (
    REQUESTED,
    orphaned_bytecode,
    select_candidates,
)
from slugfit.strip.site_tree import SiteTree, read_tree
from support.packages import Site


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def candidates(
    *paths: str, root: Path = Path("/nowhere"), settings: StripSettings | None = None
) -> dict[str, str]:
    return select_candidates(SiteTree(root, paths), settings or StripSettings())


@pytest.mark.parametrize(
    ("path", "category"),
    [
        ("p/tests/test_a.py", "tests"),
        ("p/test/data/a.bin", "tests"),
        ("p/sub/tests/a.py", "tests"),
        ("p/docs/index.rst", "documentation"),
        ("p/doc/a/b/c.png", "documentation"),
        ("p/include/a.h", "C headers"),
        ("p/include/a.cuh", "C headers"),
        ("a.hpp", "C headers"),
        ("p/include/eigen/Core", "C headers"),
        ("p/include/mlir/a.inc", "C headers"),
        ("p/a.pyx", "native sources"),
        ("p/a.pyx.in", "native sources"),
        ("p/a.c", "native sources"),
        ("p/aConfig.cmake", "build files"),
        ("p/CMakeLists.txt", "build files"),
        ("p/_pyinstaller/hook-p.py", "build files"),
        ("p/a.pyi", "type stubs"),
        ("p/py.typed", "type stubs"),
        ("p-stubs/a.pyi", "type stubs"),
        ("p/conftest.py", "tests"),
        ("p/_test_a.cpython-311-x86_64-linux-gnu.so", "tests"),
        ("p/README.md", "documentation"),
        ("README.rst", "documentation"),
        ("p/_examples/a.py", "examples"),
        ("p/benchmarks/a.py", "benchmarks"),
        ("p/static/a.js.map", "source maps"),
        ("p/a.bat", "other platforms"),
        ("p/.DS_Store", "leftovers"),
        ("p/a.py.orig", "leftovers"),
        ("p/tests/a.c", "tests"),
        ("p/tests/docs/a", "tests"),
        ("p/docs/tests/a", "tests"),
    ],
)
def test_what_may_go_has_a_category(path: str, category: str) -> None:
    assert candidates(path) == {path: category}


@pytest.mark.parametrize(
    "path",
    [
        "p/__init__.py",
        "jinja2/tests.py",
        "werkzeug/test.py",
        "numpy/testing/__init__.py",
        "pandas/_testing/__init__.py",
        "tests/__init__.py",
        "docs/index.rst",
        "p/contests/a.py",
        "p/Tests/a.py",
        "p/a.H",
        "p/a.hdf5",
        "p/Core",
        "p/include/a.txt",
        "p/include/a.py",
        "p/a.inc",
        "p/a.map",
        "p/a.md",
        "p/readme.py",
        "p/history.py",
        "p/test_a.py",
        "p/a_test.py",
        "p/templates/project/tests/test_a.py",
        "p/{{ cookiecutter.name }}/docs/index.rst",
        "p/app_template/README.md",
        "p/a.cpython-311-x86_64-linux-gnu.so",
        "p/.h/a",
        "distutils-precedence.pth",
        "__editable___p_finder.py",
    ],
)
def test_what_only_looks_like_it_stays(path: str) -> None:
    assert candidates(path) == {}


@pytest.mark.parametrize(
    "path",
    [
        "p-1.0.dist-info/docs/a.rst",
        "p-1.0.dist-info/licenses/tests/LICENSE",
        "p/vendored/q-2.0.dist-info/tests/RECORD",
        "p-1.0.egg-info/docs/a.c",
        "p/tests/LICENSE",
        "p/tests/LICENCE.txt",
        "p/docs/COPYING.LESSER",
        "p/docs/NOTICE.md",
        "p/docs/AUTHORS.rst",
        "p/include/PATENTS.h",
        "p/docs/THIRD_PARTY_LICENSES",
        "p/docs/LICENSES/MIT.rst",
        "p/tests/a.pth",
        "p/tests/__editable___p_finder.py",
    ],
)
def test_metadata_and_licences_are_never_candidates(path: str) -> None:
    assert candidates(path) == {}


def test_the_users_globs_mean_what_a_shell_means(site: Site) -> None:
    site.install(
        "p",
        {
            "p/__init__.py": "",
            "p/big.bin": "1",
            "p/deep/big.bin": "2",
            "p/deep/er/big.bin": "3",
            "p/tests/a.py": "4",
            "p/deep/tests/b.py": "5",
            "q.bin": "6",
        },
    )
    tree = read_tree(site.root)

    def requested(*globs: str) -> list[str]:
        found = select_candidates(tree, StripSettings(remove=globs))
        return [path for path, category in found.items() if category == REQUESTED]

    assert requested("p/*.bin") == ["p/big.bin"]
    assert requested("p/**/big.bin") == ["p/big.bin", "p/deep/big.bin", "p/deep/er/big.bin"]
    assert requested("p/deep") == ["p/deep/big.bin", "p/deep/er/big.bin", "p/deep/tests/b.py"]
    assert requested("*/deep/er/") == ["p/deep/er/big.bin"]
    assert requested("*.bin", "p/[a-c]ig.bin") == ["p/big.bin", "q.bin"]
    assert requested("nothing/like/it") == []


def test_keep_wins_over_rules_and_over_remove(site: Site) -> None:
    site.install("p", {"p/a.bin": "", "p/b.bin": "", "p/tests/a.py": "", "p/docs/a": ""})
    settings = StripSettings(keep=("p/tests", "p/a.*"), remove=("p/*.bin", "p/tests/a.py"))
    found = select_candidates(read_tree(site.root), settings)
    assert found == {"p/b.bin": REQUESTED, "p/docs/a": "documentation"}


def test_a_file_whose_directory_is_kept_by_a_deep_glob_stays(site: Site) -> None:
    site.install("p", {"p/a/tests/x/y.py": "", "p/tests/z.py": ""})
    settings = StripSettings(keep=("p/a/**",))
    assert list(select_candidates(read_tree(site.root), settings)) == ["p/tests/z.py"]


def test_a_licence_that_is_code_is_no_licence() -> None:
    assert candidates("p/tests/test_license.py") == {"p/tests/test_license.py": "tests"}


def test_templates_may_be_requested(site: Site) -> None:
    site.install("p", {"p/templates/docs/a.html": ""})
    settings = StripSettings(remove=("p/templates",))
    found = select_candidates(read_tree(site.root), settings)
    assert found == {"p/templates/docs/a.html": REQUESTED}


def test_metadata_stays_although_its_removal_is_requested(site: Site) -> None:
    info = site.install("p", {"p/__init__.py": "", "p/LICENSE": ""})
    settings = StripSettings(remove=(info, "p"))
    found = select_candidates(read_tree(site.root), settings)
    assert found == {"p/__init__.py": REQUESTED}


def test_bytecode_is_orphaned_by_its_own_source_only() -> None:
    files = [
        "p/__pycache__/a.cpython-311.opt-1.pyc",
        "p/__pycache__/a.cpython-311.pyc",
        "p/__pycache__/ab.cpython-311.pyc",
        "p/a.py",
        "p/a.pyc",
        "p/ab.py",
        "p/sub/__pycache__/a.cpython-311.pyc",
    ]
    assert orphaned_bytecode(files, ["p/a.py"]) == [
        "p/__pycache__/a.cpython-311.opt-1.pyc",
        "p/__pycache__/a.cpython-311.pyc",
    ]
    assert orphaned_bytecode(files, []) == []


def test_bytecode_that_goes_already_is_no_orphan() -> None:
    pyc = "p/__pycache__/a.cpython-311.pyc"
    assert orphaned_bytecode([pyc], ["p/a.py", pyc]) == []


def test_a_tree_is_read_in_order_and_links_to_directories_are_not_entered(site: Site) -> None:
    site.write("b/z.py")
    site.write("b/a/x.py")
    site.write("a.py")
    (site.root / "b/link.py").symlink_to("z.py")
    (site.root / "b/loop").symlink_to(site.root)
    (site.root / "b/empty").mkdir()
    assert read_tree(site.root).files == ("a.py", "b/a/x.py", "b/link.py", "b/z.py")


def test_directories_above_a_path_are_named_from_the_inside() -> None:
    assert list(directories_above("a/b/c")) == ["a/b", "a"]
    assert list(directories_above("a")) == []

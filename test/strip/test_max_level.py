"""Level max removes what only a run of the app can vouch for, unless it is imported."""

from __future__ import annotations

from pathlib import Path

import pytest

from slugfit.settings.model import StripSettings
from slugfit.strip.candidates import max_level
from slugfit.strip.candidates.required_imports import needed_modules
from slugfit.strip.candidates.selection import select_candidates
from slugfit.strip.site_tree import SourceFile, read_tree
from support.packages import Site

TOOLS = "tools of the build"
PIP = {"pip/__init__.py": "", "pip/main.py": "import pip"}
SETUPTOOLS = {
    "setuptools/__init__.py": "run([sys.executable, '-m', 'pip'])",
    "pkg_resources/__init__.py": "import setuptools",
    "_distutils_hack/__init__.py": "import setuptools",
    "_distutils_hack/override.py": "__import__('_distutils_hack').do_override()",
}


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def gone(site: Site, *app: SourceFile) -> set[str]:
    """The top-level directories of which something goes by the lines of level max."""
    tree = read_tree(site.root)
    going = max_level.candidates(tree)
    retained = (path for path in tree.files if path not in going and path.endswith(".py"))
    counting = [SourceFile(site.root / path, "", path) for path in retained]
    kept = max_level.keep(tree, going, [*counting, *app])
    return {path.partition("/")[0] for path in going if path not in kept}


def test_lines_hold_for_what_is_installed_only(site: Site) -> None:
    site.install("other", {"pip/__init__.py": "", "clang/__init__.py": ""})
    assert max_level.candidates(read_tree(site.root)) == {}
    site.install("libclang", {"clang/native/libclang.so": ""})
    assert max_level.candidates(read_tree(site.root)) == dict.fromkeys(
        ["clang/__init__.py", "clang/native/libclang.so"], TOOLS
    )


def test_lines_hold_for_the_versions_that_they_were_tried_with(site: Site) -> None:
    for version in ("2.15.1", "3.0.0", "unknown"):
        site.write(f"tensorflow_cpu-{version}.dist-info/METADATA")
    stablehlo = site.write("tensorflow/compiler/mlir/stablehlo/stablehlo.py")
    assert "tensorflow" not in gone(site)
    site.write("tensorflow-2.21.0rc1.dist-info/METADATA")
    assert stablehlo.relative_to(site.root).as_posix() in max_level.candidates(read_tree(site.root))


def test_a_line_for_any_version_holds_for_one_that_is_none(site: Site) -> None:
    site.write("libclang-unknown.dist-info/METADATA")
    site.write("clang/__init__.py")
    assert gone(site) == {"clang"}


def test_a_line_gives_way_to_a_distribution_that_needs_the_files(site: Site) -> None:
    site.install("xgboost", {"xgboost/__init__.py": "", "nvidia/nccl/lib/libnccl.so.2": ""})
    assert gone(site) == {"nvidia"}
    site.install("torch", {"torch/__init__.py": ""})
    assert gone(site) == set()


def test_what_installs_packages_goes_when_nothing_imports_it(site: Site) -> None:
    site.install("pip", PIP)
    site.install("setuptools", SETUPTOOLS)
    site.install("p", {"p.py": "try:\n    import pkg_resources\nexcept ImportError: ..."})
    assert gone(site) == {"pip", "setuptools", "pkg_resources", "_distutils_hack"}
    assert "_distutils_hack/__init__.py" not in max_level.candidates(read_tree(site.root))


def test_what_is_imported_stays_with_all_that_it_imports(site: Site) -> None:
    site.install("pip", PIP)
    site.install("setuptools", SETUPTOOLS)
    site.install("wheel", {"wheel/__init__.py": ""})
    site.install("p", {"p.py": "import pkg_resources"})
    tree = read_tree(site.root)
    found = max_level.keep(
        tree, max_level.candidates(tree), [SourceFile(site.root / "p.py", "", "p.py")]
    )
    assert found == {
        **dict.fromkeys(["pip/__init__.py", "pip/main.py"], "imported by setuptools/__init__.py"),
        "_distutils_hack/override.py": "imported by p.py",
        "pkg_resources/__init__.py": "imported by p.py",
        "setuptools/__init__.py": "imported by p.py",
    }


def test_a_dataset_stays_when_the_app_reads_it_and_not_for_its_own_package(site: Site) -> None:
    site.install(
        "scikit-learn",
        {"sklearn/__init__.py": "import sklearn.datasets", "sklearn/datasets/data/iris.csv": ""},
    )
    assert gone(site) == {"sklearn"}
    view = site.app / "views.py"
    view.write_text("from sklearn import datasets\n")
    assert gone(site, SourceFile(view, "", "views.py of the app")) == set()


def test_level_max_adds_to_what_the_rules_say(site: Site) -> None:
    site.install("pip", {**PIP, "pip/tests/a.py": "", "pip/py.typed": ""})
    tree = read_tree(site.root)
    safe = select_candidates(tree, StripSettings())
    assert safe == {"pip/py.typed": "type stubs", "pip/tests/a.py": "tests"}
    assert select_candidates(tree, StripSettings(level="max")) == {
        **dict.fromkeys(PIP, TOOLS),
        **safe,
    }


def test_keep_wins_over_level_max(site: Site) -> None:
    site.install("pip", PIP)
    settings = StripSettings(level="max", keep=("pip",))
    assert select_candidates(read_tree(site.root), settings) == {}


def test_no_distribution_is_looked_at_when_no_line_was_used(tmp_path: Path) -> None:
    assert max_level.keep(read_tree(tmp_path / "nowhere"), {"a": "tests"}, []) == {}


@pytest.mark.parametrize(
    "code",
    [
        "import a.b",
        "import a.b.c as d",
        "from a import b",
        "from a.b import c",
        "from a.b.c import *",
        "def f():\n    import a.b",
        "import a\na.b.f()",
        "importlib.import_module('a.b.c')",
        "__import__('a.b')",
        "subprocess.run([sys.executable, '-m', 'a.b', 'install'])",
        "os.system('python -m a.b install')",
        "try:\n    import a.b\nfinally: ...",
        "try:\n    import a.b\nexcept KeyError: ...",
        "try: ...\nexcept ImportError:\n    import a.b",
        "import a.b\nprint 'of an older Python'",
    ],
)
def test_a_source_needs_what_it_imports_or_runs(tmp_path: Path, code: str) -> None:
    (tmp_path / "source.py").write_text(code)
    assert needed_modules(tmp_path / "source.py", ["a.b", "a.c"]) == {"a.b"}


@pytest.mark.parametrize(
    "code",
    [
        "import a",
        "import a.bc",
        "from . import a",
        "from .a import b",
        "'python -m a.b'",
        "raise ImportError('python -m a.b install it')",
        "# import a.b",
        "x.a.b = 1",
        "try:\n    import a.b\nexcept ImportError: ...",
        "try:\n    from a.b import c\nexcept (AttributeError, ModuleNotFoundError): ...",
        "try:\n    import a.b\nexcept: ...",
        "try:\n    import a.b\nexcept Exception: ...",
    ],
)
def test_a_source_can_do_without_what_it_may_fail_to_import(tmp_path: Path, code: str) -> None:
    (tmp_path / "source.py").write_text(code)
    assert needed_modules(tmp_path / "source.py", ["a.b"]) == frozenset()


def test_a_command_of_the_app_runs_modules(tmp_path: Path) -> None:
    (tmp_path / "Procfile").write_text("release: python -m a.b\n")
    assert needed_modules(tmp_path / "Procfile", ["a.b", "a"]) == {"a.b", "a"}
    assert needed_modules(tmp_path / "missing.py", ["a"]) == frozenset()

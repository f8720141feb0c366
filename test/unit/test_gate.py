"""The gate imports packages in fresh processes, as the app would."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from slugfit.strip.gate import ImportGate, package_to_import
from unit.packages import Site


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def test_packages_that_import_are_not_mentioned(site: Site) -> None:
    site.install("p", {"p/__init__.py": "", "p/q/__init__.py": "import p"})
    assert site.gate.failures(["p", "p.q", "json"]) == {}


def test_no_names_no_failures(site: Site) -> None:
    assert site.gate.failures([]) == {}


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("import no_such", "ModuleNotFoundError: No module named 'no_such'"),
        ("raise ValueError('first\\nlast')", "last"),
        ("(", "SyntaxError: '(' was never closed"),
        ("import sys; sys.exit('leaving')", "leaving"),
        ("import os; os._exit(3)", "no message"),
        ("import os; os.kill(os.getpid(), 11)", "killed by signal 11"),
        ("import os; os.write(2, b'\\xe9t\\xe9\\n'); os._exit(1)", "\ufffdt\ufffd"),
    ],
)
def test_a_package_that_does_not_import_is_told_with_pythons_last_line(
    site: Site, source: str, said: str
) -> None:
    site.install("p", {"p/__init__.py": source})
    assert site.gate.failures(["p"]) == {"p": said}


def test_a_package_that_is_not_there_does_not_import(site: Site) -> None:
    assert site.gate.failures(["gone"]) == {"gone": "ModuleNotFoundError: No module named 'gone'"}


def test_what_a_package_prints_is_no_failure(site: Site) -> None:
    source = "import sys; print('x' * 100_000); print('y' * 100_000, file=sys.stderr)"
    site.install("p", {"p/__init__.py": source})
    assert site.gate.failures(["p"]) == {}


def test_a_package_that_waits_for_input_gets_none(site: Site) -> None:
    site.install("p", {"p/__init__.py": "input()"})
    assert site.gate.failures(["p"]) == {"p": "EOFError: EOF when reading a line"}


def test_each_package_has_a_process_of_its_own(site: Site) -> None:
    source = "import sys; assert not sys.modules.keys() & {other!r}"
    names = ["p", "q", "r", "s", "t"]
    for name in names:
        other = set(names) - {name}
        site.install(name, {f"{name}/__init__.py": source.format(other=other)})
    assert site.gate.failures(names) == {}


def test_an_import_leaves_no_trace_in_the_tree_and_none_in_the_home_directory(
    site: Site, tmp_path: Path
) -> None:
    site.install(
        "p",
        {
            "p/__init__.py": "from . import q\nimport pathlib\n"
            "pathlib.Path.home().joinpath('.cache').mkdir()\n"
            "pathlib.Path('here').mkdir()\n",
            "p/q.py": "",
        },
    )
    home = tmp_path / "home"
    home.mkdir()
    env = {"PYTHONPATH": str(site.root), "HOME": str(home)}
    assert ImportGate(Path(sys.executable), env).failures(["p"]) == {}
    assert site.files == ["p/__init__.py", "p/q.py"]
    assert os.listdir(home) == []


def test_the_environment_is_the_given_one(site: Site) -> None:
    site.install(
        "p",
        {
            "p/__init__.py": "import os\n"
            "assert os.environ['GIVEN'] == 'x'\n"
            "assert 'PYTEST_CURRENT_TEST' not in os.environ, 'leaked'\n"
            "assert os.environ['PYTHONNOUSERSITE'] == '1'\n"
        },
    )
    env = {"PYTHONPATH": str(site.root), "GIVEN": "x"}
    assert ImportGate(Path(sys.executable), env).failures(["p"]) == {}
    assert set(ImportGate(Path(sys.executable), {"GIVEN": "x"}).failures(["p"])) == {"p"}


@pytest.mark.parametrize(
    ("path", "package"),
    [
        ("p/tests/a.py", "p"),
        ("p/q/tests/deep/a.txt", "p"),
        ("p/a.h", "p"),
        ("google/cloud/storage/tests/a.py", "google.cloud.storage"),
        ("google/cloud/include/a.h", None),
        ("google/a.h", None),
        ("a.h", None),
        ("no-package/tests/a.py", None),
        ("p-1.0.dist-info/a", None),
        ("p/no-package/a.h", "p"),
    ],
)
def test_the_package_to_import_is_the_outermost_regular_one(
    site: Site, path: str, package: str | None
) -> None:
    for init in ("p", "p/q", "p/q/tests", "google/cloud/storage", "no-package"):
        site.write(f"{init}/__init__.py")
    assert package_to_import(site.root, path) == package

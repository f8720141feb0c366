"""Candidates that retained code imports or names stay; others may go."""

from __future__ import annotations

import ast
import importlib.util
import string
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slugfit.settings.model import StripSettings
from slugfit.strip.candidates import nominate
from slugfit.strip.reach import module_name, names_in, package_of, reached
from slugfit.strip.rules import load_rules
from slugfit.strip.tree import read_tree
from unit.packages import Site

IDENTIFIERS = st.from_regex(r"[a-z_][a-z0-9_]{0,8}", fullmatch=True).filter(
    lambda name: name != "__init__"
)
DOTTED = st.lists(IDENTIFIERS, min_size=1, max_size=5)
SUFFIXES = st.sampled_from([".py", ".so", ".abi3.so", ".cpython-311-x86_64-linux-gnu.so"])

TESTS = {
    "p/tests/__init__.py": "",
    "p/tests/a.py": "from . import b",
    "p/tests/b.py": "",
    "p/tests/c.py": "",
    "p/tests/data.json": "{}",
}


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def spared(site: Site, *app_sources: Path) -> set[str]:
    tree = read_tree(site.root)
    return reached(tree, nominate(tree, load_rules(), StripSettings()), app_sources)


PACKAGE = {"p/tests/__init__.py"}
A = PACKAGE | {"p/tests/a.py", "p/tests/b.py"}
C = PACKAGE | {"p/tests/c.py"}


@pytest.mark.parametrize(
    ("where", "source", "expected"),
    [
        pytest.param("p/__init__.py", "", set(), id="nothing"),
        pytest.param("p/__init__.py", "import p.tests.a", A, id="absolute"),
        pytest.param("p/__init__.py", "import os, p.tests.c as x", C, id="absolute with a name"),
        pytest.param("p/__init__.py", "from p.tests import c", C, id="from absolute"),
        pytest.param("p/__init__.py", "from p.tests.c import x", C, id="from absolute module"),
        pytest.param("p/__init__.py", "from .tests import c", C, id="relative"),
        pytest.param("p/__init__.py", "from .tests.c import x", C, id="relative module"),
        pytest.param("p/__init__.py", "from . import tests", PACKAGE, id="from here"),
        pytest.param("p/x.py", "from .tests import c", C, id="relative in a module"),
        pytest.param("p/q/x.py", "from ..tests import c", C, id="relative to the parent"),
        pytest.param("p/q/r/x.py", "from ...tests.a import y", A, id="relative to its parent"),
        pytest.param("q/__init__.py", "from p.tests import c", C, id="another package"),
        pytest.param("single.py", "import p.tests.c", C, id="a single module"),
        pytest.param("p/__init__.py", "def f():\n  import p.tests.c", C, id="in a function"),
        pytest.param("p/__init__.py", "if 0:\n  import p.tests.c", C, id="in a condition"),
        pytest.param(
            "p/__init__.py", "try:\n  import p.tests.c\nexcept ImportError: 0", C, id="in a try"
        ),
        pytest.param(
            "p/__init__.py",
            "import importlib\nx = importlib.import_module('p.tests.c')",
            C,
            id="import_module",
        ),
        pytest.param(
            "p/__init__.py",
            "import importlib\nx = importlib.import_module('.tests.c', __package__)",
            C,
            id="import_module, relative",
        ),
        pytest.param("p/__init__.py", "__import__('p.tests.c')", C, id="__import__"),
        pytest.param(
            "p/__init__.py", "_LAZY = {'helper': 'p.tests.c'}", C, id="a table of full names"
        ),
        pytest.param(
            "p/__init__.py", "_LAZY = {'tests.c': ['x']}", C, id="a table of names in the package"
        ),
        pytest.param(
            "p/__init__.py", "lazy.attach(__name__, ['tests'])", PACKAGE, id="a list of modules"
        ),
        pytest.param("p/__init__.py", "__all__ = ['tests']", PACKAGE, id="__all__"),
        pytest.param("p/__init__.py", "# import p.tests.c", set(), id="a comment"),
        pytest.param("p/__init__.py", "import tests.c", set(), id="another package's tests"),
        pytest.param("p/__init__.py", "import p.testsuite", set(), id="a longer name"),
        pytest.param("p/__init__.py", "'See p.tests.c for it.'", set(), id="a sentence"),
        pytest.param("p/__init__.py", "import p.tests.c; (", set(), id="no Python"),
        pytest.param(
            "p/__init__.py", "with open('data.json'): 0", {"p/tests/data.json"}, id="file"
        ),
        pytest.param(
            "p/x.py", "get_data('p', 'tests/data.json')", {"p/tests/data.json"}, id="path of a file"
        ),
        pytest.param("p/x.py", "y = 'xdata.json'", set(), id="a longer file name"),
        pytest.param("q/x.py", "y = 'data.json'", set(), id="a file name in another package"),
    ],
)
def test_what_one_retained_source_reaches(
    site: Site, where: str, source: str, expected: set[str]
) -> None:
    site.install("p", {**TESTS, "p/__init__.py": "", "p/q/__init__.py": "", where: source})
    assert spared(site) == expected


def test_a_star_imports_what_all_names(site: Site) -> None:
    site.install(
        "p",
        {
            "p/__init__.py": "from .tests import *",
            "p/tests/__init__.py": "__all__ = ['a', 'b']",
            "p/tests/a.py": "",
            "p/tests/b.py": "",
            "p/tests/c.py": "",
        },
    )
    assert spared(site) == {"p/tests/__init__.py", "p/tests/a.py", "p/tests/b.py"}


def test_what_a_reached_module_imports_is_reached_too(site: Site) -> None:
    chain = {f"p/tests/m{n}.py": f"from .m{n + 1} import x" for n in range(50)}
    site.install(
        "p",
        {
            "p/__init__.py": "from .tests import m0",
            "p/tests/__init__.py": "",
            **chain,
            "p/tests/m50.py": "from ..docs import theme",
            "p/docs/__init__.py": "",
            "p/docs/theme.py": "",
            "p/docs/index.py": "",
        },
    )
    removable = set(read_tree(site.root).files) - spared(site)
    assert {path for path in removable if "dist-info" not in path} == {
        "p/__init__.py",
        "p/docs/index.py",
    }


def test_a_circle_of_imports_ends(site: Site) -> None:
    site.install(
        "p",
        {
            "p/__init__.py": "import p.tests.a",
            "p/tests/a.py": "import p.tests.b",
            "p/tests/b.py": "import p.tests.a",
        },
    )
    assert spared(site) == {"p/tests/a.py", "p/tests/b.py"}


def test_candidates_that_import_each_other_alone_are_not_reached(site: Site) -> None:
    site.install("p", {**TESTS, "p/__init__.py": "", "p/docs/x.py": "import p.tests.a"})
    assert spared(site) == set()


def test_a_file_that_a_reached_module_names_is_reached(site: Site) -> None:
    site.install(
        "p",
        {
            "p/__init__.py": "from .tests import helper",
            "p/tests/helper.py": "def load():\n    return open(HERE / 'data.json')",
            "p/tests/data.json": "{}",
            "p/tests/other.json": "{}",
        },
    )
    assert spared(site) == {"p/tests/helper.py", "p/tests/data.json"}


def test_extension_modules_are_reached_by_their_names(site: Site) -> None:
    site.install(
        "p",
        {
            "p/__init__.py": "from .tests import _fast, _slow",
            "p/tests/_fast.cpython-311-x86_64-linux-gnu.so": b"\x7fELF",
            "p/tests/_slow.abi3.so": b"\x7fELF",
            "p/tests/_other.so": b"\x7fELF",
        },
    )
    assert spared(site) == {
        "p/tests/_fast.cpython-311-x86_64-linux-gnu.so",
        "p/tests/_slow.abi3.so",
    }


def test_a_neighbour_that_stays_reaches_a_module_without_the_name_of_its_package(
    site: Site,
) -> None:
    files = {"p/tests/__init__.py": "from . import b", "p/tests/b.py": "", "p/tests/c.py": ""}
    site.install("p", files)
    candidates = {"p/tests/b.py": "tests", "p/tests/c.py": "tests"}
    assert reached(read_tree(site.root), candidates, ()) == {"p/tests/b.py"}


def test_namespace_packages_have_no_init_and_are_followed_all_the_same(site: Site) -> None:
    site.install(
        "google-x",
        {
            "google/x/__init__.py": "from google.x.tests import helper",
            "google/x/tests/helper.py": "",
            "google/x/tests/other.py": "",
        },
    )
    assert spared(site) == {"google/x/tests/helper.py"}


def test_the_apps_own_sources_reach_too(site: Site) -> None:
    site.install("p", {**TESTS, "p/__init__.py": ""})
    source = site.app / "app.py"
    source.write_text("import p.tests.c")
    assert spared(site, source) == C


def test_names_that_are_no_utf_8_do_no_harm(site: Site) -> None:
    site.install("p", {"p/__init__.py": "x = 1", "p/tests/__init__.py": ""})
    for name in (b"p/tests/t\xff.py", b"p/tests/d\xff.json", b"p/tests/LICENSE"):
        site.write(name.decode(errors="surrogateescape"))
    assert spared(site) == set()


def test_sources_that_can_not_be_read_reach_nothing(site: Site, tmp_path: Path) -> None:
    site.install("p", {**TESTS, "p/__init__.py": ""})
    (site.root / "p/broken.py").symlink_to("nowhere.py")
    (tmp_path / "broken.py").symlink_to("nowhere.py")
    (tmp_path / "directory.py").mkdir()
    assert spared(site, tmp_path / "broken.py", tmp_path / "directory.py") == set()


def test_sources_in_other_encodings_are_read(site: Site) -> None:
    latin = "# coding: latin-1\nx = 'é'\nimport p.tests.c\n".encode("latin-1")
    bom = b"\xef\xbb\xbfimport p.tests.a\n"
    site.install("p", {**TESTS, "p/__init__.py": latin, "p/x.py": bom})
    assert spared(site) == A | C


@given(DOTTED, SUFFIXES)
def test_a_module_is_named_after_its_path(parts: list[str], suffix: str) -> None:
    assert module_name("/".join(parts) + suffix) == ".".join(parts)
    assert module_name("/".join(parts) + "/__init__" + suffix) == ".".join(parts)


@given(DOTTED, st.sampled_from(["", ".pyc", ".pyi", ".json", ".so.1", ".a", ".py.txt"]))
def test_other_files_are_no_modules(parts: list[str], suffix: str) -> None:
    assert module_name("/".join(parts) + suffix) is None


@given(DOTTED, IDENTIFIERS)
def test_relative_imports_start_from_the_directory(parts: list[str], name: str) -> None:
    directory = "/".join(parts)
    assert package_of(f"{directory}/{name}.py") == ".".join(parts)
    assert package_of(f"{directory}/__init__.py") == module_name(f"{directory}/__init__.py")
    assert package_of(f"{name}.py") == ""


@given(DOTTED, DOTTED, st.integers(1, 5))
def test_a_relative_import_means_what_python_says(
    package: list[str], name: list[str], level: int
) -> None:
    source = f"from {'.' * level}{'.'.join(name)} import x"
    try:
        ast.parse(source)
        meant = importlib.util.resolve_name("." * level + ".".join(name), ".".join(package))
    except (ImportError, SyntaxError):  # above the top level, or a keyword
        return
    assert names_in(source.encode(), ".".join(package)) == {meant, f"{meant}.x"}


_COOKIES = st.sampled_from(["utf-8", "latin-1", "utf-16", "hex", "undefined", "punycode", "no"])
_SNIPPETS = st.lists(
    st.sampled_from(
        ["import a", "from . import b", "'c'", "(" * 50, "\0", "\\", "'''", "\n", " ", "0" * 5000]
    )
).map("".join)


@given(
    st.one_of(
        st.binary(max_size=200),
        st.text(string.printable, max_size=200).map(str.encode),
        _SNIPPETS.map(str.encode),
        st.builds(
            lambda cookie, rest: f"# coding: {cookie}\n".encode() + rest, _COOKIES, st.binary()
        ),
    ),
    st.sampled_from(["", "p", "p.q"]),
)
def test_any_bytes_have_names_or_none_and_never_an_error(source: bytes, package: str) -> None:
    assert all(isinstance(name, str) for name in names_in(source, package))


@pytest.mark.parametrize(
    "source",
    [b"(" * 100_000, b"x = " + b"-" * 100_000 + b"1", b"a" + b".b" * 100_000, b"1+" * 9000 + b"1"],
)
def test_sources_that_are_too_deep_for_the_parser_have_no_names(source: bytes) -> None:
    assert names_in(source, "p") == set()


def test_other_peoples_warnings_stay_unheard() -> None:
    # Every warning is an error here.
    assert names_in(b"x = '\\d'\nassert (1, 'always')\nimport a", "") >= {"a"}

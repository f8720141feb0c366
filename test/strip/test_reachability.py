"""Candidates that sources which stay can reach stay; others may go."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slugfit.strip.reachability import keep, pool, site_sources
from slugfit.strip.reachability.targets import module_name, package_of
from slugfit.strip.site_tree import SourceFile, read_tree
from support.packages import Site

DOCTEST = "#doctest: +SKIP"
IDENTIFIERS = st.from_regex(r"[a-z_][a-z0-9_]{0,8}", fullmatch=True).filter(
    lambda name: name != "__init__"
)
DOTTED = st.lists(IDENTIFIERS, min_size=1, max_size=5)
SUFFIXES = st.sampled_from([".py", ".so", ".abi3.so", ".cpython-311-x86_64-linux-gnu.so", ".pyc"])

_DIRECTORIES = {"tests": "tests", "docs": "documentation", "examples": "examples"}
_SUFFIXES = {
    ".pyi": "type stubs",
    ".h": "C headers",
    ".c": "native sources",
    ".pxd": "native sources",
    ".md": "documentation",
}

TESTS = {
    "p/tests/__init__.py": "",
    "p/tests/a.py": "from . import b",
    "p/tests/b.py": "",
    "p/tests/c.py": "",
    "p/tests/data.json": "{}",
}
PACKAGE = {"p/tests/__init__.py"}
A = PACKAGE | {"p/tests/a.py", "p/tests/b.py"}
C = PACKAGE | {"p/tests/c.py"}
MODULES = {path for path in TESTS if path.endswith(".py")}
DATA = {"p/tests/data.json"}


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def candidates(site: Site) -> dict[str, str]:
    """A plain nomination, whatever the rules are: by directory, by suffix, by name."""
    found = {}
    for path in read_tree(site.root).files:
        *directories, name = path.split("/")
        by_directory = next((_DIRECTORIES[d] for d in directories if d in _DIRECTORIES), None)
        by_suffix = _SUFFIXES.get(Path(name).suffix)
        by_name = "tests" if name.startswith("test_") else None
        if ".dist-info" not in path and (category := by_directory or by_suffix or by_name):
            found[path] = category
    return found


def reasons(site: Site) -> Mapping[str, str]:
    tree, going = read_tree(site.root), candidates(site)
    return keep(tree, going, site_sources(tree, going))


def kept(site: Site) -> set[str]:
    return set(reasons(site))


def spared_by_app(site: Site, name: str, content: str | bytes) -> set[str]:
    """What a file of the app reaches."""
    file = site.app / name
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    tree = read_tree(site.root)
    return set(keep(tree, candidates(site), [SourceFile(file, "", f"{name} of the app")]))


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
        pytest.param("p/__init__.py", "from . import (\n  x, # y\n  tests\n)", PACKAGE, id="lines"),
        pytest.param("p/x.py", "from .tests import c", C, id="relative in a module"),
        pytest.param("p/q/x.py", "from ..tests import c", C, id="relative to the parent"),
        pytest.param("p/q/r/x.py", "from ...tests.a import y", A, id="relative to its parent"),
        pytest.param("q/__init__.py", "from p.tests import c", C, id="another package"),
        pytest.param("single.py", "import p.tests.c", C, id="a single module"),
        pytest.param("p/__init__.py", "def f():\n  import p.tests.c", C, id="in a function"),
        pytest.param("p/x.py", "try:\n  import p.tests.c\nexcept E: 0", C, id="in a try"),
        pytest.param("p/x.py", "if TYPE_CHECKING:\n  import p.tests.c", C, id="for type checkers"),
        pytest.param("p/x.py", "import_module('p.tests.c')", C, id="import_module"),
        pytest.param("p/x.py", "import_module('.tests.c', __package__)", C, id="a relative one"),
        pytest.param("p/q/x.py", "import_module('.c', 'p.tests')", C, id="relative to another"),
        pytest.param("p/x.py", "pytest.importorskip('p.tests.c')", C, id="importorskip"),
        pytest.param("p/x.py", "__import__('p.tests', fromlist=['c'])", C, id="__import__"),
        pytest.param("p/__init__.py", "_LAZY = {'x': 'p.tests.c'}", C, id="a table of full names"),
        pytest.param("p/__init__.py", "_LAZY = {'tests.c': ['x']}", C, id="a table of names in it"),
        pytest.param("p/q/x.py", "LAZY = {'tests.c': ['x']}", C, id="names in the parent"),
        pytest.param("p/__init__.py", "attach(__name__, ['tests'])", PACKAGE, id="lazy_loader"),
        pytest.param("p/__init__.py", "__all__ = ['tests']", PACKAGE, id="__all__"),
        pytest.param("p/__init__.py", "__all__ = 'a tests'.split()", PACKAGE, id="a split text"),
        pytest.param("p/x.py", "run('python -m p.tests.c --all')", C, id="python -m"),
        pytest.param("p/x.py", "'p.tests.c:Plugin'", set(), id="a docstring"),
        pytest.param("p/x.py", "load('p.tests.c:Plugin')", C, id="an object of a module"),
        pytest.param("p/x.py", "load('p.tests.c.Plugin')", C, id="with dots"),
        pytest.param("p/x.py", "sys.modules['p.tests.c']", C, id="sys.modules"),
        pytest.param("p/__init__.py", "import_module(__name__ + '.tests')", PACKAGE, id="added"),
        pytest.param("p/__init__.py", "f'{__name__}.tests.c'", C, id="formatted"),
        pytest.param("p/x.py", "f'p.tests.{name}'", MODULES, id="computed"),
        pytest.param("p/x.py", "import_module(f'p.{name}.c')", C, id="computed in the middle"),
        pytest.param("p/x.py", "f'p.tests.{name}.z'", PACKAGE, id="another end"),
        pytest.param("p/__init__.py", "import_module(f'.{n}', __name__)", PACKAGE, id="own"),
        pytest.param(
            "p/__init__.py",
            "for m in pkgutil.iter_modules(__path__): import_module(m)",
            PACKAGE,
            id="listed modules",
        ),
        pytest.param(
            "q/x.py",
            "from p import tests\nfor m in iter_modules(tests.__path__): import_module(m)",
            MODULES,
            id="listed modules of another package",
        ),
        pytest.param("p/x.py", "for m in iter_modules(__path__): print(m)", set(), id="listed"),
        pytest.param("p/__init__.py", "# import p.tests.c", set(), id="a comment"),
        pytest.param("p/__init__.py", "import p.testsuite", set(), id="a longer name"),
        pytest.param("p/__init__.py", "x = 'All tests passed.'", set(), id="a sentence"),
        pytest.param("p/__init__.py", "'See p.tests.c for it.'", set(), id="for people"),
        pytest.param("p/x.py", "print 'old'; import p.tests.c", C, id="no Python of today"),
        pytest.param("p/__init__.py", "with open('data.json'): 0", DATA, id="file"),
        pytest.param("p/x.py", "get_data('p', 'tests/data.json')", DATA, id="path of a file"),
        pytest.param("p/x.py", "y = '\\ud800 data.json'", DATA, id="beside an odd text"),
        pytest.param("p/x.py", "y = 'xdata.json'", set(), id="a longer file name"),
        pytest.param("p/x.py", "'''See data.json.'''", set(), id="a file for people"),
        pytest.param("q/x.py", "y = 'data.json'", set(), id="a file name in another package"),
        pytest.param("q/x.py", "get('p', 'tests/data.json')", DATA, id="another package's path"),
        pytest.param("p/x.py", "run_path(HERE / 'c.py')", {"p/tests/c.py"}, id="a source to run"),
        pytest.param("p/x.py", "join(HERE, '__init__.py')", set(), id="every package's source"),
    ],
)
def test_what_one_retained_source_reaches(
    site: Site, where: str, source: str, expected: set[str]
) -> None:
    site.install("p", {**TESTS, "p/__init__.py": "", "p/q/__init__.py": ""})
    site.install("q", {where: source})
    assert kept(site) == expected


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
    assert kept(site) == {"p/tests/__init__.py", "p/tests/a.py", "p/tests/b.py"}


def test_what_a_reached_module_imports_is_reached_too(site: Site) -> None:
    chain = {f"p/tests/m{n}.py": f"from .m{n + 1} import x" for n in range(50)}
    docs = {"p/docs/__init__.py": "", "p/docs/theme.py": ""}
    last = {"p/tests/m50.py": "from ..docs import theme"}
    site.install(
        "p",
        {
            "p/__init__.py": "from .tests import m0",
            "p/tests/__init__.py": "",
            **chain,
            **last,
            **docs,
            "p/docs/index.py": "",
        },
    )
    assert kept(site) == {"p/tests/__init__.py", *chain, *last, *docs}


def test_a_circle_of_imports_ends(site: Site) -> None:
    site.install(
        "p",
        {
            "p/__init__.py": "import p.tests.a",
            "p/tests/a.py": "import p.tests.b",
            "p/tests/b.py": "import p.tests.a",
        },
    )
    assert kept(site) == {"p/tests/a.py", "p/tests/b.py"}


def test_candidates_that_import_each_other_alone_are_not_reached(site: Site) -> None:
    site.install("p", {**TESTS, "p/__init__.py": "", "p/docs/x.py": "import p.tests.a"})
    assert kept(site) == set()


def test_the_reason_is_the_next_link_of_the_chain(site: Site) -> None:
    site.install("p", {**TESTS, "p/__init__.py": "import p.tests.a\nopen('data.json')"})
    site.compile("p/tests/b.py")
    cached = f"p/tests/__pycache__/b.{sys.implementation.cache_tag}.pyc"
    assert reasons(site) == {
        "p/tests/__init__.py": "imported by p/__init__.py",
        "p/tests/a.py": "imported by p/__init__.py",
        "p/tests/b.py": "imported by p/tests/a.py",
        cached: "imported by p/tests/a.py",
        "p/tests/data.json": "named in p/__init__.py",
    }


def test_a_reached_module_keeps_the_data_beside_it_that_it_opens(site: Site) -> None:
    site.install(
        "p",
        {
            "p/__init__.py": "from .tests import helper",
            "p/tests/helper.py": "def load(n): return (Path(__file__).parent / n).read_text()",
            "p/tests/sub/data.json": "{}",
            "p/tests/other.py": "",
        },
    )
    assert kept(site) == {"p/tests/helper.py", "p/tests/sub/data.json"}


def test_a_test_that_is_kept_does_not_keep_the_tests_it_looks_for(site: Site) -> None:
    discovery = "import unittest\nfor n in os.listdir(dirname(__file__)): import_module(n)"
    site.install("p", {"p/__init__.py": "import p.tests.run", "p/tests/run.py": discovery, **TESTS})
    assert kept(site) == PACKAGE | {"p/tests/run.py"}


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("open(join(dirname(__file__), 'docs', name))", {"docs/a.txt", "docs/b/c.txt", "docs/d.c"}),
        ("open(join(dirname(__file__), 'docs', 'b', name))", {"docs/b/c.txt"}),
        ("open(join(dirname(__file__), 'docs', 'a.txt'))", {"docs/a.txt"}),
        ("open(Path(__file__).parent / 'docs' / name)", {"docs/a.txt", "docs/b/c.txt", "docs/d.c"}),
        ("files('p.docs') / name", {"docs/a.txt", "docs/b/c.txt", "docs/d.c"}),
        ("files('p') / 'docs' / 'b' / name", {"docs/b/c.txt"}),
        ("open(join(dirname(__file__), 'include', name))", set()),
        ("open('docs')", set()),
    ],
)
def test_a_directory_that_a_source_names_and_could_open_keeps_its_files(
    site: Site, source: str, expected: set[str]
) -> None:
    files = {"p/docs/a.txt": "", "p/docs/b/c.txt": "", "p/docs/d.c": "", "p/include/e.h": ""}
    source = f"from importlib.resources import files\n{source}" if "files(" in source else source
    site.install("p", {"p/__init__.py": source, **files})
    assert kept(site) == {f"p/{path}" for path in expected}


def test_a_program_that_runs_what_is_in_a_directory_keeps_its_modules(site: Site) -> None:
    source = "for f in listdir(join(dirname(__file__), 'examples')): run_path(f)"
    site.install("p", {"p/__init__.py": source, "p/examples/a.py": "", "p/tests/b.py": ""})
    assert kept(site) == {"p/examples/a.py"}


def test_a_pattern_keeps_the_files_that_it_matches(site: Site) -> None:
    source = "for f in glob(join(dirname(__file__), '*.md')): print(f)"
    site.install("p", {"p/x.py": source, "p/a.md": "", "p/b.h": "", "q/c.md": ""})
    assert kept(site) == {"p/a.md"}


def test_modules_of_a_package_stay_when_a_text_hands_its_name_to_who_lists_it(site: Site) -> None:
    loader = "for f in listdir(import_module(name).__path__[0]): load_source(f)"
    site.install("p", {**TESTS, "p/__init__.py": "KINDS = ['p.tests']", "p/loader.py": loader})
    assert kept(site) == MODULES


def test_the_name_of_another_packages_tests_hands_nothing_on(site: Site) -> None:
    site.install("p", {**TESTS, "p/__init__.py": ""})
    site.install("q", {"q/__init__.py": "KINDS = ['p.tests']"})
    assert kept(site) == PACKAGE


def test_where_most_files_of_a_directory_are_named_the_names_of_others_are_computed(
    site: Site,
) -> None:
    parts = {f"p/parts/{name}.c": "" for name in ("one", "two", "three", "four")}
    named = "PARTS = ['one.c', 'two.c', 'three.c']; read(f'{kind}.c')"
    site.install("p", {**parts, "p/__init__.py": named, "p/parts/a.h": "", "p/other/five.c": ""})
    assert kept(site) == parts.keys()


def test_where_few_are_they_are_not(site: Site) -> None:
    parts = {f"p/parts/{name}.c": "" for name in ("one", "two", "three", "four", "five", "six")}
    site.install("p", {**parts, "p/__init__.py": "PARTS = ['one.c', 'two.c', 'three.c']"})
    assert kept(site) == {"p/parts/one.c", "p/parts/two.c", "p/parts/three.c"}


def test_declarations_for_cython_stay_for_who_reads_any(site: Site) -> None:
    site.install("p", {"p/__init__.py": "", "p/a.pxd": ""})
    site.install("c", {"c/__init__.py": "look_for(name + '.pxd')", "c/libc/math.pxd": ""})
    assert kept(site) == {"c/libc/math.pxd"}


def test_stubs_stay_where_something_reads_them(site: Site) -> None:
    stubs = {"p/__init__.pyi": "", "p/x.pyi": ""}
    site.install("p", {"p/__init__.py": "attach_stub(__name__, __file__)", "p/x.py": "", **stubs})
    site.install("q", {"q/__init__.py": "f.suffix == '.pyi'", "q/y.pyi": "", "q/z/z.pyi": ""})
    site.install("r", {"r/__init__.py": "", "r/__init__.pyi": ""})
    site.install("s", {"s/setup.py": "config.add_data_files('*.pyi')", "s/a.pyi": ""})
    assert kept(site) == {"p/__init__.pyi", "q/y.pyi", "q/z/z.pyi"}


def test_a_distribution_names_files_across_its_packages(site: Site) -> None:
    site.install("p", {"p/__init__.py": "", "p/docs/theme.css": "", "p_cli.py": "'a'+'theme.css'"})
    site.install("q", {"q/__init__.py": "x = 'theme.css'", "q/docs/theme.css.txt": ""})
    site.install("r", {"r_cli.py": "x = 'theme.css'", "r/docs/theme.css": ""})
    assert kept(site) == {"r/docs/theme.css"}


def test_headers_are_named_by_their_own_package_alone(site: Site) -> None:
    files = {"p/include/a.h": "", "p/include/b.h": "", "pgen/__init__.py": "x = 'p/include/b.h'"}
    site.install("p", {"p/__init__.py": "x = '#include <a.h>'", **files})
    assert kept(site) == {"p/include/a.h"}


def test_extension_modules_are_reached_by_their_names(site: Site) -> None:
    site.install(
        "p",
        {
            "p/__init__.py": "from .tests import _fast, _slow, old",
            "p/tests/_fast.cpython-311-x86_64-linux-gnu.so": b"\x7fELF",
            "p/tests/_slow.abi3.so": b"\x7fELF",
            "p/tests/old.pyc": b"",
            "p/tests/_other.so": b"\x7fELF",
        },
    )
    assert kept(site) == {
        "p/tests/_fast.cpython-311-x86_64-linux-gnu.so",
        "p/tests/_slow.abi3.so",
        "p/tests/old.pyc",
    }


def test_a_neighbour_that_stays_reaches_a_module_without_the_name_of_its_package(
    site: Site,
) -> None:
    files = {"p/tests/__init__.py": "from . import b", "p/tests/b.py": "", "p/tests/c.py": ""}
    site.install("p", files)
    going = {"p/tests/b.py": "tests", "p/tests/c.py": "tests"}
    tree = read_tree(site.root)
    assert set(keep(tree, going, site_sources(tree, going))) == {"p/tests/b.py"}


def test_namespace_packages_have_no_init_and_are_followed_all_the_same(site: Site) -> None:
    site.install(
        "google-x",
        {
            "google/x/__init__.py": "from google.x.tests import helper",
            "google/x/tests/helper.py": "",
            "google/x/tests/other.py": "",
        },
    )
    assert kept(site) == {"google/x/tests/helper.py"}


def test_a_package_without_init_stays_importable_as_long_as_something_is_in_it(site: Site) -> None:
    site.install("p", {"p/__init__.py": "import p.tests", "p/tests/a.py": "", "p/tests/b/c.py": ""})
    assert kept(site) == {"p/tests/a.py"}


def test_vendored_packages_are_imported_as_if_they_were_at_the_top(site: Site) -> None:
    files = {"p/_vendor/v/tests/x.py": "", "q/v/tests/x.py": "", "p/tests/json.py": ""}
    site.install("p", {"p/__init__.py": "import v.tests.x, json", **files})
    assert kept(site) == {"p/_vendor/v/tests/x.py"}


def test_entry_points_are_reached(site: Site) -> None:
    info = site.install("p", {**TESTS, "p/__init__.py": ""})
    site.write(f"{info}/entry_points.txt", "[console_scripts]\nrun = p.tests.c:main\n")
    assert reasons(site) == dict.fromkeys(C, "listed in entry_points.txt of p")


def test_path_files_have_directories_and_code(site: Site) -> None:
    site.install("p", {**TESTS, "p/__init__.py": "", "p/docs/vendored/v.py": "", "p/docs/w.py": ""})
    site.write("p.pth", "import p.tests.c; p.tests.c.start()\np/docs/vendored\n")
    assert kept(site) == C | {"p/docs/vendored/v.py"}


def test_small_texts_of_a_package_name_modules_and_files(site: Site) -> None:
    site.install(
        "p",
        {
            **TESTS,
            "p/__init__.py": "",
            "p/plugins.json": '{"plugins": ["p.tests.c"], "schema": "data.json"}',
        },
    )
    assert kept(site) == C | DATA


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("app.py", "import p.tests.c"),
        ("Procfile", "web: gunicorn p.tests.c:app"),
        ("run.sh", "exec python -m p.tests.c"),
        ("config.toml", 'plugins = ["p.tests.c"]'),
        ("latin.py", "# coding: latin-1\nx = 'é'\nimport p.tests.c\n".encode("latin-1")),
        ("bom.py", b"\xef\xbb\xbfimport p.tests.c\n"),
    ],
)
def test_the_apps_own_files_reach_too(site: Site, name: str, content: str | bytes) -> None:
    site.install("p", {**TESTS, "p/__init__.py": ""})
    assert spared_by_app(site, name, content) == C


def test_the_app_names_a_packages_file_with_its_directories(site: Site) -> None:
    site.install("p", {**TESTS, "p/__init__.py": ""})
    assert spared_by_app(site, "a.py", "import p\nopen(dirname(p.__file__) + 'data.json')") == set()
    assert spared_by_app(site, "b.py", "open(join(p.__path__[0], 'tests', 'data.json'))") == DATA


def test_names_that_are_no_utf_8_do_no_harm(site: Site) -> None:
    site.install("p", {"p/__init__.py": "x = 1", "p/tests/__init__.py": ""})
    for name in (b"p/tests/t\xff.py", b"p/tests/d\xff.json", b"p/tests/d\xff e.md", b"p/tests/+"):
        site.write(name.decode(errors="surrogateescape"))
    assert kept(site) == set()


def test_sources_that_can_not_be_read_reach_nothing(site: Site, tmp_path: Path) -> None:
    site.install("p", {**TESTS, "p/__init__.py": ""})
    (site.root / "p/broken.py").symlink_to("nowhere.py")
    (site.root / "p/broken.json").symlink_to("nowhere.json")
    site.write("p/_x.abi3.so", b"\x7fELF and no more")
    (tmp_path / "directory.py").mkdir()
    assert kept(site) == set()
    source = SourceFile(tmp_path / "directory.py", "", "a directory")
    assert keep(read_tree(site.root), candidates(site), [source]) == {}


def test_several_processes_find_what_one_does(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    many = {f"p/m{n}.py": f"import p.tests.x{n}" for n in range(30)}
    found = {f"p/tests/x{n}.py": "" for n in range(30)}
    site.install("p", {**many, **found, "p/docs/x.py": ""})
    alone = reasons(site)
    monkeypatch.setattr(pool, "_WORTH_PROCESSES", 10)
    assert list(reasons(site).items()) == list(alone.items())
    assert alone == {f"p/tests/x{n}.py": f"imported by p/m{n}.py" for n in range(30)}


@given(DOTTED, SUFFIXES)
def test_a_module_is_named_after_its_path(parts: list[str], suffix: str) -> None:
    assert module_name("/".join(parts) + suffix) == ".".join(parts)
    assert module_name("/".join(parts) + "/__init__" + suffix) == ".".join(parts)


@pytest.mark.parametrize(("said", "siblings"), [(DOCTEST, True), ("import pytest", False)])
def test_what_a_kept_test_finds_by_listing_may_go_but_not_what_documentation_does(
    site: Site, said: str, siblings: bool
) -> None:
    lists = f"{said}\nfor f in os.listdir(here): __import__(__name__ + '.' + f)"
    files = {
        "p/__init__.py": "import p.docs",
        "p/docs/__init__.py": f"import os\nhere = __path__[0]\n{lists}",
        "p/docs/topic.py": "",
    }
    site.install("p", files)
    assert ("p/docs/topic.py" in kept(site)) is siblings


@given(DOTTED, st.sampled_from(["", ".pyi", ".json", ".so.1", ".a", ".py.txt"]))
def test_other_files_are_no_modules(parts: list[str], suffix: str) -> None:
    assert module_name("/".join(parts) + suffix) is None


def test_bytecode_beside_its_source_is_no_module_of_its_own() -> None:
    assert module_name("a/__pycache__/b.cpython-311.pyc") is None


@given(DOTTED, IDENTIFIERS)
def test_relative_imports_start_from_the_directory(parts: list[str], name: str) -> None:
    directory = "/".join(parts)
    assert package_of(f"{directory}/{name}.py") == ".".join(parts)
    assert package_of(f"{directory}/__init__.py") == module_name(f"{directory}/__init__.py")
    assert package_of(f"{name}.py") == ""

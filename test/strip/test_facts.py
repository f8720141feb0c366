"""What one source says, apart from what is installed."""

from __future__ import annotations

import ast
import importlib.util
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slugfit.strip.reachability.facts import Facts, absolute, read_python
from slugfit.strip.reachability.texts import read_entry_points, read_path_file, read_text

IDENTIFIERS = st.from_regex(r"[a-z_][a-z0-9_]{0,8}", fullmatch=True)
DOTTED = st.lists(IDENTIFIERS, min_size=1, max_size=5)


def facts(source: str) -> Facts:
    """The facts of p/q/m.py."""
    return read_python(source.encode(), "p.q.m", "p.q")


@pytest.mark.parametrize(
    ("source", "imports"),
    [
        ("import a, b.c as d", {"a", "b.c"}),
        ("from a.b import c, d as e", {"a.b", "a.b.c", "a.b.d"}),
        ("from a import *", {"a", "a.*"}),
        ("from . import c", {"p.q", "p.q.c"}),
        ("from ..r import c", {"p.r", "p.r.c"}),
        ("def f():\n  try:\n    import a\n  except ImportError: 0", {"a"}),
        ("if TYPE_CHECKING:\n  import a", {"a"}),
        ("__import__('a.b', fromlist=['c'])", {"a.b", "a.b.c"}),
        ("__import__('c', globals(), locals(), [], 1)", {"p.q.c"}),
    ],
)
def test_imports_are_absolute(source: str, imports: set[str]) -> None:
    assert facts(source).imports == imports


@pytest.mark.parametrize(
    ("source", "texts"),
    [
        ("x = 'a.b'", {"a.b"}),
        ("x = '.a'", {".a"}),
        ("x = 'a.b:C'", {"a.b", "C"}),
        ("x = 'a.' 'b'", {"a.b"}),
        ("x = 'a.' + 'b'", {"a.b"}),
        ("x = f'{__name__}.tests'", {"p.q.m.tests"}),
        ("x = __name__ + '.tests'", {"p.q.m.tests"}),
        ("x = '%s.tests' % __package__", {"p.q.tests"}),
        ("x = '{}.tests'.format(__name__)", {"p.q.m.tests"}),
        ("BASE = 'a.b'\nx = f'{BASE}.c'", {"a.b", "a.b.c"}),
        ("import a.b as c\nx = c.__name__ + '.d'", {"a.b.d"}),
        ("x = '.'.join(['a', 'b'])", {"a.b"}),
        ("x = 'a b c'.split()", {"a", "b", "c"}),
        ("x = 'python -m a.b --all'", {"a.b"}),
        ("x = b'import a'", {"import", "a"}),
        ("x = 'line\\nimport a; run(1)'", {"a"}),
        ("import_module('.c', 'a.b')", {".c", "a.b", "a.b.c"}),
        ("import_module('.c', package=__name__)", {".c", "p.q.m.c"}),
        ("def f():\n  '''See a.b for it.'''", set()),
        ("# a.b", set()),
        ("x = 1 + y % 2", set()),
    ],
)
def test_texts_name_modules(source: str, texts: set[str]) -> None:
    assert facts(source).texts == texts


@pytest.mark.parametrize(
    ("source", "computed"),
    [
        ("f'a.b.{x}'", {("a.b.", "")}),
        ("'a.b.' + x", {("a.b.", "")}),
        ("'a.b.' + x + '.c'", {("a.b.", ".c")}),
        ("'a.%s.c' % x", {("a.", ".c")}),
        ("'a.{}'.format(x)", {("a.", "")}),
        ("'.'.join(('a', x))", {("a.", "")}),
        ("f'{__name__}.{x}'", {("p.q.m.", "")}),
        ("f'.{x}'", {(".", "")}),
        ("import_module('.' + x, 'a.b')", {(".", ""), ("a.b.", "")}),
        ("import_module(x, package='a.b')", {("a.b.", "")}),
        ("__import__(x, globals(), locals(), [], 1)", {("p.q.", "")}),
        ("f'Cannot read {x}.'", set()),
        ("x = 'tests'\ndef f(x):\n  f'a.{x}'", {("a.", "")}),
        ("f'{x}.tests'", set()),
        ("f'{x} of {y}'", set()),
    ],
)
def test_computed_names_have_ends(source: str, computed: set[tuple[str, str]]) -> None:
    assert facts(source).computed == computed


@pytest.mark.parametrize(
    ("source", "path"),
    [
        ("open('docs/x.txt')", "docs/x.txt"),
        ("os.path.join(here, 'docs', 'x.txt')", "/docs/x.txt"),
        ("Path(__file__).parent / 'docs' / 'x.txt'", "/docs/x.txt"),
        ("Path(__file__).parent.joinpath('docs', 'x.txt')", "/docs/x.txt"),
        ("here / 'docs' / f'{name}.txt'", "/docs/"),
        ("f'{here}/docs/{name}.txt'", "/docs/"),
    ],
)
def test_paths_are_as_long_as_the_source_has_them(source: str, path: str) -> None:
    assert path in facts(source).paths
    assert "docs" not in facts(source).paths


@pytest.mark.parametrize(
    ("source", "places"),
    [
        ("open(__file__)", {"p.q.m"}),
        ("walk(__path__)", {"p.q.m"}),
        ("import a.b\na.b.__path__", {"a.b"}),
        ("from a import b as c\nc.__file__", {"a.b"}),
        ("open('__file__')", set()),
    ],
)
def test_a_source_asks_where_modules_are(source: str, places: set[str]) -> None:
    assert facts(source).places == places


def test_text_for_people_is_no_string() -> None:
    found = facts("'''A file x.txt.'''\n# y.txt\nz = 'z.txt'\ndef f():\n  'w.txt'")
    assert found.strings == "z.txt"


@pytest.mark.parametrize("source", ["print 'a.b'", "import a.b; (", "match x:\n  ca a.b"])
def test_where_this_python_reads_no_syntax_every_word_is_a_name(source: str) -> None:
    assert "a.b" in facts(source).texts


@pytest.mark.parametrize(
    "source",
    [b"(" * 100_000, b"x = " + b"-" * 100_000 + b"1", b"a" + b".b" * 100_000, b"1+" * 9000 + b"1"],
)
def test_sources_too_deep_for_the_parser_are_words(source: bytes) -> None:
    assert not read_python(source, "p", "p").imports


def test_texts_that_are_no_python_name_modules_in_full() -> None:
    procfile = b"web: gunicorn shop.app:app\nworker: python -m jobs\nclock: sleep 5"
    assert read_text(procfile).texts == {"shop.app", "jobs"}


def test_entry_points_are_modules_of_objects() -> None:
    listed = b"[console_scripts]\nrun = p.tests.cli:main [fast]\none = tool\n# see a.b\n"
    assert read_entry_points(listed).texts == {"p.tests.cli", "tool"}


def test_a_path_file_has_directories_and_code() -> None:
    found = read_path_file(b"import os; exec('x')\ndocs/vendored\n\nimport a.b\n")
    assert found.paths == {"docs/vendored"}
    assert found.texts >= {"os", "a.b"}


def test_other_peoples_warnings_stay_unheard() -> None:
    # Every warning is an error here.
    assert "a" in facts("x = '\\d'\nassert (1, 'always')\nimport a").imports


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
    found = read_python(source.encode(), "", ".".join(package))
    assert found.imports == {meant, f"{meant}.x"}
    assert absolute(".".join(name), level, ".".join(package)) == meant


_COOKIES = st.sampled_from(["utf-8", "latin-1", "utf-16", "hex", "undefined", "punycode", "no"])
_SNIPPETS = st.lists(
    st.sampled_from(
        [
            *(
                "import a",
                "from . import b",
                "'c'",
                "(" * 50,
                "\0",
                "\\",
                "'''",
                "\n",
                " ",
                "0" * 5000,
            ),
            *("f'{x}.", "%s' % (", "'.join(", "__import__(", "'\\ud800'", " + ", " / ", ")", "]"),
        ]
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
def test_any_bytes_have_facts_or_none_and_never_an_error(source: bytes, package: str) -> None:
    assert isinstance(read_python(source, package, package), Facts)

"""RECORD is read and written without loss, and every file has an owner."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from slugfit.packages.distributions import (
    Distribution,
    Owners,
    installed,
    read_record,
    source_of,
    write_record,
)

# File names on Linux are any bytes but NUL: what is not UTF-8 becomes a surrogate.
BYTES = st.binary(min_size=1, max_size=20).filter(lambda name: b"\0" not in name)
NAMES = BYTES.map(lambda name: name.decode(errors="surrogateescape"))
AWKWARD = st.text("\",\n\r\t '\\ab/", min_size=1, max_size=8)
ROWS = st.tuples(NAMES | AWKWARD, st.sampled_from(["", "sha256=abc"]), st.sampled_from(["", "12"]))


def distribution(name: str, *files: str) -> Distribution:
    """An installed distribution with these files."""
    return Distribution(name, "1.0", f"{name}-1.0.dist-info", frozenset(files))


@given(st.lists(ROWS.map(list)))
@example([["a\rb", "", ""]])
@example([["a\r\nb", "", ""]])
@example([['a"b, comma\nnewline.py', "sha256=abc", "12"]])
@example([["fl\udcf6te.py", "", ""]])
def test_what_is_written_is_what_is_read(rows: list[list[str]]) -> None:
    assert read_record(write_record(rows)) == rows


def test_reading_and_writing_changes_no_byte_of_an_ordinary_record() -> None:
    content = (
        b"numpy/__init__.py,sha256=abc,12\n"
        b'"numpy/a, ""b"".py",sha256=def,0\n'
        b"../../../bin/f2py,sha256=ghi,200\n"
        b"numpy/fl\xf6te.py,,\n"
        b"numpy-2.0.dist-info/RECORD,,\n"
    )
    assert write_record(read_record(content)) == content


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"a.py,sha256=abc,12\r\nb.py,,\r\n", id="of Windows"),
        pytest.param(b"a.py,sha256=abc,12\nb.py,,", id="without a last line break"),
        pytest.param(b"\na.py,sha256=abc,12\n\nb.py,,\n\n", id="with empty lines"),
    ],
)
def test_a_record_is_read_however_its_lines_end(content: bytes) -> None:
    assert read_record(content) == [["a.py", "sha256=abc", "12"], ["b.py", "", ""]]


def test_a_row_without_a_path_is_left_out() -> None:
    assert read_record(b",sha256=abc,12\na.py,,\n") == [["a.py", "", ""]]


def test_an_empty_record_has_no_rows() -> None:
    assert read_record(b"") == []
    assert write_record([]) == b""


def test_pythons_own_reader_understands_what_is_written(tmp_path: Path) -> None:
    rows = [['a, "b".py', "sha256=abc", "12"], ["c\nd.py", "", ""]]
    (tmp_path / "RECORD").write_bytes(write_record(rows))
    with (tmp_path / "RECORD").open(newline="") as file:
        assert list(csv.reader(file)) == rows


def test_every_distribution_is_found_with_its_files_by_name(tmp_path: Path) -> None:
    records = {
        "zlib_ng-1.0.dist-info": "zlib_ng/__init__.py,,\n./zlib_ng/a//b.py,,\n",
        "Flask-3.1.0.dist-info": "flask/__init__.py,,\n../../../bin/flask,,\n",
        "some-thing-2.0.post1.dist-info": "some_thing.py,,\n",
    }
    for info, record in records.items():
        (tmp_path / info).mkdir()
        (tmp_path / info / "RECORD").write_text(record)
    (tmp_path / "bare-1.0.dist-info").mkdir()
    (tmp_path / "nameless.dist-info").mkdir()
    (tmp_path / "old-1.0.egg-info").mkdir()
    assert installed(tmp_path) == (
        Distribution("bare", "1.0", "bare-1.0.dist-info", frozenset()),
        Distribution(
            "Flask",
            "3.1.0",
            "Flask-3.1.0.dist-info",
            frozenset({"flask/__init__.py", "../../../bin/flask"}),
        ),
        Distribution(
            "some-thing",
            "2.0.post1",
            "some-thing-2.0.post1.dist-info",
            frozenset({"some_thing.py"}),
        ),
        Distribution(
            "zlib_ng",
            "1.0",
            "zlib_ng-1.0.dist-info",
            frozenset({"zlib_ng/__init__.py", "zlib_ng/a/b.py"}),
        ),
    )


@pytest.mark.parametrize("exists", [True, False], ids=["empty", "missing"])
def test_where_nothing_is_installed_nothing_is_found(tmp_path: Path, exists: bool) -> None:
    site = tmp_path / "site-packages"
    if exists:
        site.mkdir()
    assert installed(site) == ()


OWNERS = Owners(
    [
        distribution("numpy", "numpy/__init__.py", "numpy/core/a.py", "numpy.libs/libblas.so"),
        distribution("six", "six.py"),
        distribution("google-auth", "google/auth/__init__.py"),
        distribution("google-api", "google/api/__init__.py"),
    ]
)


@pytest.mark.parametrize(
    ("path", "owner"),
    [
        pytest.param("numpy/core/a.py", "numpy", id="listed"),
        pytest.param("six.py", "six", id="a module alone"),
        pytest.param("google/api/__init__.py", "google-api", id="in a shared namespace"),
        pytest.param(
            "google/api/__pycache__/__init__.cpython-311.pyc", "google-api", id="bytecode"
        ),
        pytest.param("__pycache__/six.cpython-311.pyc", "six", id="bytecode of a module alone"),
        pytest.param("numpy/core/generated.txt", "numpy", id="unlisted, in its directory"),
        pytest.param("numpy.libs/other.so", "numpy", id="unlisted, beside a library"),
        pytest.param("stranger/a.py", "stranger", id="in a directory that nobody listed"),
        pytest.param("stranger.py", "stranger", id="a module that nobody listed"),
    ],
)
def test_a_file_belongs_to_whoever_lists_it_its_source_or_its_directory(
    path: str, owner: str
) -> None:
    assert OWNERS.owner(path) == owner


@pytest.mark.parametrize(
    ("bytecode", "source"),
    [
        ("a/b/__pycache__/c.cpython-311.pyc", "a/b/c.py"),
        ("a/__pycache__/c.cpython-311.opt-1.pyc", "a/c.py"),
        ("__pycache__/six.cpython-314.pyc", "six.py"),
        ("a/c.pyc", None),
        ("a/c.py", None),
        ("a/__pycache__/c.txt", None),
        ("a/__pycache__/deep/c.cpython-311.pyc", None),
        ("__pycache__", None),
        ("", None),
    ],
)
def test_bytecode_leads_to_its_source_and_nothing_else_does(
    bytecode: str, source: str | None
) -> None:
    assert source_of(bytecode) == source

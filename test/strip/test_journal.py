"""A strip writes down what it did; `slugfit why` reads it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slugfit.strip.explain import NotStripped, PathUnknown, explain, find
from slugfit.strip.journal import JOURNAL, Journal, JournalDamaged, read_journal, write_journal
from support.build_log import error_text

TEXTS = st.text(st.characters(codec="utf-8"), max_size=20)
TOLD = st.dictionaries(TEXTS, TEXTS, max_size=5)
REMOVED = {
    "p/tests/__init__.py": "tests",
    "p/tests/test_core.py": "tests",
    "p/core.h": "C headers",
    "q/core.h": "C headers",
}
SHRUNK = {"p/core.so": 1_234_567, "p/libs/a.so": 1_000}
WRITTEN = Journal(
    site="lib/site-packages",
    removed=REMOVED,
    shrunk=SHRUNK,
    linked={"p/libs/b.so": "p/libs/a.so"},
    kept={"p/tests/data.txt": "named in p/core.py"},
    restored={"Q": "import q fails: no"},
    gone={"p/core.h": 6, "p/libs/b.so": 70_000, "q/core.h": 1},
)
REASONS = {"tests": "they ran before the release"}


@pytest.fixture
def app(tmp_path: Path) -> Path:
    app = tmp_path / "app"
    (app / "lib/site-packages/p/libs").mkdir(parents=True)
    (app / "lib/site-packages/p/core.py").touch()
    (app / "lib/site-packages/Q-1.0.dist-info").mkdir()
    (app / "lib/site-packages/Q-1.0.dist-info/RECORD").write_text("q/__init__.py,,\n")
    (app / JOURNAL).parent.mkdir()
    (app / JOURNAL).write_bytes(write_journal(WRITTEN))
    return app


JOURNALS = st.builds(
    Journal,
    site=TEXTS,
    removed=TOLD,
    shrunk=st.dictionaries(TEXTS, st.integers(0), max_size=5),
    linked=TOLD,
    kept=TOLD,
    restored=TOLD,
)


def test_sizes_of_what_went_are_read(app: Path) -> None:
    assert read_journal(app / JOURNAL) == WRITTEN


def test_a_journal_of_before_sizes_were_written_is_read(app: Path) -> None:
    document = json.loads((app / JOURNAL).read_bytes())
    del document["gone_bytes"]
    (app / JOURNAL).write_text(json.dumps(document))
    assert read_journal(app / JOURNAL) == replace(WRITTEN, gone={})


@given(JOURNALS)
def test_what_is_written_is_read(
    tmp_path_factory: pytest.TempPathFactory, journal: Journal
) -> None:
    file = tmp_path_factory.mktemp("journal") / "strip.json"
    file.write_bytes(write_journal(journal))
    assert read_journal(file) == journal


def test_the_same_strip_writes_the_same() -> None:
    backwards = Journal(
        WRITTEN.site,
        removed=dict(reversed(REMOVED.items())),
        shrunk=dict(reversed(SHRUNK.items())),
        linked=WRITTEN.linked,
        kept=WRITTEN.kept,
        restored=WRITTEN.restored,
        gone=dict(sorted(WRITTEN.gone.items(), reverse=True)),
    )
    assert write_journal(backwards) == write_journal(WRITTEN)


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"schema_version": 2}', b"\xff\x00"])
def test_a_damaged_journal_is_told_as_such(app: Path, content: bytes) -> None:
    (app / JOURNAL).write_bytes(content)
    with pytest.raises(JournalDamaged) as caught:
        find("p", app, app)
    assert (
        error_text(caught.value)
        == f"""\
Error: The record of a strip can't be read.

{app}/.slugfit/strip.json

To fix this:
1. Build again: every build writes a new one.

For more information, see:
https://github.com/slugfit/slugfit/blob/main/docs/errors.md#whyjournal-damaged
"""
    )


@pytest.mark.parametrize(
    ("path", "lines"),
    [
        ("p/tests/test_core.py", ["Removed: tests", "Because: they ran before the release"]),
        ("p/core.h", ["Removed: C headers"]),
        ("p/tests/data.txt", ["Kept: named in p/core.py"]),
        ("p/core.so", ["Smaller: 1.2 MB of symbols and debug data were removed"]),
        ("p/libs/b.so", ["Replaced by a link to p/libs/a.so, which has the same content"]),
        ("p/core.py", ["Kept: no rule selects it for removal"]),
        (
            "p/tests",
            [
                "Removed 2 files: tests",
                "Because: they ran before the release",
                "Kept 1 file: named in p/core.py",
            ],
        ),
        ("p/libs", ["1 file smaller by 1.0 KB: symbols and debug data"]),
        ("p/libs/", ["1 file smaller by 1.0 KB: symbols and debug data"]),
        ("q/core.h", ["Q was restored: import q fails: no", "Removed: C headers"]),
        ("q", ["Q was restored: import q fails: no", "Removed 1 file: C headers"]),
    ],
)
def test_each_path_has_its_story(app: Path, path: str, lines: list[str]) -> None:
    found = find(path, app, Path("/"))
    assert explain(found.path, found.site, found.journal, REASONS) == lines


def test_a_path_that_never_was_is_an_error(app: Path) -> None:
    found = find("p/nothing.py", app, Path("/"))
    with pytest.raises(PathUnknown) as caught:
        explain(found.path, found.site, found.journal, REASONS)
    assert (
        error_text(caught.value)
        == f"""\
Error: This path is not in site-packages, nor was it before.

p/nothing.py
looked in: {app}/lib/site-packages

To fix this:
1. Give the path relative to site-packages:
   slugfit why numpy/core/tests
2. Look in another site-packages, or in an app:
   slugfit why --in DIRECTORY PATH

For more information, see:
https://github.com/slugfit/slugfit/blob/main/docs/errors.md#whypath-unknown
"""
    )


@pytest.mark.parametrize(
    ("path", "cwd"),
    [
        ("p/core.py", "."),
        ("lib/site-packages/p/core.py", "."),
        ("p/core.py", "lib"),
        ("core.py", "lib/site-packages/p"),
        ("{app}/lib/site-packages/p/core.py", "/"),
    ],
)
def test_the_journal_is_found_from_anywhere_in_the_app(app: Path, path: str, cwd: str) -> None:
    found = find(path.format(app=app), None, app / cwd)
    assert (found.path, found.site) == ("p/core.py", app / "lib/site-packages")


def test_without_a_journal_there_is_nothing_to_tell(tmp_path: Path) -> None:
    with pytest.raises(NotStripped) as caught:
        find("p", tmp_path, Path("/"))
    assert (
        error_text(caught.value)
        == f"""\
Error: No strip is recorded here.

{tmp_path}/.slugfit/strip.json

A strip records what it removes, and why it keeps the rest.

To fix this:
1. Give the app that was built, or the site-packages that were stripped:
   slugfit why --in DIRECTORY PATH
2. See what a strip would do:
   slugfit slim SITE_PACKAGES --dry-run

For more information, see:
https://github.com/slugfit/slugfit/blob/main/docs/errors.md#whynot-stripped
"""
    )

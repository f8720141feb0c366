"""The page has every file, with sizes that add up, and nothing of the data is markup."""

from __future__ import annotations

import base64
import json
import os
import re
import zlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slugfit.report.built import NotBuilt, ReportDamaged, read_report
from slugfit.report.document import document, slug_told
from slugfit.report.page import data
from slugfit.report.page.data import KINDS, told
from slugfit.report.picture import look_at
from slugfit.slug.outline import File, Ground, apportion, outline, packages_in
from slugfit.slug.tree import Item
from slugfit.slug.weighing.compress import Weight
from slugfit.strip.journal import Journal
from unit.build_log import error_text
from unit.built import EVIL, MODEL, REMOVED, built_app
from unit.packages import Site
from unit.test_document import FACTS

PACKAGE = Item("distribution", "p", "1.0")
DOCUMENT: dict[str, Any] = {
    "slug": {
        "compressed_bytes": 10,
        "raw_bytes": 40,
        "before_strip": {"compressed_bytes": 12, "raw_bytes": 50},
        "limit_bytes": 100,
        "warn_bytes": 50,
        "items": [],
    }
}


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built_app(tmp_path_factory.mktemp("built"))


def content(page: bytes) -> dict[str, Any]:
    """What a page was told, read as its script reads it."""
    match = re.search(rb'id="data">([^<]*)<', page)
    assert match
    found: dict[str, Any] = json.loads(zlib.decompress(base64.b64decode(match[1])))
    return found


def leaves(entries: list[Any], above: str = "") -> dict[str, list[int]]:
    """Path → numbers, of nested lists."""
    found: dict[str, list[int]] = {}
    for name, *rest in entries:
        if isinstance(rest[0], list):
            found |= leaves(rest[0], f"{above}{name}/")
        else:
            found[f"{above}{name}"] = rest
    return found


def files_of(page: dict[str, Any], name: str) -> dict[str, list[int]]:
    number = [item["name"] for item in page["items"]].index(name)
    return leaves(page["tree"][number])


def test_the_files_of_each_item_weigh_what_the_report_says(app: Path) -> None:
    report, page = read_report(app), content(look_at(app, app).page())
    for item in report["slug"]["items"]:
        files = files_of(page, item["name"]).values()
        assert sum(numbers[1] for numbers in files) == item["raw_bytes"]
        assert sum(numbers[2] for numbers in files) == item["compressed_bytes"]
    assert {item["name"] for item in report["slug"]["items"]} == {i["name"] for i in page["items"]}


def test_what_went_is_there_with_its_size_and_its_reason(app: Path) -> None:
    page = content(look_at(app, app).page())
    files = files_of(page, "alpha")
    gone = {path: n for path, n in files.items() if page["stories"][[*n, 0][3]]["removed"]}
    assert set(REMOVED) <= set(gone)
    assert all(numbers[1:3] == [0, 0] for numbers in gone.values())
    report = slug_told(read_report(app))
    assert sum([*numbers, 0, 0][5] for numbers in gone.values()) == report.removed.compressed
    header = gone["alpha/include/alpha.h"]
    assert KINDS[header[0]] == "code"
    assert header[4] > 10_000
    lines = page["stories"][header[3]]["lines"]
    assert lines[0] == "Removed: C headers"
    assert lines[1].startswith("Because: ")


def test_what_stays_has_its_reason_too(app: Path) -> None:
    page = content(look_at(app, app).page())
    story = files_of(page, "alpha")["alpha/part0.py"][3]
    assert page["stories"][story] == {
        "removed": False,
        "lines": ["Kept: no rule says that it may go"],
    }
    assert len(files_of(page, "the app's own files")["app.py"]) == 3  # without a story


def test_a_package_that_was_put_back_says_so(app: Path) -> None:
    ground = Ground(app, app, Journal(".", restored={"p": "import p fails: no"}), {})
    assert ground.story("p", "p/a.py") == ("p was put back whole: import p fails: no",)
    assert Ground(app, app, Journal(""), {}).story("p", "p/a.py") == ()


def test_paths_are_those_within_their_item(app: Path) -> None:
    page = content(look_at(app, app).page())
    assert set(files_of(page, MODEL)) == {"digits.tflite"}
    assert set(files_of(page, "the app's own files")) == {"app.py"}
    assert "alpha-1.0.dist-info/METADATA" in files_of(page, "alpha")


def test_nothing_of_the_data_is_markup(app: Path) -> None:
    page = look_at(app, app).page()
    assert f"beta_data/{EVIL}" in files_of(content(page), "beta")
    assert b"onerror" not in page
    assert page.count(b"default-src 'none'") == 1
    assert not re.search(rb"https?:|src=|@import|url\(", page)


def test_the_same_input_gives_the_same_page(app: Path) -> None:
    assert look_at(app, app).page() == look_at(app, app).page()


def test_the_report_of_a_build_can_be_read(tmp_path: Path) -> None:
    (tmp_path / ".slugfit").mkdir()
    (tmp_path / ".slugfit/report.json").write_text(json.dumps(document(FACTS)))
    sight = look_at(tmp_path, tmp_path / "cache")
    assert sight.slug.weight == FACTS.slug.weight
    assert sight.slug.before == FACTS.slug.before
    assert sight.budget == FACTS.settings.budget


def test_symbols_and_twins_that_went_are_told_of_the_files_that_stay(tmp_path: Path) -> None:
    site = Site(tmp_path)
    site.install("p", {"p/a.so": bytes(1000), "p/b.bin": "as that of p/c.bin", "p/c.bin": "c"})
    journal = Journal(
        ".",
        removed={"p/tests/t.py": "tests"},
        shrunk={"p/a.so": 500},
        linked={"p/b.bin": "p/c.bin"},
        gone={"p/tests/t.py": 300, "p/b.bin": 70_000},
    )
    ground = Ground(site.root, site.root, journal, {"tests": "they have run"})
    [(item, files)] = outline(
        ground, packages_in(site.root), {PACKAGE: Weight(0, 900)}, 200
    ).items()
    found = {file.path: file for file in files if file.gone.raw}
    assert item == PACKAGE
    assert {path: file.gone.raw for path, file in found.items()} == {
        "p/a.so": 500,
        "p/b.bin": 70_000,
        "p/tests/t.py": 300,
    }
    assert sum(file.gone.compressed for file in found.values()) == 200
    assert sum(file.now.compressed for file in files) == 900
    assert found["p/a.so"].story == ("Smaller: 500 B of symbols and debug data are gone",)
    assert found["p/b.bin"].story == ("A link: its content is that of p/c.bin",)
    assert found["p/tests/t.py"].story == ("Removed: tests", "Because: they have run")
    assert [file.path for file in files if file.removed] == ["p/tests/t.py"]


def test_packages_that_nobody_has_built_are_measured(tmp_path: Path) -> None:
    site = Site(tmp_path)
    site.install("alpha", {"alpha/__init__.py": "import this\n" * 1000})
    sight = look_at(site.root, tmp_path / "cache")
    [item] = sight.slug.items
    assert item == Item("distribution", "alpha", "1.0")
    assert sight.slug.removed == Weight()
    page = content(sight.page())
    assert "alpha/__init__.py" in files_of(page, "alpha")
    assert page["slug"]["now"]["raw"] == sight.slug.weight.raw > 12_000
    assert look_at(site.root, tmp_path / "cache").page() == sight.page()


def test_chains_figures_and_suggestions_are_told_where_there_are_some() -> None:
    item = {"kind": "distribution", "name": "p", "required_by": ["q", "requirements.txt"]}
    more = {
        "slug": DOCUMENT["slug"] | {"items": [item]},
        "python_version": "3.12.1",
        "stack": "heroku-24",
    }
    page = told("app", more, {PACKAGE: [File("p.py", Weight(40, 10))]})
    assert page["items"] == [{"name": "p", "label": "p 1.0", "by": "q ← requirements.txt"}]
    assert page["origin"] == "Slug · Python 3.12.1 · heroku-24"
    assert page["tree"] == [[["p.py", 1, 40, 10]]]
    assert told("app", DOCUMENT, {})["origin"] == "Slug"


def test_of_too_many_files_the_smallest_are_one() -> None:
    files = [File(f"p/m{n}.py", Weight(n, n)) for n in range(1, 8)]
    files += [File("p/x.bin", Weight(), Weight(2, 1), removed=True, story=("Removed: tests",))]
    page = told("app", DOCUMENT, {PACKAGE: files}, most=3)
    assert leaves(page["tree"][0]) == {
        "p/m5.py": [1, 5, 5],
        "p/m6.py": [1, 6, 6],
        "p/m7.py": [1, 7, 7],
        "p/(4 small files).py": [1, 10, 10],
        "p/(1 small file).bin": [3, 0, 0, 1, 2, 1],
    }


def test_a_name_that_is_not_utf_8_is_shown_as_far_as_it_is_known() -> None:
    page = told("app", DOCUMENT, {PACKAGE: [File(os.fsdecode(b"\xe9t\xe9.py"), Weight(1, 1))]})
    assert page["tree"] == [[["�t�.py", 1, 1, 1]]]
    assert data.packed(page)


@given(st.integers(0, 10**12), st.lists(st.floats(0, 1e12), max_size=50))
def test_parts_are_whole_and_add_up(total: int, shares: list[float]) -> None:
    parts = apportion(total, shares)
    assert len(parts) == len(shares)
    assert sum(parts) == (total if sum(shares) else 0)
    assert min(parts, default=0) >= 0


@given(st.lists(st.integers(0, 10**9), max_size=50))
def test_what_adds_up_already_stays(sizes: list[int]) -> None:
    assert apportion(sum(sizes), sizes) == sizes


def test_without_a_report_there_is_nothing_to_show(tmp_path: Path) -> None:
    with pytest.raises(NotBuilt) as caught:
        look_at(tmp_path, tmp_path / "cache")
    assert (
        error_text(caught.value)
        == f"""\
Error: There is no report of a build in this directory.

{tmp_path}
not found: .slugfit/report.json
not found: *.dist-info

To fix this:
1. Name an app that Slugfit has built:
   slugfit report DIRECTORY
2. Or packages, of which it need not know anything:
   slugfit report .venv/lib/python3.12/site-packages

For more information, see:
https://github.com/slugfit/slugfit#reportnot-built
"""
    )


@pytest.mark.parametrize(
    ("content", "detail"),
    [
        ("", "it is not what a build writes"),
        ("[]", "it is not what a build writes"),
        ('{"schema_version": 2}', "it is not what a build writes"),
        ('{"schema_version": 99}', "its schema is 99"),
        ('{"schema_version": "x"}', "its schema is 'x'"),
    ],
)
def test_a_report_that_is_none_is_told_as_such(tmp_path: Path, content: str, detail: str) -> None:
    (tmp_path / ".slugfit").mkdir()
    (tmp_path / ".slugfit/report.json").write_text(content)
    with pytest.raises(ReportDamaged) as caught:
        look_at(tmp_path, tmp_path / "cache")
    assert (
        error_text(caught.value)
        == f"""\
Error: The report of the build can't be read.

{tmp_path}/.slugfit/report.json
{detail}

To fix this:
1. Build again, with this version of Slugfit: each build writes it anew.

For more information, see:
https://github.com/slugfit/slugfit#reportdamaged
"""
    )

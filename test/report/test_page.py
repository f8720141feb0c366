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

from report.test_document import FACTS
from slugfit.report.built import NotBuilt, ReportDamaged, read_report
from slugfit.report.document import document, slug_from_json
from slugfit.report.page.page_data import KINDS, encoded, page_data
from slugfit.report.report_source import open_report
from slugfit.slug.items import Item
from slugfit.slug.outline import SlugRoot, WeighedFile, apportion, files_by_distribution, outline
from slugfit.slug.weigh.compress import Weight
from slugfit.strip.journal import Journal
from support.build_log import error_text
from support.built import EVIL, MODEL, REMOVED, built_app
from support.packages import Site

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
    """The data in a page, decoded as its script does."""
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
    report, page = read_report(app), content(open_report(app, app).page())
    for item in report["slug"]["items"]:
        files = files_of(page, item["name"]).values()
        assert sum(numbers[1] for numbers in files) == item["raw_bytes"]
        assert sum(numbers[2] for numbers in files) == item["compressed_bytes"]
    assert {item["name"] for item in report["slug"]["items"]} == {i["name"] for i in page["items"]}


def test_removed_files_have_their_size_and_their_reason(app: Path) -> None:
    page = content(open_report(app, app).page())
    files = files_of(page, "alpha")
    removed = {path: n for path, n in files.items() if page["statuses"][[*n, 0][3]]["removed"]}
    assert set(REMOVED) <= set(removed)
    assert all(numbers[1:3] == [0, 0] for numbers in removed.values())
    report = slug_from_json(read_report(app))
    assert sum([*numbers, 0, 0][5] for numbers in removed.values()) == report.removed.compressed
    header = removed["alpha/include/alpha.h"]
    assert KINDS[header[0]] == "code"
    assert header[4] > 10_000
    lines = page["statuses"][header[3]]["lines"]
    assert lines[0] == "Removed: C headers"
    assert lines[1].startswith("Because: ")


def test_what_stays_has_its_reason_too(app: Path) -> None:
    page = content(open_report(app, app).page())
    status = files_of(page, "alpha")["alpha/part0.py"][3]
    assert page["statuses"][status] == {
        "removed": False,
        "lines": ["Kept: no rule selects it for removal"],
    }
    assert len(files_of(page, "the app's own files")["app.py"]) == 3  # without a status


def test_a_restored_package_says_so(app: Path) -> None:
    root = SlugRoot(app, app, Journal(".", restored={"p": "import p fails: no"}), {})
    assert root.notes("p", "p/a.py") == ("p was restored: import p fails: no",)
    assert SlugRoot(app, app, Journal(""), {}).notes("p", "p/a.py") == ()


def test_paths_are_those_within_their_item(app: Path) -> None:
    page = content(open_report(app, app).page())
    assert set(files_of(page, MODEL)) == {"digits.tflite"}
    assert set(files_of(page, "the app's own files")) == {"app.py"}
    assert "alpha-1.0.dist-info/METADATA" in files_of(page, "alpha")


def test_nothing_of_the_data_is_markup(app: Path) -> None:
    page = open_report(app, app).page()
    assert f"beta_data/{EVIL}" in files_of(content(page), "beta")
    assert b"onerror" not in page
    assert page.count(b"default-src 'none'") == 1
    assert not re.search(rb"https?:|src=|@import|url\(", page)


def test_the_same_input_gives_the_same_page(app: Path) -> None:
    assert open_report(app, app).page() == open_report(app, app).page()


def test_the_report_of_a_build_can_be_read(tmp_path: Path) -> None:
    (tmp_path / ".slugfit").mkdir()
    (tmp_path / ".slugfit/report.json").write_text(json.dumps(document(FACTS)))
    source = open_report(tmp_path, tmp_path / "cache")
    assert source.slug.weight == FACTS.slug.weight
    assert source.slug.before == FACTS.slug.before
    assert source.budget == FACTS.settings.budget


def test_symbols_and_duplicates_count_for_the_files_that_stay(tmp_path: Path) -> None:
    site = Site(tmp_path)
    site.install("p", {"p/a.so": bytes(1000), "p/b.bin": "as that of p/c.bin", "p/c.bin": "c"})
    journal = Journal(
        ".",
        removed={"p/tests/t.py": "tests"},
        shrunk={"p/a.so": 500},
        linked={"p/b.bin": "p/c.bin"},
        gone={"p/tests/t.py": 300, "p/b.bin": 70_000},
    )
    root = SlugRoot(site.root, site.root, journal, {"tests": "they have run"})
    [(item, files)] = outline(
        root, files_by_distribution(site.root), {PACKAGE: Weight(0, 900)}, 200
    ).items()
    found = {file.path: file for file in files if file.stripped.raw}
    assert item == PACKAGE
    assert {path: file.stripped.raw for path, file in found.items()} == {
        "p/a.so": 500,
        "p/b.bin": 70_000,
        "p/tests/t.py": 300,
    }
    assert sum(file.stripped.compressed for file in found.values()) == 200
    assert sum(file.now.compressed for file in files) == 900
    assert found["p/a.so"].notes == ("Smaller: 500 B of symbols and debug data were removed",)
    assert found["p/b.bin"].notes == ("Replaced by a link to p/c.bin, which has the same content",)
    assert found["p/tests/t.py"].notes == ("Removed: tests", "Because: they have run")
    assert [file.path for file in files if file.removed] == ["p/tests/t.py"]


def test_packages_without_a_report_are_measured(tmp_path: Path) -> None:
    site = Site(tmp_path)
    site.install("alpha", {"alpha/__init__.py": "import this\n" * 1000})
    source = open_report(site.root, tmp_path / "cache")
    [item] = source.slug.items
    assert item == Item("distribution", "alpha", "1.0")
    assert source.slug.removed == Weight()
    page = content(source.page())
    assert "alpha/__init__.py" in files_of(page, "alpha")
    assert page["slug"]["now"]["raw"] == source.slug.weight.raw > 12_000
    assert open_report(site.root, tmp_path / "cache").page() == source.page()


def test_chains_figures_and_suggestions_are_shown_where_there_are_some() -> None:
    item = {"kind": "distribution", "name": "p", "required_by": ["q", "requirements.txt"]}
    more = {
        "slug": DOCUMENT["slug"] | {"items": [item]},
        "python_version": "3.12.1",
        "stack": "heroku-24",
    }
    page = page_data("app", more, {PACKAGE: [WeighedFile("p.py", Weight(40, 10))]})
    assert page["items"] == [{"name": "p", "label": "p 1.0", "by": "q ← requirements.txt"}]
    assert page["origin"] == "Slug · Python 3.12.1 · heroku-24"
    assert page["tree"] == [[["p.py", 1, 40, 10]]]
    assert page_data("app", DOCUMENT, {})["origin"] == "Slug"


def test_of_too_many_files_the_smallest_are_merged() -> None:
    files = [WeighedFile(f"p/m{n}.py", Weight(n, n)) for n in range(1, 8)]
    files += [
        WeighedFile("p/x.bin", Weight(), Weight(2, 1), removed=True, notes=("Removed: tests",))
    ]
    page = page_data("app", DOCUMENT, {PACKAGE: files}, max_files=3)
    assert leaves(page["tree"][0]) == {
        "p/m5.py": [1, 5, 5],
        "p/m6.py": [1, 6, 6],
        "p/m7.py": [1, 7, 7],
        "p/(4 small files).py": [1, 10, 10],
        "p/(1 small file).bin": [3, 0, 0, 1, 2, 1],
    }


def test_a_name_that_is_not_utf_8_is_shown_as_far_as_it_is_known() -> None:
    page = page_data(
        "app", DOCUMENT, {PACKAGE: [WeighedFile(os.fsdecode(b"\xe9t\xe9.py"), Weight(1, 1))]}
    )
    assert page["tree"] == [[["�t�.py", 1, 1, 1]]]
    assert encoded(page)


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
        open_report(tmp_path, tmp_path / "cache")
    assert (
        error_text(caught.value)
        == f"""\
Error: This directory has no build report.

{tmp_path}
not found: .slugfit/report.json
not found: *.dist-info

To fix this:
1. Name the directory of an app that Slugfit has built:
   slugfit report DIRECTORY
2. Or name a directory of installed packages:
   slugfit report .venv/lib/python3.12/site-packages

For more information, see:
https://github.com/slugfit/slugfit/blob/main/docs/errors.md#reportnot-built
"""
    )


@pytest.mark.parametrize(
    ("content", "detail"),
    [
        ("", "its content does not match the schema"),
        ("[]", "its content does not match the schema"),
        ('{"schema_version": 2}', "its content does not match the schema"),
        ('{"schema_version": 99}', "unsupported schema version: 99"),
        ('{"schema_version": "x"}', "unsupported schema version: 'x'"),
    ],
)
def test_a_damaged_report_is_explained(tmp_path: Path, content: str, detail: str) -> None:
    (tmp_path / ".slugfit").mkdir()
    (tmp_path / ".slugfit/report.json").write_text(content)
    with pytest.raises(ReportDamaged) as caught:
        open_report(tmp_path, tmp_path / "cache")
    assert (
        error_text(caught.value)
        == f"""\
Error: The build report can't be read.

{tmp_path}/.slugfit/report.json
{detail}

To fix this:
1. Build again with this version of Slugfit, which writes a new report.

For more information, see:
https://github.com/slugfit/slugfit/blob/main/docs/errors.md#reportdamaged
"""
    )

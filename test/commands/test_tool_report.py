"""`slugfit report` as a process: the table, the page, the data, and what is not there."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from support.built import built_app
from support.packages import Site
from support.tool import Tool


@pytest.fixture
def app(tool: Tool) -> Path:
    return built_app(tool.desk)


def test_the_table_of_the_log_again(tool: Tool, app: Path) -> None:
    done = tool.run("report", str(app))
    assert (done.status, done.error) == (0, "")
    assert "alpha 1.0" in done.stdout
    assert "Slug: " in done.stdout
    assert "Before stripping: " in done.stdout
    assert "Limit: 200.0 KB compressed" in done.stdout


def test_json_is_what_the_build_has_written(tool: Tool, app: Path) -> None:
    done = tool.run("report", str(app), "--json")
    assert (done.status, done.error) == (0, "")
    assert json.loads(done.stdout) == json.loads((app / ".slugfit/report.json").read_bytes())


def test_markdown_tells_the_same_in_words(tool: Tool, app: Path) -> None:
    done = tool.run("report", str(app), "--markdown")
    assert (done.status, done.error) == (0, "")
    assert "alpha" in done.stdout
    assert not done.stdout.startswith(" ")


def test_the_page_is_one_file(tool: Tool, app: Path) -> None:
    done = tool.run("report", str(app), "--html", "page.html")
    assert (done.status, done.error) == (0, "")
    page = tool.desk / "page.html"
    assert page.read_bytes().startswith(b"<!doctype html>")
    size = f"{page.stat().st_size / 1000:.1f} KB"
    assert done.stdout.endswith(f"-----> Wrote page.html ({size})\n")
    tool.run("report", str(app), "--html", "again.html")
    assert (tool.desk / "again.html").read_bytes() == page.read_bytes()


@pytest.mark.parametrize(
    ("arguments", "written"),
    [
        (("--html", "app"), "slug.html"),
        (("app", "--html"), "slug.html"),
        (("app", "--html", "out"), "out/slug.html"),
        (("app", "--html", "new/page.html"), "new/page.html"),
    ],
)
def test_the_page_is_written_where_people_mean(
    tool: Tool, app: Path, arguments: tuple[str, ...], written: str
) -> None:
    (tool.desk / "out").mkdir()
    done = tool.run("report", *arguments)
    assert (done.status, done.error) == (0, "")
    assert f"-----> Wrote {written} (" in done.stdout
    assert (tool.desk / written).is_file()


def test_packages_that_nobody_has_stripped_are_measured(tool: Tool) -> None:
    site = Site(tool.desk)
    site.install("alpha", {"alpha/__init__.py": "value = 1\n" * 1000})
    done = tool.run("report", str(site.root))
    assert (done.status, done.error) == (0, "")
    assert "alpha 1.0" in done.stdout
    assert "Before stripping" not in done.stdout
    assert tool.run("report", str(site.root), "--html", "page.html").status == 0
    assert not (site.root / ".slugfit").exists()


def test_what_nobody_has_built_has_no_report(tool: Tool) -> None:
    done = tool.run("report")
    assert done.status == 1
    assert (
        done.error
        == f"""\
 !     Error: This directory has no build report.
 !
 !     {tool.desk}
 !     not found: .slugfit/report.json
 !     not found: *.dist-info
 !
 !     To fix this:
 !     1. Name the directory of an app that Slugfit has built:
 !        slugfit report DIRECTORY
 !     2. Or name a directory of installed packages:
 !        slugfit report .venv/lib/python3.12/site-packages
 !
 !     For more information, see:
 !     https://github.com/slugfit/slugfit/blob/main/docs/errors.md#reportnot-built"""
    )


def test_the_page_is_not_begun_without_a_report(tool: Tool) -> None:
    assert tool.run("report", "--html", "page.html").status == 1
    assert tool.found == {}

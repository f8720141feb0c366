"""Files leave site-packages and return by renames only, and RECORD stays true."""

from __future__ import annotations

import csv
import io
import os
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slugfit.packages.distributions import installed, read_record, write_record
from slugfit.strip.apply import SitePackages
from slugfit.strip.native.elf import Range, Shrink, shrink
from support import compiled
from support.packages import INSTALLED, Site
from support.snapshot import snapshot

# What a file system allows, but for the two names that mean directories.
NAMES = (
    st.binary(min_size=1, max_size=12)
    .map(lambda raw: raw.translate(None, b"/\0"))
    .filter(lambda raw: raw not in (b"", b".", b".."))
    .map(os.fsdecode)
)
NASTY = st.sampled_from(
    ["a,b", 'a"b', "a b", "a\nb", "a\rb", "a\r\nb", "größe", "x\udcff", "'", '"', ",", "#", "\\"]
)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    site = Site(tmp_path)
    files = {
        "p/__init__.py": "",
        "p/tests/__init__.py": "1",
        "p/tests/deep/a.py": "2",
        "p/docs/a, b.txt": "3",
    }
    site.install("p", files, compiled=["p/__init__.py", "p/tests/__init__.py"])
    site.install("q", {"q/__init__.py": "", "q/tests/a.py": ""})
    return site


def tree_of(site: Site) -> SitePackages:
    return SitePackages(site.root, installed(site.root), site.changes)


def twins_of(site: Site, directory: Path) -> Path:
    """A second name for every file, as the hard-linked cache of heroku/python has."""
    shutil.copytree(site.root, directory, copy_function=os.link)
    return directory


def test_what_is_removed_is_gone_and_so_are_the_directories_it_was_in(site: Site) -> None:
    tree_of(site).remove(["p/tests/deep/a.py", "p/docs/a, b.txt"])
    assert not (site.root / "p/tests/deep").exists()
    assert not (site.root / "p/docs").exists()
    assert (site.root / "p/tests/__init__.py").exists()


def test_a_directory_that_holds_anything_else_stays(site: Site) -> None:
    (site.root / "p/docs/empty").mkdir()
    tree_of(site).remove(["p/docs/a, b.txt"])
    assert (site.root / "p/docs/empty").is_dir()


def test_site_packages_itself_stays_when_its_last_file_goes(tmp_path: Path) -> None:
    site = Site(tmp_path)
    site.write("a.h")
    tree_of(site).remove(["a.h"])
    assert list(site.root.iterdir()) == []


def test_record_loses_the_rows_of_what_is_gone_and_no_other(site: Site) -> None:
    before = site.record("p-1.0.dist-info")
    gone = ["p/tests/deep/a.py", "p/docs/a, b.txt"]
    tree_of(site).remove(gone)
    assert site.record("p-1.0.dist-info") == [row for row in before if row[0] not in gone]
    assert site.untrue_rows() == []


def test_record_is_a_new_file_with_the_mode_of_the_old_one(site: Site) -> None:
    record = site.root / "p-1.0.dist-info/RECORD"
    record.chmod(0o664)
    inode = record.stat().st_ino
    tree_of(site).remove(["p/tests/deep/a.py"])
    assert record.stat().st_ino != inode
    assert record.stat().st_mode & 0o777 == 0o664


def test_the_metadata_of_others_is_not_touched(site: Site) -> None:
    before = snapshot(site.root / "q-1.0.dist-info")
    inode = (site.root / "q-1.0.dist-info/RECORD").stat().st_ino
    tree_of(site).remove(["p/tests/deep/a.py"])
    assert snapshot(site.root / "q-1.0.dist-info") == before
    assert (site.root / "q-1.0.dist-info/RECORD").stat().st_ino == inode


def test_rows_that_are_spelled_in_another_way_mean_the_same_file(site: Site) -> None:
    record = site.root / "p-1.0.dist-info/RECORD"
    record.write_text(record.read_text().replace("p/tests/deep/a", "p/./x/../tests/deep/a"))
    tree_of(site).remove(["p/tests/deep/a.py"])
    assert "deep" not in record.read_text()


def test_rows_outside_site_packages_stay(site: Site) -> None:
    record = site.root / "p-1.0.dist-info/RECORD"
    rows = "../../../bin/p,sha256=abc,12\n/etc/p.conf,,\n"
    record.write_text(rows + record.read_text())
    tree_of(site).remove(["p/tests/deep/a.py"])
    assert record.read_text().startswith(rows)


def test_a_file_that_two_records_list_leaves_both(site: Site) -> None:
    record = site.root / "q-1.0.dist-info/RECORD"
    record.write_text(record.read_text() + "p/tests/deep/a.py,,\n")
    tree_of(site).remove(["p/tests/deep/a.py"])
    assert site.untrue_rows() == []


def test_one_of_two_records_that_list_a_file_stays_true_when_the_other_returns(
    site: Site,
) -> None:
    site.install("twin", {"p/tests/deep/a.py": "2", "twin/tests/a.py": "4"})
    tree = tree_of(site)
    tree.remove(["p/tests/deep/a.py", "twin/tests/a.py"])
    tree.put_back(["p/tests/deep/a.py"])
    assert site.untrue_rows() == []
    assert "twin/tests/a.py" not in site.files


def test_a_file_that_no_record_lists_can_go_as_well(site: Site) -> None:
    site.write("p/tests/unlisted.py")
    inode = (site.root / "p-1.0.dist-info/RECORD").stat().st_ino
    tree_of(site).remove(["p/tests/unlisted.py"])
    assert not (site.root / "p/tests/unlisted.py").exists()
    assert (site.root / "p-1.0.dist-info/RECORD").stat().st_ino == inode


def test_a_link_goes_and_what_it_leads_to_stays(site: Site) -> None:
    (site.root / "p/docs/link").symlink_to("../__init__.py")
    tree_of(site).remove(["p/docs/link"])
    assert not (site.root / "p/docs/link").is_symlink()
    assert (site.root / "p/__init__.py").exists()


def test_other_names_of_the_same_files_keep_bytes_and_times(site: Site, tmp_path: Path) -> None:
    twins = twins_of(site, tmp_path / "cache")
    before = snapshot(twins)
    tree = tree_of(site)
    gone = ["p/tests/__init__.py", "p/tests/deep/a.py", "q/tests/a.py"]
    tree.remove(gone)
    assert snapshot(twins) == before
    tree.put_back(gone)
    assert snapshot(twins) == before
    tree.remove(gone)
    site.changes.keep()
    assert snapshot(twins) == before
    assert len(before) > len(snapshot(site.root))


def test_what_stays_keeps_its_time(site: Site) -> None:
    tree_of(site).remove(["p/tests/deep/a.py"])
    kept = site.root / "p/__init__.py"
    assert kept.stat().st_mtime == INSTALLED


def test_what_is_put_back_is_as_it_was(site: Site) -> None:
    before = snapshot(site.root)
    gone = ["p/tests/deep/a.py", "p/docs/a, b.txt", "q/tests/a.py"]
    tree = tree_of(site)
    tree.remove(gone)
    tree.put_back(gone)
    assert snapshot(site.root) == before


def test_one_distribution_can_be_put_back_while_another_stays_without(site: Site) -> None:
    tree = tree_of(site)
    tree.remove(["p/tests/deep/a.py", "q/tests/a.py"])
    tree.put_back(["p/tests/deep/a.py"])
    assert (site.root / "p/tests/deep/a.py").exists()
    assert not (site.root / "q/tests").exists()
    assert site.untrue_rows() == []
    assert "p/tests/deep/a.py" in [row[0] for row in site.record("p-1.0.dist-info")]


def test_files_can_go_again_after_they_were_put_back(site: Site) -> None:
    tree = tree_of(site)
    for _ in range(2):
        tree.remove(["p/tests/deep/a.py", "q/tests/a.py"])
        tree.put_back(["p/tests/deep/a.py", "q/tests/a.py"])
    tree.remove(["q/tests/a.py"])
    assert (site.root / "p/tests/deep/a.py").exists()
    assert site.untrue_rows() == []


def test_undone_the_tree_is_exactly_as_it_was(site: Site) -> None:
    (site.root / "p/docs/link").symlink_to("nowhere")
    before = snapshot(site.root)
    tree_of(site).remove(["p/tests/deep/a.py", "p/docs/a, b.txt", "p/docs/link", "q/tests/a.py"])
    site.changes.undo()
    assert snapshot(site.root) == before
    assert os.listdir(site.app) == [".heroku"]


def test_undone_directories_have_the_modes_that_they_had(site: Site) -> None:
    (site.root / "p/tests/deep").chmod(0o2775)
    before = snapshot(site.root)
    tree_of(site).remove(["p/tests/deep/a.py"])
    site.changes.undo()
    assert snapshot(site.root) == before


def test_undone_after_some_was_put_back_the_tree_is_as_it_was(site: Site) -> None:
    before = snapshot(site.root)
    tree = tree_of(site)
    tree.remove(["p/tests/deep/a.py", "q/tests/a.py"])
    tree.put_back(["q/tests/a.py"])
    site.changes.undo()
    assert snapshot(site.root) == before


def test_kept_nothing_waits_any_longer(site: Site) -> None:
    tree_of(site).remove(["p/tests/deep/a.py"])
    site.changes.keep()
    assert not site.changes.side.exists()
    assert not (site.root / "p/tests/deep/a.py").exists()


HALF = Shrink((Range(1000, 5000),))  # whatever the file: what is dead is others' business


@pytest.fixture
def large(site: Site) -> Path:
    """A file of a distribution of its own, shrunk by `HALF` in these tests."""
    site.install("large", {"large/__init__.py": "", "large/data": b"x" * 10_000})
    return site.root / "large/data"


def test_a_file_shrinks_and_record_has_its_new_hash(site: Site, large: Path) -> None:
    hashes = tree_of(site).shrink({"large/data": HALF})
    assert large.read_bytes() == b"x" * 1000 + bytes(5000) + b"x" * 4000
    assert site.untrue_rows() == []
    rows = {row[0]: row[1:] for row in site.record("large-1.0.dist-info")}
    assert rows["large/data"] == [hashes["large/data"], "10000"]


@compiled.needs_compiler
def test_a_file_that_gets_shorter_has_its_new_size_on_record(site: Site, tmp_path: Path) -> None:
    compiled_file = compiled.library(tmp_path / "liba.so")
    site.install("native", {"native/liba.so": compiled_file.read_bytes()})
    tree_of(site).shrink({"native/liba.so": shrink(compiled_file)})
    assert (site.root / "native/liba.so").stat().st_size < compiled_file.stat().st_size
    assert site.untrue_rows() == []


def test_a_hash_that_is_known_is_taken_as_it_is(site: Site, large: Path) -> None:
    known = tree_of(site).shrink({"large/data": HALF})
    site.changes.undo()
    site.renew()
    assert tree_of(site).shrink({"large/data": HALF}, known) == known
    assert site.untrue_rows() == []
    site.changes.undo()
    site.renew()
    told = {"large/data": "sha256=told"}
    assert tree_of(site).shrink({"large/data": HALF}, told) == told
    assert site.untrue_rows() == ["large/data"]


def test_what_shrank_is_a_new_file_with_the_mode_and_time_of_the_old_one(
    site: Site, large: Path, tmp_path: Path
) -> None:
    large.chmod(0o751)
    twins = twins_of(site, tmp_path / "cache")
    before = snapshot(twins)
    tree = tree_of(site)
    tree.shrink({"large/data": HALF})
    assert snapshot(twins) == before
    assert (large.stat().st_mode & 0o777, large.stat().st_mtime) == (0o751, INSTALLED)
    tree.put_back(["large/data"])
    assert snapshot(site.root) == snapshot(twins)


def test_one_step_after_another_record_stays_true(site: Site, large: Path) -> None:
    tree = tree_of(site)
    tree.remove(["large/__init__.py"])
    tree.shrink({"large/data": HALF})
    assert site.untrue_rows() == []
    assert "__init__" not in (site.root / "large-1.0.dist-info/RECORD").read_text()


@given(st.lists(st.one_of(NAMES, NASTY), min_size=1, max_size=12, unique=True), st.data())
@settings(max_examples=60, deadline=None)
def test_a_record_keeps_exactly_the_rows_of_the_files_that_are_left(
    names: list[str], data: st.DataObject
) -> None:
    with tempfile.TemporaryDirectory() as directory:
        site = Site(Path(directory))
        paths = [f"p/tests/{name}" for name in names]
        info = "p-1.0.dist-info"
        for path in paths:
            site.write(path, b"x")
        text = io.StringIO(newline="")
        csv.writer(text).writerows([path, "sha256=abc", "1"] for path in [*paths, f"{info}/RECORD"])
        site.write(f"{info}/RECORD", os.fsencode(text.getvalue()))
        gone = data.draw(st.sets(st.sampled_from(paths)))
        tree_of(site).remove(gone)
        left = [row[0] for row in read_record((site.root / info / "RECORD").read_bytes())]
        assert left == [path for path in [*paths, f"{info}/RECORD"] if path not in gone]
        assert all((site.root / path).is_file() for path in left)


@given(
    st.lists(
        st.tuples(st.one_of(NAMES, NASTY), st.one_of(NAMES, st.just("")), st.just("1")).map(list),
        max_size=8,
    )
)
def test_rows_survive_being_written_and_read(rows: list[list[str]]) -> None:
    assert read_record(write_record(rows)) == rows

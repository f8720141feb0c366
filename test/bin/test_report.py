"""bin/report prints the record of the build that just ran, and an empty one without it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from support.paths import REPOSITORY
from support.snapshot import snapshot

RECORD = '{"slugfit_version": "0.1.0", "models": 1, "failure_detail": "fl\\u00f6te: 50 % \\\\n"}\n'


def report(cache: Path) -> subprocess.CompletedProcess[str]:
    """Run bin/report where no Python is on PATH."""
    return subprocess.run(
        ["/bin/bash", REPOSITORY / "bin" / "report", cache.parent / "app", cache, cache / "env"],
        env={"PATH": "/usr/bin:/bin", "HOME": "/app"},
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    cache = tmp_path / "ca che"
    (cache / "slugfit").mkdir(parents=True)
    return cache


def test_the_record_is_printed_as_it_is(cache: Path) -> None:
    (cache / "slugfit" / "record.json").write_text(RECORD)
    finished = report(cache)
    assert (finished.returncode, finished.stdout, finished.stderr) == (0, RECORD, "")


def test_without_a_record_an_empty_one_is_printed(cache: Path) -> None:
    finished = report(cache)
    assert (finished.returncode, finished.stdout, finished.stderr) == (0, "{}\n", "")


def test_a_cache_that_does_not_exist_has_no_record(tmp_path: Path) -> None:
    assert report(tmp_path / "missing").stdout == "{}\n"
    assert os.listdir(tmp_path) == []


def test_a_record_of_another_buildpack_is_not_ours(cache: Path) -> None:
    (cache / "record.json").write_text(RECORD)
    (cache / "slugfit" / "report.json").write_text(RECORD)
    assert report(cache).stdout == "{}\n"


def test_reporting_changes_nothing(cache: Path) -> None:
    (cache / "slugfit" / "record.json").write_text(RECORD)
    before = snapshot(cache)
    report(cache)
    assert snapshot(cache) == before

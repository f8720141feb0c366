"""Reports of models are remembered as they were, and what is damaged is no report."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from slugfit.base.changes import Changes
from slugfit.models.check import Comparison, LoadReport
from slugfit.models.check.verdict_cache import VerdictCache, key_of, packages_key
from slugfit.models.formats.inspection import TensorSpec

REPORT = LoadReport(
    runtime="onnxruntime",
    version="1.31.1",
    isolated=True,
    inputs=(TensorSpec("x", "float32", (None, 8)), TensorSpec("y", "string", None)),
    outputs=(),
    import_seconds=0.25,
    load_seconds=0.5,
    first_seconds=None,
    median_seconds=None,
    python_bytes=1,
    runtime_bytes=2,
    peak_bytes=3,
    comparison=Comparison(360, float("inf"), 0.5, None, 17, 1.0),
    notes=("a note",),
)
KEY = key_of(["model", 1.0])


def saved(directory: Path, cache: VerdictCache) -> list[Path]:
    changes = Changes(directory, directory / "side")
    cache.save(changes)
    changes.keep()
    return sorted(directory.glob("checks/*"))


def test_a_report_is_recalled_as_it_was(tmp_path: Path) -> None:
    cache = VerdictCache(tmp_path / "checks")
    assert cache.get(KEY) is None
    cache.add(KEY, REPORT)
    assert len(saved(tmp_path, cache)) == 1
    again = VerdictCache(tmp_path / "checks")
    assert again.get(KEY) == REPORT
    assert len(saved(tmp_path, again)) == 1
    assert saved(tmp_path, VerdictCache(tmp_path / "checks")) == []


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"{}", id="not packed"),
        pytest.param(gzip.compress(b""), id="nothing, packed"),
        pytest.param(gzip.compress(b"{}"), id="empty"),
        pytest.param(gzip.compress(b"[]"), id="a list"),
        pytest.param(gzip.compress(b"\xff"), id="no text"),
        pytest.param(gzip.compress(b'{"inputs": 1}'), id="another document"),
    ],
)
def test_what_is_damaged_is_no_report(tmp_path: Path, content: bytes) -> None:
    cache = VerdictCache(tmp_path / "checks")
    cache.add(KEY, REPORT)
    [file] = saved(tmp_path, cache)
    file.write_bytes(content)
    assert VerdictCache(tmp_path / "checks").get(KEY) is None


def test_packages_are_what_their_records_say(tmp_path: Path) -> None:
    empty = packages_key(tmp_path)
    info = tmp_path / "numpy-2.0.dist-info"
    info.mkdir()
    (info / "RECORD").write_text("numpy/a.py,sha256=a,1\n")
    first = packages_key(tmp_path)
    (info / "RECORD").write_text("numpy/a.py,sha256=b,1\n")
    assert len({empty, first, packages_key(tmp_path)}) == 3

"""On which dynos models fit."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from slugfit.models.check import LoadReport
from slugfit.models.check.workers import (
    FRAMEWORK_BYTES,
    GUNICORN_BYTES,
    worker_bytes,
    workers,
    workers_by_dyno,
)

MB = 1_000_000
SMALL = LoadReport(
    runtime="tflite-runtime",
    version="2.14.0",
    isolated=False,
    inputs=(),
    outputs=(),
    import_seconds=0.1,
    load_seconds=0.1,
    first_seconds=0.1,
    median_seconds=0.1,
    python_bytes=14 * MB,
    runtime_bytes=25 * MB,
    peak_bytes=3 * MB,
)


def test_a_small_model_fits_everywhere() -> None:
    assert workers_by_dyno([SMALL]) == [("Eco, Basic, Standard-1X", 7), ("Standard-2X", 15)]


def test_a_large_one_needs_a_large_dyno() -> None:
    large = replace(SMALL, runtime="torch", runtime_bytes=220 * MB, peak_bytes=900 * MB)
    assert workers_by_dyno([large]) == [("Performance-M", 2), ("Performance-L", 12)]


def test_one_that_no_dyno_has_room_for() -> None:
    assert workers_by_dyno([replace(SMALL, peak_bytes=200_000 * MB)]) == []


def test_a_runtime_counts_once_and_what_the_app_can_not_load_not_at_all() -> None:
    other = replace(SMALL, runtime="onnxruntime", runtime_bytes=33 * MB, peak_bytes=9 * MB)
    alone = worker_bytes([SMALL])
    assert alone == (14 + 25 + 3) * MB + FRAMEWORK_BYTES
    assert worker_bytes([SMALL, SMALL]) == alone + 3 * MB
    assert worker_bytes([SMALL, other]) == alone + (33 + 9) * MB
    assert worker_bytes([SMALL, replace(SMALL, isolated=True)]) == alone


@given(st.integers(1, 10**12), st.integers(1, 10**12))
def test_as_many_workers_fit_as_there_is_room_for(worker: int, dyno: int) -> None:
    count = workers(worker, dyno)
    room = max(dyno - GUNICORN_BYTES, 0)
    assert count * worker <= room < (count + 1) * worker

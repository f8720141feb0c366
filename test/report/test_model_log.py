"""What the log says about models, to the letter."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from models.test_workers import MB, SMALL
from slugfit.models.app_python import AppPython
from slugfit.models.check import Comparison
from slugfit.models.convert import Converted
from slugfit.models.formats import TensorSpec
from slugfit.report.model_log import ModelLog
from support.build_log import BuildLog

NOWHERE = Path("/nowhere")
CONVERTED = Converted(Path("model"), "0" * 64, 4_700_000, None, False, 18_400_000, "m.keras")
COMPARISON = Comparison(360, 0.0123, 0.001, 0.99999, 0, 1.0)


@pytest.fixture
def log() -> BuildLog:
    return BuildLog()


@pytest.fixture
def model_log(log: BuildLog) -> ModelLog:
    return ModelLog(AppPython(NOWHERE, NOWHERE, "3.12.1", NOWHERE, {}), log.output)


def test_a_loaded_model_with_its_times_memory_and_tensors(
    log: BuildLog, model_log: ModelLog
) -> None:
    five = tuple(TensorSpec(name, "float32", (None, 8)) for name in "abcde")
    one = (TensorSpec("probability", "float32", None),)
    report = replace(SMALL, load_seconds=1.25, median_seconds=0.00007, inputs=five, outputs=one)
    model_log.loaded(replace(report, notes=("a note",)))
    assert (
        log.steps
        == """\
       Loads in tflite-runtime 2.14.0: load 1.2 s, inference 0.07 ms, memory 3.0 MB
       inputs: "a" float32 [?, 8], "b" float32 [?, 8], "c" float32 [?, 8], "d" float32 [?, 8] and 1 more
       output: "probability" float32
       a note
"""  # noqa: E501 - one line of the log
    )


def test_a_model_without_inference(log: BuildLog, model_log: ModelLog) -> None:
    model_log.loaded(replace(SMALL, load_seconds=0.019, median_seconds=None))
    assert log.steps == ("       Loads in tflite-runtime 2.14.0: load 19 ms, memory 3.0 MB\n")


def test_a_comparison_with_its_reference(log: BuildLog, model_log: ModelLog) -> None:
    model_log.compared(COMPARISON, "the original model on 360 samples")
    model_log.compared(replace(COMPARISON, agreement=None), "check.reference on 5 samples")
    assert log.steps == (
        "       Compared with the original model on 360 samples: "
        "top-1 agreement 99.9%, max error 0.012\n"
        "       Compared with check.reference on 5 samples: max error 0.012\n"
    )


def test_a_conversion_with_its_gain_and_agreement_rounded_down(
    log: BuildLog, model_log: ModelLog
) -> None:
    for comparison in (None, replace(COMPARISON, agreement=None), COMPARISON):
        model_log.converted(CONVERTED, "models/model.tflite", comparison)
    sizes = "       m.keras 18.4 MB → model.tflite 4.7 MB (-74%)"
    assert log.steps == (f"{sizes}\n{sizes}\n{sizes}, top-1 agreement 99.9% on 360 samples\n")


def test_workers_by_dyno(log: BuildLog, model_log: ModelLog) -> None:
    model_log.dynos([SMALL, SMALL])
    assert log.steps == (
        "       A gunicorn worker with the 2 models needs about 65.0 MB. Workers per dyno:\n"
        "       Eco, Basic, Standard-1X: 7; Standard-2X: 14\n"
    )


def test_a_model_that_no_dyno_has_room_for(log: BuildLog, model_log: ModelLog) -> None:
    model_log.dynos([replace(SMALL, peak_bytes=200_000 * MB)])
    assert log.steps == (
        "       A gunicorn worker with the model needs about 200.06 GB: more than any dyno has\n"
    )


def test_of_models_that_the_app_can_not_load_no_dynos_are_listed(
    log: BuildLog, model_log: ModelLog
) -> None:
    model_log.dynos([replace(SMALL, isolated=True)])
    assert log.steps == ""

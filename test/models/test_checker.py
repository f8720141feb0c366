"""Models in the runtimes that will serve them: what the log says, and what is found."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from bench.strip_stacks import INSTALLED, key
from slugfit.models.app_python import AppPython
from slugfit.models.check import CheckedModel, Expected
from slugfit.models.check.failures import FlexOps
from slugfit.models.check.mismatches import Inaccurate
from slugfit.models.formats.inspection import TensorSpec
from slugfit.report.model_log import ModelLog
from slugfit.settings.model import CheckSettings
from support.build_log import BuildLog
from support.models_tried import MODELS, Bench, Recognised, bare, stack, with_package, write_npz
from support.sources import model_from

NUMBERS = re.compile(r"\d[\d.]* (?:ms|s|B|KB|MB)\b")
VERSIONS = re.compile(r"\b\d+\.\d+\.\d+\b")


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path / "app", tmp_path / "cache", stack("tflite"))


@pytest.fixture
def onnx(tmp_path: Path) -> Bench:
    return Bench(tmp_path / "app", tmp_path / "cache", stack("onnxruntime"))


def plain(text: str) -> str:
    """The text without the numbers that differ from run to run."""
    return VERSIONS.sub("V", NUMBERS.sub("N", text))


def test_a_model_loads_and_answers_in_the_apps_own_runtime(bench: Bench) -> None:
    checked = bench.check("digits.tflite", "tflite")
    assert plain(bench.log.steps) == (
        "-----> Loading digits.tflite in tflite-runtime V\n"
        "       Loads in tflite-runtime V: load N, inference N, memory N\n"
        '       input: "input_1" float32 [?, 8, 8, 1]\n'
        '       output: "dense_1" float32 [?, 10]\n'
    )
    assert bench.log.alerts == ""
    report = checked.report
    assert report is not None
    assert (report.runtime, report.isolated) == ("tflite-runtime", False)
    assert report.inputs == (TensorSpec("input_1", "float32", (None, 8, 8, 1)),)
    assert report.outputs == (TensorSpec("dense_1", "float32", (None, 10)),)
    assert report.first_seconds is not None
    assert report.first_seconds > 0
    assert 1_000_000 < report.peak_bytes < 50_000_000
    assert 5_000_000 < report.python_bytes < 50_000_000
    assert 5_000_000 < report.runtime_bytes < 200_000_000


def test_outputs_keep_the_order_of_the_model_not_that_of_the_converter(bench: Bench) -> None:
    settings = CheckSettings(input="two_inputs.npz", reference="two_outputs.npz", max_error=1e-5)
    checked = bench.check("two.tflite", "tflite", settings)
    assert checked.report is not None
    assert [tensor.shape for tensor in checked.report.outputs] == [(None, 10), (None, 1)]
    found = checked.report.comparison
    assert found is not None
    assert (found.samples, found.agreement) == (20, 1.0)


def test_a_quantized_model_is_compared_by_the_numbers_it_stands_for(bench: Bench) -> None:
    settings = CheckSettings(input="int8_inputs.npz", reference="int8_outputs.npz", max_error=0.02)
    checked = bench.check("int8.tflite", "tflite", settings)
    assert checked.report is not None
    assert checked.report.inputs[0].dtype == "int8"
    last = bench.log.steps.splitlines()[-1]
    assert re.fullmatch(
        r" {7}Compared with check\.reference on 20 samples: "
        r"top-1 agreement \d+\.0%, max error 0\.0\d+",
        last,
    )


def test_litert_and_tflite_runtime_say_the_same(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "app", tmp_path / "cache", stack("litert"))
    settings = CheckSettings(input="two_inputs.npz", reference="two_outputs.npz", max_error=1e-5)
    bench.check("two.tflite", "tflite", settings)
    assert "Loading two.tflite in ai-edge-litert" in bench.log.steps
    assert "top-1 agreement 100.0%" in bench.log.steps


def test_what_was_expected_of_a_conversion_comes_before_the_settings(bench: Bench) -> None:
    expected = Expected(
        bench.app / "two_inputs.npz", bench.app / "two_outputs.npz", "m.keras on 20 samples", 1e-5
    )
    bench.check("two.tflite", "tflite", CheckSettings(input="nothing.npz"), expected)
    assert "Compared with m.keras on 20 samples: top-1 agreement 100.0%" in bench.log.steps


@pytest.mark.parametrize(
    ("name", "note"),
    [
        ("string.onnx", 'input "x" has dtype string.'),
        ("bfloat16.onnx", "No corresponding Numpy type for Tensor Type. bfloat16."),
    ],
)
def test_what_zeros_can_not_serve_loads_all_the_same(onnx: Bench, name: str, note: str) -> None:
    checked = onnx.check(name, "onnx")
    assert checked.notes == (f"No inference on zeros: {note} Set check.input.",)
    assert checked.report is not None
    assert checked.report.first_seconds is None
    assert "load N, memory N" in plain(onnx.log.steps)


def test_a_fixed_number_of_samples_is_filled_up(onnx: Bench) -> None:
    """Eight at once, of twenty; that they are the same ones is what the reference tells."""
    write_npz(onnx.app / "in.npz", {"x": [[float(i)] + [0.0] * 63 for i in range(20)]})
    write_npz(onnx.app / "zeros.npz", {"y": [[0.0] * 10] * 20})
    settings = CheckSettings(input="in.npz", reference="zeros.npz")
    checker = onnx.checker()
    names = ("any.onnx", "fixed.onnx")
    found = [onnx.check(name, "onnx", settings, checker=checker) for name in names]
    any_, fixed = (checked.report.comparison for checked in found if checked.report)
    assert any_ == fixed
    assert fixed is not None
    assert (fixed.samples, fixed.worst_sample) == (20, 19)


def test_labels_count_as_agreement_and_probabilities_by_class_are_columns(onnx: Bench) -> None:
    settings = CheckSettings(
        input="classifier_inputs.npz", reference="classifier_outputs.npz", max_error=1e-5
    )
    checked = onnx.check("classifier.onnx", "onnx", settings)
    assert checked.report is not None
    assert checked.report.comparison is not None
    assert checked.report.comparison.agreement == 1.0


def test_torchscript_does_not_tell_its_shapes_and_an_app_may_have_no_numpy(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "app", tmp_path / "cache", stack("torch"))
    assert bench.check("traced.pt", "torchscript").notes == (
        "No inference on zeros: the app has no numpy. Set check.input.",
    )
    write_npz(bench.app / "in.npz", {"x": [[0.0] * 64] * 33})
    write_npz(bench.app / "out.npz", {"y": [[0.1] * 10] * 33})
    settings = CheckSettings(input="in.npz", reference="out.npz", max_error=0.1)
    for name, format_name in (("traced.pt", "torchscript"), ("exported.pt2", "torch-export")):
        checked = bench.check(name, format_name, settings)
        assert checked.report is not None
        assert checked.report.comparison is not None
        assert checked.report.comparison.samples == 33


def test_an_app_without_a_runtime_is_warned_and_the_model_is_tried_in_ours(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "app", tmp_path / "cache", bare(tmp_path / "python"))
    checked = bench.check("digits.tflite", "tflite")
    assert checked.report is not None
    assert checked.report.isolated
    old = sys.version_info < (3, 12)
    name = "tflite-runtime" if old else "ai-edge-litert"
    version = checked.report.version
    assert bench.log.alerts == (
        "\n"
        " !     Warning: The app has no runtime for digits.tflite.\n"
        " !\n"
        " !     None of these is installed: tflite-runtime, ai-edge-litert, tensorflow.\n"
        f" !     It loads in {name} {version}, which Slugfit installed for this check.\n"
        " !\n"
        " !     If the app loads this model, add to requirements.txt:\n"
        f" !     {name}=={version}\n" + (" !     numpy<2\n" if old else "") + "\n"
    )


def test_what_ours_does_not_load_proves_nothing_about_the_app(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "app", tmp_path / "cache", bare(tmp_path / "python"))
    assert bench.check("flex.tflite", "tflite").report is None
    _, detail = bench.log.steps.splitlines()
    assert plain(detail).endswith(
        " V reports: Select TensorFlow op(s) not supported: FlexMatrixInverse."
    )
    assert "The app has no runtime for flex.tflite.\n" in bench.log.alerts
    expected = Expected(bench.app / "two_inputs.npz", bench.app / "two_outputs.npz", "a model")
    with pytest.raises(FlexOps):
        bench.check("flex.tflite", "tflite", expected=expected)


@pytest.mark.skipif(
    not (INSTALLED / f"tensorflow-{key('tensorflow')}" / ".ready").exists(),
    reason="takes 1.6 GB that `make bench-strip` installs",
)
def test_keras_and_saved_models_answer_in_tensorflow(tmp_path: Path) -> None:
    python = stack("tensorflow")
    bench = Bench(tmp_path / "app", tmp_path / "cache", python)
    save = [python[0], MODELS / "make.py", "keras", bench.app]
    subprocess.run(list(map(str, save)), check=True, capture_output=True)
    settings = CheckSettings(input="keras_inputs.npz", reference="keras_outputs.npz")
    formats = {"two.keras": "keras", "two.h5": "hdf5", "two_saved_model": "saved-model"}
    for name, format_name in formats.items():
        report = bench.check(name, format_name, settings).report
        assert report is not None
        assert [tensor.shape for tensor in report.inputs] in (
            [(None, 8, 8, 1), (None, 4)],
            [(None, 4), (None, 8, 8, 1)],
        )
        assert report.comparison is not None
        assert report.comparison.max_error < 1e-5


def test_a_newer_python_has_no_tflite_runtime_and_the_import_changes(bench: Bench) -> None:
    (bench.app / "requirements.txt").write_text("tflite_runtime; python_version < '3.12'\n")
    app = AppPython(bench.app, bench.python[0], "3.13.2", bench.python[1], {})
    ModelLog(app, bench.log.output).no_runtime("a.tflite", "tflite", None)
    assert bench.log.alerts == (
        "\n"
        " !     Warning: The app has no runtime for a.tflite.\n"
        " !\n"
        " !     None of these is installed: tflite-runtime, ai-edge-litert, tensorflow.\n"
        " !     Only its structure was checked.\n"
        " !\n"
        " !     tflite-runtime has no wheels for Python 3.13.2.\n"
        " !     In requirements.txt, replace tflite-runtime with:\n"
        " !     ai-edge-litert\n"
        " !     In the app, replace the import from tflite_runtime.interpreter with:\n"
        " !     from ai_edge_litert.interpreter import Interpreter\n"
        "\n"
    )


def test_of_what_is_too_big_to_install_only_the_structure_is_checked(bench: Bench) -> None:
    checked = bench.check("traced.pt", "torchscript")
    assert checked == CheckedModel("traced.pt", None, ("the app has no runtime for it",))
    assert bench.log.steps == ""
    assert bench.log.alerts.splitlines()[-3:] == [
        " !     --extra-index-url https://download.pytorch.org/whl/cpu",
        " !     torch",
        "",
    ]


@pytest.mark.parametrize(
    ("recognised", "settings", "note"),
    [
        (
            Recognised("pickle", code="a pickle"),
            CheckSettings(),
            "opening it may run code (a pickle), which requires allow_code = true.",
        ),
        (Recognised("onnx"), CheckSettings(load=False), "check.load is false."),
        (
            Recognised("safetensors", "safetensors"),
            CheckSettings(),
            "safetensors contains only weights, for which the app's code has the model.",
        ),
    ],
)
def test_what_is_not_loaded_says_why(
    bench: Bench, recognised: Recognised, settings: CheckSettings, note: str
) -> None:
    assert bench.check("digits.tflite", recognised, settings).notes == (f"Not loaded: {note}",)
    assert bench.log.steps == f"       digits.tflite: Not loaded: {note}\n"


def test_a_companion_of_a_model_is_passed_over_in_silence(bench: Bench) -> None:
    checked = bench.check("digits.tflite", Recognised(None))
    assert checked == CheckedModel("digits.tflite", None)
    assert bench.log.steps + bench.log.alerts == ""


def test_a_pickle_is_opened_when_that_is_allowed(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "app", tmp_path / "cache", bare(tmp_path / "python"))
    (bench.app / "shapes.py").write_text("class Square: side = 2\n")
    (bench.app / "square.pkl").write_bytes(b"cshapes\nSquare\n.")
    model = model_from("square.pkl", "square.pkl", allow_code=True)
    recognised = Recognised("pickle", code="a pickle")
    checked = bench.checker().check(model, bench.app / "square.pkl", "of it", recognised)
    assert checked.report is not None
    assert plain(bench.log.steps) == (
        "-----> Loading square.pkl in Python's pickle\n"
        "       Loads in Python's pickle: load N, memory N\n"
        "       No inference on zeros: the inputs are unknown. Set check.input.\n"
    )


def test_code_of_the_apps_own_is_no_fault_of_the_model(onnx: Bench) -> None:
    checked = onnx.check("custom.onnx", "onnx")
    assert checked.report is None
    assert onnx.log.steps.splitlines()[1:] == [
        "       custom.onnx: Not verified: it needs the app's own code: Load model from "
        "custom.onnx failed:Fatal error: my.ops:Mine(-1) is not a registered function/op."
    ]


def test_a_verdict_is_found_again_in_no_time(bench: Bench) -> None:
    settings = CheckSettings(input="two_inputs.npz", reference="two_outputs.npz", max_error=1e-5)
    verdicts = bench.verdicts()
    first = bench.check("two.tflite", "tflite", settings, checker=bench.checker(verdicts))
    bench.save_verdicts(verdicts)
    log = bench.log.steps
    begin = time.process_time()
    checker = bench.checker()
    again = bench.check("two.tflite", "tflite", settings, checker=checker)
    assert time.process_time() - begin < 0.1
    assert again == first
    _, *details = log.splitlines()
    assert bench.log.steps == log + "\n".join(
        ["-----> Using cached verdict for two.tflite", *details, ""]
    )
    # The bounds are the settings' of today.
    with pytest.raises(Inaccurate):
        bench.check("two.tflite", "tflite", replace(settings, max_error=0.0), checker=checker)


def test_a_verdict_holds_for_one_model_its_data_and_its_packages(tmp_path: Path) -> None:
    python, site = bare(tmp_path / "python")
    with_package(site, "lightgbm", "4.0", BOOSTER)
    bench = Bench(tmp_path / "app", tmp_path / "cache", (python, site))

    def loads(settings: CheckSettings) -> str:
        verdicts = bench.verdicts()
        bench.log = BuildLog()
        bench.check("any.onnx", "lightgbm", settings, checker=bench.checker(verdicts))
        bench.save_verdicts(verdicts)
        return bench.log.steps.split()[1]

    default = CheckSettings()
    assert [loads(default), loads(default)] == ["Loading", "Using"]
    assert loads(replace(default, timeout=50.0)) == "Loading"
    # What was of no use is gone.
    assert loads(default) == "Loading"
    with_package(site, "other", "1.0", "")
    assert [loads(default), loads(default)] == ["Loading", "Using"]


BOOSTER = """
class Booster:
    def __init__(self, model_file): pass
    def num_feature(self): return 0
"""

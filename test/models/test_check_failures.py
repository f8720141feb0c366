"""Failed checks, with runtimes that are broken as they break for users."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slugfit.base.errors import Failure
from slugfit.base.process import Finished
from slugfit.models.check import Comparison
from slugfit.models.check.attempt import Attempt, Subject
from slugfit.models.check.failures import (
    Crashed,
    DoesNotLoad,
    FlexOps,
    RuntimeBroken,
    TooMuchMemory,
    TooSlow,
    UnsupportedOpset,
)
from slugfit.models.check.mismatches import Inaccurate, InputMismatch
from slugfit.models.check.runtimes import ModelRuntime
from slugfit.models.check.verdict import ProbeOutcome, failure_of
from slugfit.settings.model import CheckSettings
from support.build_log import error_text
from support.models_tried import Bench, bare, stack, with_package, write_npz

SKIP = "To skip this check, add to the model in slugfit.toml:\n   check = { load = false }\n"
MORE = "\nFor more information, see:\nhttps://github.com/slugfit/slugfit/blob/main/docs/errors.md#check"


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path / "app", tmp_path / "cache", stack("tflite"))


@pytest.fixture
def onnx(tmp_path: Path) -> Bench:
    return Bench(tmp_path / "app", tmp_path / "cache", stack("onnxruntime"))


def broken(tmp_path: Path, source: str) -> Bench:
    """An app whose lightgbm is this module."""
    python, site = bare(tmp_path / "python")
    with_package(site, "lightgbm", "4.7.0", source)
    return Bench(tmp_path / "app", tmp_path / "cache", (python, site))


def test_a_model_that_the_runtime_refuses(onnx: Bench) -> None:
    model = onnx.app / "any.onnx"
    model.write_bytes(model.read_bytes()[:1000])
    with pytest.raises(DoesNotLoad) as raised:
        onnx.check("any.onnx", "onnx")
    runtime = raised.value.subject.runtime
    assert error_text(raised.value) == (
        "Error: A model does not load in the app's runtime.\n"
        "\n"
        f"any.onnx, in {runtime}\n"
        "  Load model from any.onnx failed:Protobuf parsing failed.\n"
        "\n"
        "What fails in the build fails on the dyno, too.\n"
        "\n"
        "To fix this:\n"
        "1. Reproduce it where the app's packages are installed:\n"
        "   python -c \"import onnxruntime; onnxruntime.InferenceSession('any.onnx')\"\n"
        f"2. {SKIP}"
        f"{MORE}does-not-load\n"
    )


def test_an_opset_that_the_runtime_does_not_know(onnx: Bench) -> None:
    with pytest.raises(UnsupportedOpset) as raised:
        onnx.check("opset.onnx", "onnx")
    runtime, supported = raised.value.subject.runtime, raised.value.supported
    assert supported >= 23
    assert error_text(raised.value) == (
        "Error: An ONNX model is newer than the app's ONNX Runtime.\n"
        "\n"
        f"opset.onnx, in {runtime}\n"
        "the model's opset: 99\n"
        f"supported by {runtime}: {supported}\n"
        "\n"
        "What fails in the build fails on the dyno, too.\n"
        "\n"
        "To fix this:\n"
        "1. Use the newest ONNX Runtime, in requirements.txt:\n"
        "   onnxruntime\n"
        "2. Or export the model for the app's runtime:\n"
        f"   torch.onnx.export(…, opset_version={supported})\n"
        f"{MORE}unsupported-opset\n"
    )


def test_an_ir_version_that_the_runtime_does_not_know(onnx: Bench) -> None:
    with pytest.raises(UnsupportedOpset) as raised:
        onnx.check("ir.onnx", "onnx")
    assert (raised.value.what, raised.value.required) == ("IR version", 99)
    assert f"model.ir_version = {raised.value.supported}; onnx.save(" in error_text(raised.value)


@pytest.mark.parametrize(
    ("message", "line"),
    [
        ("Unsupported model IR version: 10, max supported IR version: 9", "onnxruntime>=1.18"),
        (
            "Opset 20 is under development and more. Current official support for domain ai.onnx "
            "is till opset 19.",
            "onnxruntime>=1.17",
        ),
    ],
)
def test_an_older_runtime_is_to_be_replaced_by_the_first_that_will_do(
    message: str, line: str
) -> None:
    """As ONNX Runtime 1.16 says it, of a model of a year later."""
    failure = failure_to_load(ModelRuntime("onnx", "onnxruntime", "onnxruntime", "1.16.3"), message)
    assert isinstance(failure, UnsupportedOpset)
    assert failure.fixes == (f"Use a newer ONNX Runtime, in requirements.txt:\n{line}",)


def test_ops_of_tensorflows_own(bench: Bench) -> None:
    with pytest.raises(FlexOps) as raised:
        bench.check("flex.tflite", "tflite")
    assert error_text(raised.value) == (
        "Error: A TensorFlow Lite model uses TensorFlow ops.\n"
        "\n"
        f"flex.tflite, in {raised.value.subject.runtime}\n"
        "  Select TensorFlow op(s) not supported: FlexMatrixInverse\n"
        "\n"
        "Only a runtime that was built with the flex delegate supports them:\n"
        "tflite-runtime and ai-edge-litert do not.\n"
        "\n"
        "To fix this:\n"
        "1. Convert it without SELECT_TF_OPS, so that the converter lists the unsupported\n"
        "   ops, and replace those in the model:\n"
        "   converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]\n"
        "2. Serve the SavedModel or the Keras model with tensorflow-cpu instead.\n"
        f"3. {SKIP}"
        f"{MORE}flex-ops\n"
    )


def test_tflite_runtime_beside_numpy_2(tmp_path: Path) -> None:
    """The packages of two real stacks, in one directory."""
    python, site = bare(tmp_path / "python")
    for name, pattern in (("tflite", "tflite_runtime*"), ("onnxruntime", "numpy*")):
        for path in sorted(stack(name)[1].glob(pattern)):
            (site / path.name).symlink_to(path)
    bench = Bench(tmp_path / "app", tmp_path / "cache", (stack("tflite")[0], site))
    bench.python = (python, site)
    with pytest.raises(RuntimeBroken) as raised:
        bench.check("digits.tflite", "tflite")
    text = error_text(raised.value)
    assert text.startswith("Error: The app's runtime for a model does not work.\n")
    assert text.partition("To fix this:\n")[2] == (
        "1. tflite-runtime is built against numpy 1. Add to requirements.txt:\n"
        "   numpy<2\n"
        "2. Or migrate to its successor.\n"
        "   In requirements.txt, replace tflite-runtime with:\n"
        "   ai-edge-litert\n"
        "   In the app, replace the import from tflite_runtime.interpreter with:\n"
        "   from ai_edge_litert.interpreter import Interpreter\n"
        "3. Reproduce it where the app's packages are installed:\n"
        '   python -c "from tflite_runtime.interpreter import Interpreter; '
        "Interpreter('digits.tflite').allocate_tensors()\"\n"
        f"4. {SKIP}"
        f"{MORE}runtime-broken\n"
    )


def test_a_runtime_that_lacks_a_module(tmp_path: Path) -> None:
    bench = broken(tmp_path, "import scipy.sparse")
    with pytest.raises(RuntimeBroken) as raised:
        bench.check("any.onnx", "lightgbm")
    assert raised.value.message == "ModuleNotFoundError: No module named 'scipy'"
    assert raised.value.fixes == ("Add the missing package to requirements.txt:\nscipy",)


def test_a_runtime_that_lacks_a_library_of_the_system(tmp_path: Path) -> None:
    bench = broken(tmp_path, "import ctypes; ctypes.CDLL('libgomp-of-nobody.so.1')")
    with pytest.raises(RuntimeBroken) as raised:
        bench.check("any.onnx", "lightgbm")
    [fix] = raised.value.fixes
    assert fix == (
        "The system library libgomp-of-nobody.so.1 is missing. Find its package on\n"
        "https://packages.ubuntu.com, add it to an Aptfile, and add this buildpack:\n"
        "heroku buildpacks:add --index 1 heroku-community/apt"
    )


def test_a_model_that_crashes_its_runtime(tmp_path: Path) -> None:
    source = "import ctypes\ndef Booster(model_file): ctypes.string_at(0)\n"
    bench = broken(tmp_path, source)
    with pytest.raises(Crashed) as raised:
        bench.check("any.onnx", "lightgbm")
    assert error_text(raised.value) == (
        "Error: A model crashes the app's runtime.\n"
        "\n"
        "any.onnx, in lightgbm 4.7.0\n"
        "SIGSEGV while loading the model\n"
        "\n"
        "What fails in the build fails on the dyno, too.\n"
        "\n"
        "To fix this:\n"
        "1. Use another version of lightgbm, or convert the model with the version in the app.\n"
        "2. Reproduce it where the app's packages are installed:\n"
        "   python -c \"import lightgbm; lightgbm.Booster(model_file='any.onnx')\"\n"
        f"3. {SKIP}"
        f"{MORE}crashed\n"
    )


def test_a_model_that_takes_too_long(tmp_path: Path) -> None:
    bench = broken(tmp_path, "import time\ndef Booster(model_file): time.sleep(60)\n")
    with pytest.raises(TooSlow) as raised:
        bench.check("any.onnx", "lightgbm", CheckSettings(timeout=1.5))
    assert error_text(raised.value) == (
        "Error: Loading a model and running it takes too long.\n"
        "\n"
        "any.onnx, in lightgbm 4.7.0\n"
        "after 1.5 seconds: still loading the model\n"
        "\n"
        "A web process has 60 seconds to bind to its port.\n"
        "\n"
        "To fix this:\n"
        "1. Raise the time limit in slugfit.toml:\n"
        '   check = { timeout = "3s" }\n'
        "2. If check.input has many samples, use fewer.\n"
        f"3. {SKIP}"
        f"{MORE}too-slow\n"
    )


def test_a_model_that_takes_too_much_memory(tmp_path: Path) -> None:
    source = (
        "import time\ndef Booster(model_file):\n    big = b'x' * 300_000_000\n    time.sleep(9)\n"
    )
    bench = broken(tmp_path, source)
    with pytest.raises(TooMuchMemory) as raised:
        bench.check("any.onnx", "lightgbm", CheckSettings(memory=200_000_000))
    assert error_text(raised.value) == (
        "Error: A model needs too much memory.\n"
        "\n"
        "any.onnx, in lightgbm 4.7.0\n"
        "more than 200.0 MB while loading the model\n"
        "\n"
        "The limit is for the whole process, with the runtime. Build machines have 2.5 GB.\n"
        "\n"
        "To fix this:\n"
        "1. Quantize the model, if Slugfit can convert it:\n"
        '   convert = { to = "tflite", quantize = "dynamic" }\n'
        "2. Raise the limit in slugfit.toml:\n"
        '   check = { memory = "400MB" }\n'
        f"3. {SKIP}"
        f"{MORE}too-much-memory\n"
    )


def test_arrays_that_are_not_the_models(bench: Bench) -> None:
    with pytest.raises(InputMismatch) as raised:
        bench.check("two.tflite", "tflite", CheckSettings(input="int8_inputs.npz"))
    assert error_text(raised.value) == (
        "Error: The check data does not match the model.\n"
        "\n"
        "int8_inputs.npz, for two.tflite\n"
        "the model's inputs:\n"
        '  "extra" float32 [?, 4]\n'
        '  "image" float32 [?, 8, 8, 1]\n'
        "the arrays in the file:\n"
        '  "image" float32 [20, 8, 8, 1]\n'
        "\n"
        "The first axis of each array is the samples; the others must match the model.\n"
        "\n"
        "To fix this:\n"
        "1. Save one array per input, under its name:\n"
        '   numpy.savez("check/inputs.npz", name=array, …)\n'
        f"{MORE}input-unfit\n"
    )


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"x": [[0.0] * 64] * 2}, '  "y" float32 [3, 10]\nfor 2 input samples'),
        ({"x": [[0.0] * 63] * 3}, '  "x" float32 [3, 63]'),
        ({"x": [0.0] * 64}, '  "x" float32 [64]'),
    ],
)
def test_arrays_of_another_shape(onnx: Bench, arrays: dict[str, list[float]], message: str) -> None:
    write_npz(onnx.app / "in.npz", arrays)
    write_npz(onnx.app / "out.npz", {"y": [[0.0] * 10] * 3})
    with pytest.raises(InputMismatch) as raised:
        onnx.check("any.onnx", "onnx", CheckSettings(input="in.npz", reference="out.npz"))
    assert raised.value.file == "in.npz and out.npz"
    assert raised.value.message.endswith(message)


def test_a_file_that_is_no_npz(onnx: Bench) -> None:
    (onnx.app / "in.npz").write_text("version https://git-lfs.github.com/spec/v1\n")
    with pytest.raises(InputMismatch) as raised:
        onnx.check("any.onnx", "onnx", CheckSettings(input="in.npz"))
    assert raised.value.message.startswith("Not a readable .npz file: ")


def test_a_file_that_is_not_there(onnx: Bench) -> None:
    with pytest.raises(InputMismatch) as raised:
        onnx.check("any.onnx", "onnx", CheckSettings(input="check/in.npz"))
    assert str(raised.value) == (
        "The check data does not match the model: check/in.npz, for any.onnx"
    )


def test_outputs_that_differ_too_much(bench: Bench) -> None:
    """The outputs of one sample are those of another: the rest is right."""
    write_npz(bench.app / "in.npz", {"x": [[[[0.0]] * 8] * 8] * 4})
    write_npz(bench.app / "out.npz", {"y": [[1.0] + [0.0] * 9] * 4})
    settings = CheckSettings(input="in.npz", reference="out.npz", max_error=0.5, min_agreement=0.99)
    with pytest.raises(Inaccurate) as raised:
        bench.check("digits.tflite", "tflite", settings)
    found = raised.value.found
    assert (found.samples, found.agreement, found.spread) == (4, 0.0, 1.0)
    assert found.max_error > 0.5


def test_inaccurate_outputs_are_explained() -> None:
    found = Comparison(360, 0.254321, 0.0123, 0.9612, 17, 1.0)
    assert error_text(Inaccurate("models/m.tflite", "m.keras", found, (0.05, 0.99))) == (
        "Error: A model's outputs differ too much from the reference.\n"
        "\n"
        "models/m.tflite, compared with m.keras\n"
        "top-1 agreement: 96.1% (at least 99.0% required)\n"
        "max error:       0.2543 (at most 0.05 allowed)\n"
        "mean error:      0.0123\n"
        "worst sample:    17 of 360\n"
        "\n"
        "Slugfit does not ship a model that has become less accurate.\n"
        "\n"
        "To fix this:\n"
        '1. If it is converted, quantize less: "dynamic" or "float16" instead of "int8".\n'
        "2. If that is acceptable, allow it in the model's check table:\n"
        "   max_error = 0.28\n"
        "   min_agreement = 0.961\n"
        f"3. {SKIP}"
        f"{MORE}inaccurate\n"
    )


def test_nan_exceeds_every_bound(onnx: Bench) -> None:
    write_npz(onnx.app / "in.npz", {"x": [[1.0] * 64, [-1.0] * 64, [1.0] * 64]})
    write_npz(onnx.app / "out.npz", {"y": [[0.0] * 64] * 3})
    with pytest.raises(Inaccurate) as raised:
        onnx.check("log.onnx", "onnx", CheckSettings(input="in.npz", reference="out.npz"))
    assert "max error:       not a number\n" in error_text(raised.value)
    assert raised.value.found.worst_sample == 1
    assert raised.value.found.agreement == 2 / 3


def test_a_model_of_a_newer_converter_than_the_runtime() -> None:
    runtime = ModelRuntime("tflite", "tflite_runtime", "tflite-runtime", "2.14.0")
    message = (
        "Didn't find op for builtin opcode 'FULLY_CONNECTED' version '12'. An older version of "
        "this builtin might be supported. Are you using an old TFLite binary with a newer model?"
    )
    failure = failure_to_load(runtime, message)
    assert isinstance(failure, DoesNotLoad)
    assert failure.fixes[0].startswith(
        "The model was converted for a newer runtime than tflite-runtime 2.14.0.\n"
        "In requirements.txt, replace tflite-runtime with:\nai-edge-litert\n"
    )


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ("Unknown layer: 'Mine'. Please ensure …", "it needs the app's own code: "),
        (
            "No model config found in the file at …",
            "it contains weights without a model configuration",
        ),
    ],
)
def test_an_inconclusive_check_is_no_failure(message: str, reason: str) -> None:
    found = failure_to_load(
        ModelRuntime("keras", "tensorflow", "tensorflow-cpu", "2.21.0"), message
    )
    assert isinstance(found, str)
    assert found.startswith(reason)


@given(st.text(), st.sampled_from(["import", "data", "load", "inference", "compare"]))
def test_there_is_a_verdict_on_any_message(message: str, stage: str) -> None:
    attempt = Attempt(
        Subject("m", ModelRuntime("onnx", "onnxruntime", "onnxruntime")), Path("/m"), None, 1.0, 1
    )
    result = {"stage": stage, "failed": "RuntimeError", "message": message}
    found = failure_of(attempt, ProbeOutcome(Finished(0, ""), result, over_memory=False))
    assert isinstance(found, str) or error_text(found)


def failure_to_load(runtime: ModelRuntime, message: str) -> Failure | str:
    attempt = Attempt(Subject("models/m", runtime), Path("/m"), None, 120.0, 2_500_000_000)
    result = {"stage": "load", "failed": "RuntimeError", "message": message}
    return failure_of(attempt, ProbeOutcome(Finished(0, ""), result, over_memory=False))

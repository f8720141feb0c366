"""Real models, converted by real tools, answer as their originals do; damaged ones do not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from slugfit.models.convert import Converted
from slugfit.models.convert.converter import TimeLimit
from slugfit.models.convert.failures import (
    ConversionFailed,
    ConversionTimeout,
    OutOfMemory,
    SampleMismatch,
)
from slugfit.settings.model import CheckSettings, ConvertSettings
from support.build_log import error_text
from support.conversions import SCRIPTS, Bench, CachedToolbox, Compared, compare, run_child
from support.paths import DIGITS, FIXTURES

IMAGES = FIXTURES / "flask_tflite_from_keras" / "check" / "inputs.npz"
ROWS = FIXTURES / "flask_onnx" / "check" / "inputs.npz"
PLANES = FIXTURES / "flask_torchscript" / "check" / "inputs.npz"

RANDOM = """
 !     Warning: A converted model is compared with its original on random inputs only.
 !
 !     {path}
 !
 !     That detects a broken conversion, but no loss of accuracy. Add samples of your
 !     own, below the model's source:
 !     check = {{ input = "check/inputs.npz" }}

"""


@pytest.fixture(scope="module")
def toolbox() -> CachedToolbox:
    return CachedToolbox()


@pytest.fixture
def bench(tmp_path: Path, toolbox: CachedToolbox) -> Bench:
    return Bench(tmp_path, toolbox)


def make(kind: str, file: Path, bench: Bench, locks: tuple[str, ...], *words: str) -> Path:
    """A small model, made with the tools in `locks`."""
    paths = [bench.toolbox.provide(lock, 600) for lock in locks]
    run_child(SCRIPTS / "models.py", paths, kind, str(file), *words)
    return file


def answers(converted: Converted, to: str, bench: Bench, *locks: str) -> Compared:
    assert converted.expected
    paths = [bench.toolbox.provide(lock, 600) for lock in locks]
    return compare(converted.path, to, converted.expected, paths)


def damage(converted: Converted, copy: Path) -> Converted:
    """The same file, but for the highest bit of each byte in its second quarter: all weights."""
    content = bytearray(converted.path.read_bytes())
    quarter = len(content) // 4
    for at in range(quarter, 2 * quarter):
        content[at] ^= 0x80
    copy.write_bytes(content)
    return replace(converted, path=copy)


def test_keras_becomes_tflite_of_dynamic_range_once(bench: Bench) -> None:
    model = bench.model(
        DIGITS / "digits.h5",
        ConvertSettings("tflite", "dynamic"),
        CheckSettings(input=str(IMAGES)),
    )
    first = bench.build(model)
    assert bench.log.steps == (
        "-----> Converting digits.h5 to TFLite, dynamic range\n"
        "       Installing TensorFlow for the conversion (not part of the slug)\n"
    )
    assert bench.log.alerts == ""
    assert not first.cached
    assert first.expected
    assert first.expected.what == "the original model on 360 samples"
    assert (first.expected.max_error, first.expected.min_agreement) == (None, 0.98)
    found = answers(first, "tflite", bench, "tensorflow")
    assert found.samples == 360
    assert found.agreement >= 0.99
    assert not found.refused(first.expected)
    assert answers(damage(first, bench.root / "damaged"), "tflite", bench, "tensorflow").refused(
        first.expected
    )
    assert (first.name, first.before) == ("digits.h5", 177_296)
    assert first.bytes < 0.27 * first.before

    bench.toolbox = CachedToolbox()
    second = bench.build(model)
    assert bench.log.steps == (
        "-----> Using cached conversion of digits.h5 to TFLite, dynamic range\n"
    )
    assert bench.toolbox.provided == []
    assert second == replace(first, cached=True)
    assert bench.cached() == ["expected.npz", "inputs.npz", "json", "model"]


def test_keras_becomes_tflite_of_integers(bench: Bench) -> None:
    model = bench.model(
        DIGITS / "digits.keras", ConvertSettings("tflite", "int8", representative=str(IMAGES))
    )
    converted = bench.build(model)
    assert bench.log.alerts == ""  # the representative data are no random ones
    found = answers(converted, "tflite", bench, "tensorflow")
    assert converted.expected
    assert found.agreement >= 0.98
    assert not found.refused(converted.expected)


def test_a_saved_model_is_compared_on_random_inputs(bench: Bench) -> None:
    directory = bench.root / "digits"
    make("saved-model", directory, bench, ("tensorflow",), str(DIGITS / "digits.keras"))
    converted = bench.build(bench.model(directory, ConvertSettings("tflite")))
    assert bench.log.alerts == RANDOM.format(path="models/digits.tflite")
    assert converted.expected
    assert converted.expected.what == "the original model on 16 random samples"
    assert not answers(converted, "tflite", bench, "tensorflow").refused(converted.expected)
    damaged = damage(converted, bench.root / "damaged")
    assert answers(damaged, "tflite", bench, "tensorflow").refused(converted.expected)


def onnx_to_onnx(bench: Bench) -> tuple[Path, CheckSettings, str, tuple[str, ...]]:
    return DIGITS / "digits.onnx", CheckSettings(input=str(ROWS)), str(ROWS), ("onnx", "numpy")


def script_to_onnx(bench: Bench) -> tuple[Path, CheckSettings, str, tuple[str, ...]]:
    return DIGITS / "digits.pt", CheckSettings(input=str(PLANES)), str(PLANES), ("onnx", "numpy")


def export_to_onnx(bench: Bench) -> tuple[Path, CheckSettings, str, tuple[str, ...]]:
    locks = ("torch-cpu", "torch", "numpy")
    model = make("torch-export", bench.root / "small.pt2", bench, locks)
    return model, CheckSettings(), str(ROWS), ("onnx", "numpy")


def pickle_to_onnx(bench: Bench) -> tuple[Path, CheckSettings, str, tuple[str, ...]]:
    model = make("pickle", bench.root / "small.joblib", bench, ("sklearn", "numpy"))
    return model, CheckSettings(), "", ("onnx", "numpy")


@pytest.mark.parametrize(
    ("sample", "quantize"),
    [
        (onnx_to_onnx, "float16"),
        (onnx_to_onnx, "dynamic"),
        (onnx_to_onnx, "int8"),
        (script_to_onnx, "none"),
        (script_to_onnx, "dynamic"),
        (export_to_onnx, "int8"),
        (pickle_to_onnx, "none"),
    ],
)
def test_models_become_onnx(
    bench: Bench,
    sample: Callable[[Bench], tuple[Path, CheckSettings, str, tuple[str, ...]]],
    quantize: str,
) -> None:
    source, check, representative, locks = sample(bench)
    settings = ConvertSettings("onnx", quantize, representative if quantize == "int8" else None)  # type: ignore[arg-type] # a parameter of the test
    converted = bench.build(bench.model(source, settings, check, allow_code=True))
    found = answers(converted, "onnx", bench, *locks)
    assert converted.expected
    assert found.agreement >= 0.98
    assert not found.refused(converted.expected)
    if check.input:
        assert bench.log.alerts == ""
        assert converted.bytes < source.stat().st_size


def test_torchscript_becomes_smaller_in_the_apps_own_torch(bench: Bench) -> None:
    bench.site_packages = bench.root / "site-packages"
    bench.site_packages.mkdir()
    for lock in ("torch-cpu", "torch", "numpy"):
        for entry in bench.toolbox.provide(lock, 600).iterdir():
            if not (bench.site_packages / entry.name).exists():
                (bench.site_packages / entry.name).symlink_to(entry)
    model = bench.model(DIGITS / "digits.pt", ConvertSettings("torchscript", "dynamic"))
    bench.toolbox = CachedToolbox()
    converted = bench.build(model)
    assert bench.log.steps == "-----> Converting digits.pt to TorchScript, dynamic range\n"
    assert bench.log.alerts == RANDOM.format(path="models/digits.torchscript")
    assert bench.toolbox.provided == []
    found = answers(converted, "torchscript", bench, "torch-cpu", "torch", "numpy")
    assert converted.expected
    assert not found.refused(converted.expected)
    assert converted.bytes < 0.4 * converted.before


def test_samples_that_are_not_the_models(bench: Bench) -> None:
    model = bench.model(
        DIGITS / "digits.onnx", ConvertSettings("onnx", "dynamic"), CheckSettings(input=str(IMAGES))
    )
    with pytest.raises(SampleMismatch) as raised:
        bench.build(model)
    assert bench.cached() == []
    assert (
        error_text(raised.value)
        == """\
Error: The samples do not match the model's inputs.

models/digits.onnx
the model has the input "image" float32 [?, 64]
check.input has "image" float32 [360, 8, 8, 1]

To fix this:
1. Save one array per input, under the input's name, with the samples as the
   first axis:
   python -c 'import numpy; numpy.savez("inputs.npz", x=…)'

For more information, see:
https://github.com/slugfit/slugfit/blob/main/docs/errors.md#convertdata-unfit
"""
    )


def test_a_tool_that_fails_has_the_last_word(bench: Bench) -> None:
    broken = bench.root / "broken.onnx"
    whole = (DIGITS / "digits.onnx").read_bytes()
    # An operator that does not exist, of the same length.
    broken.write_bytes(whole.replace(b"MatMul", b"MatMol").replace(b"Gemm", b"Gemn"))
    with pytest.raises(ConversionFailed) as raised:
        bench.build(bench.model(broken, ConvertSettings("onnx", "dynamic")))
    assert raised.value.detail.endswith("No Op registered for MatMol with domain_version of 17")
    assert "Traceback" not in raised.value.detail


def test_a_tool_that_takes_too_long_is_ended(bench: Bench) -> None:
    bench.toolbox.provide("tensorflow", 600)
    bench.limit = TimeLimit(0.5)
    with pytest.raises(ConversionTimeout):
        bench.build(bench.model(DIGITS / "digits.h5", ConvertSettings("tflite")))
    assert bench.cached() == []


def test_a_tool_that_the_system_ends_had_too_little_memory(bench: Bench) -> None:
    script = bench.root / "python"
    script.write_text("#!/bin/sh\nkill -KILL $$\n")
    script.chmod(0o755)
    bench.python = script
    with pytest.raises(OutOfMemory) as raised:
        bench.build(bench.model(DIGITS / "digits.onnx", ConvertSettings("onnx", "dynamic")))
    assert raised.value.detail == "killed by signal 9"

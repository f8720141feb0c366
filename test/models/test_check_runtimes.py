"""Which runtime serves a format, by what is installed."""

from __future__ import annotations

from pathlib import Path

import pytest

from slugfit.helper.dependencies import Group
from slugfit.models.check.runtimes import isolated_runtime_for, runtime_for
from slugfit.packages.distributions import versions_in


@pytest.mark.parametrize(
    ("format_name", "packages", "module", "distribution"),
    [
        ("tflite", ["tensorflow", "tflite-runtime"], "tflite_runtime", "tflite-runtime"),
        ("tflite", ["ai-edge-litert", "numpy"], "ai_edge_litert", "ai-edge-litert"),
        ("tflite", ["tensorflow-cpu"], "tensorflow", "tensorflow-cpu"),
        ("onnx", ["onnxruntime-gpu"], "onnxruntime", "onnxruntime-gpu"),
        ("torchscript", ["torch"], "torch", "torch"),
        ("torch-export", ["torch"], "torch", "torch"),
        ("keras", ["keras", "tensorflow"], "tensorflow", "tensorflow"),
        ("hdf5", ["jax", "keras"], "keras", "keras"),
        ("saved-model", ["tf-nightly"], "tensorflow", "tf-nightly"),
        ("xgboost", ["xgboost-cpu"], "xgboost", "xgboost-cpu"),
        ("lightgbm", ["lightgbm"], "lightgbm", "lightgbm"),
        ("pickle", ["joblib", "scikit-learn"], "joblib", "joblib"),
        ("pickle", [], "pickle", "Python's pickle"),
    ],
)
def test_the_apps_own_runtime_serves_a_format(
    format_name: str, packages: list[str], module: str, distribution: str
) -> None:
    runtime = runtime_for(format_name, dict.fromkeys(packages, "1.0"))
    assert runtime is not None
    assert (runtime.module, runtime.distribution) == (module, distribution)
    assert runtime.group is None


@pytest.mark.parametrize(
    ("format_name", "packages"),
    [
        *(("tflite", ["onnxruntime"]), ("onnx", ["onnx"]), ("torchscript", ["torchvision"])),
        *(("keras", ["keras"]), ("saved-model", ["keras", "torch"]), ("safetensors", ["torch"])),
    ],
)
def test_other_packages_do_not(format_name: str, packages: list[str]) -> None:
    assert runtime_for(format_name, dict.fromkeys(packages, "1.0")) is None


@pytest.mark.parametrize(
    ("format_name", "python", "distribution", "group"),
    [
        ("tflite", "3.10.13", "tflite-runtime", Group.TFLITE),
        ("tflite", "3.11.7", "tflite-runtime", Group.TFLITE),
        ("tflite", "3.12.0", "ai-edge-litert", Group.TFLITE),
        ("onnx", "3.14.5", "onnxruntime", Group.ONNXRUNTIME),
    ],
)
def test_small_runtimes_are_installed_for_want_of_one(
    format_name: str, python: str, distribution: str, group: Group
) -> None:
    runtime = isolated_runtime_for(format_name, python)
    assert runtime is not None
    assert (runtime.distribution, runtime.group) == (distribution, group)


@pytest.mark.parametrize("format_name", ["torchscript", "keras", "saved-model", "lightgbm"])
def test_large_ones_are_not(format_name: str) -> None:
    assert isolated_runtime_for(format_name, "3.12.1") is None


def test_packages_are_known_by_normalized_names(tmp_path: Path) -> None:
    for name in ("ai_edge_litert-2.3.0", "Foo.Bar_Baz-1.0+cpu", "no_version"):
        (tmp_path / f"{name}.dist-info").mkdir()
    assert versions_in(tmp_path) == {"ai-edge-litert": "2.3.0", "foo-bar-baz": "1.0+cpu"}

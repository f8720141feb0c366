"""Supported conversions, the cache of their results, and how failures read."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from slugfit.base.changes import Changes
from slugfit.base.errors import Failure
from slugfit.models.convert.conversion_cache import ConversionCache
from slugfit.models.convert.conversions import ROUTES, environment_for, supported_targets
from slugfit.models.convert.converter import TimeLimit
from slugfit.models.convert.failures import (
    CodeNotAllowed,
    ConversionFailed,
    ConversionTimeout,
    OutOfMemory,
    SampleMismatch,
    SamplesRequired,
    ToolsNotInstalled,
    ToolsUnavailable,
    Unsupported,
    UnsupportedModel,
)
from slugfit.models.convert.guard import expected
from slugfit.models.convert.toolbox import PipFailed, TemporaryToolbox
from slugfit.settings.model import CheckSettings, ConvertSettings
from support.build_log import error_text
from support.conversions import Bench
from support.paths import DIGITS

PAIR = Path("inputs.npz"), Path("expected.npz")


class NoToolbox:
    """Provides nothing, with this message."""

    def __init__(self, message: str | None = "unreachable") -> None:
        self.message = message
        self.is_closed = False

    def provide(self, lock: str, seconds: float) -> Path:
        raise PipFailed(self.message)

    def close(self) -> None:
        self.is_closed = True


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path, NoToolbox())


def test_what_can_be_made_of_which_format() -> None:
    assert supported_targets("keras") == {"tflite": ("none", "float16", "dynamic", "int8")}
    assert supported_targets("onnx") == {"onnx": ("float16", "dynamic", "int8")}
    assert supported_targets("torchscript") == {
        "torchscript": ("dynamic",),
        "onnx": ("none", "float16", "dynamic", "int8"),
    }
    assert supported_targets("gguf") == {}


@pytest.mark.parametrize(
    ("route", "app", "locks", "with_app"),
    [
        (("keras", "tflite"), {"tensorflow-cpu": "2.20.0"}, ("tensorflow",), False),
        (("onnx", "onnx"), {"numpy": "1.26.4"}, ("onnx", "numpy"), False),
        (("torchscript", "torchscript"), {}, ("torch-cpu", "torch", "numpy"), False),
        (("torchscript", "torchscript"), {"torch": "2.9", "numpy": "2.0"}, (), True),
        (("torchscript", "torchscript"), {"torch": "2.9"}, ("numpy",), True),
        (("torch-export", "onnx"), {"torch": "2.9", "numpy": "2.0"}, ("onnx",), True),
        (("pickle", "onnx"), {"scikit-learn": "1.5.0", "numpy": "2.0"}, ("onnx",), True),
        (("pickle", "onnx"), {"numpy": "2.0"}, ("onnx", "sklearn", "numpy"), False),
    ],
)
def test_tools_work_with_the_apps_own_packages_where_those_will_serve(
    route: tuple[str, str], app: dict[str, str], locks: tuple[str, ...], with_app: bool
) -> None:
    found = environment_for(ROUTES[route], app)  # type: ignore[index] # a parameter of the test
    assert (found.locks, found.with_app) == (locks, with_app)


def test_classes_of_enough_real_samples_are_what_counts() -> None:
    facts = {"samples": 360, "spread": 1.0, "classes": True}
    found = expected(PAIR, "int8", facts, is_random=False)
    assert (found.what, found.max_error, found.min_agreement) == (
        "the original model on 360 samples",
        None,
        0.95,
    )


@pytest.mark.parametrize(
    ("facts", "is_random", "bound"),
    [
        ({"samples": 16, "spread": 4.0, "classes": True}, True, 1.0),
        ({"samples": 1000, "spread": 4.0, "classes": True}, True, 1.0),
        ({"samples": 99, "spread": 4.0, "classes": True}, False, 1.0),
        ({"samples": 360, "spread": 2.0, "classes": False}, False, 0.5),
        ({"samples": 360, "spread": 0.0, "classes": False}, False, 0.00025),
    ],
)
def test_else_the_error_counts_beside_the_range_of_the_answers(
    facts: dict[str, object], is_random: bool, bound: float
) -> None:
    found = expected(PAIR, "dynamic", facts, is_random=is_random)
    assert (found.max_error, found.min_agreement) == (bound, None)


def test_what_no_tool_can_do_is_refused_with_what_is_possible(bench: Bench) -> None:
    model = bench.model(DIGITS / "digits.onnx", ConvertSettings("tflite", "dynamic"))
    with pytest.raises(Unsupported) as raised:
        bench.build(model)
    assert (
        error_text(raised.value)
        == """\
Error: This conversion of a model is not supported.

models/digits.tflite
format:    ONNX
requested: to = "tflite", quantize = "dynamic"

To fix this:
1. Choose a supported conversion:
   to = "onnx", quantize = "float16" or "dynamic" or "int8"
2. Convert it where it was trained, upload the result, and remove convert.

For more information, see:
https://github.com/slugfit/slugfit/blob/main/docs/errors.md#convertunsupported
"""
    )


def test_pickles_are_opened_only_where_that_is_allowed(bench: Bench) -> None:
    pickled = bench.root / "model.pkl"
    pickled.write_bytes(b"\x80\x04N.")  # None
    with pytest.raises(CodeNotAllowed):
        bench.build(bench.model(pickled, ConvertSettings("onnx")))
    with pytest.raises(ToolsNotInstalled):
        bench.build(bench.model(pickled, ConvertSettings("onnx"), allow_code=True))


def test_tools_that_are_not_there_leave_nothing(bench: Bench) -> None:
    toolbox = NoToolbox("no route to host")
    bench.toolbox = toolbox
    with pytest.raises(ToolsNotInstalled) as raised:
        bench.build(bench.model(DIGITS / "digits.h5", ConvertSettings("tflite")))
    assert raised.value.detail == "no route to host"
    assert toolbox.is_closed
    assert not (bench.root / "cache").exists()


def test_tools_that_arrive_too_late(bench: Bench) -> None:
    bench.toolbox = NoToolbox(None)
    bench.limit = TimeLimit(60.0)
    with pytest.raises(ConversionTimeout) as raised:
        bench.build(bench.model(DIGITS / "digits.h5", ConvertSettings("tflite")))
    assert "limit for all conversions: 1 min" in error_text(raised.value)


def test_samples_that_are_not_in_the_app(bench: Bench) -> None:
    check = CheckSettings(input="check/none.npz")
    with pytest.raises(SampleMismatch) as raised:
        bench.build(bench.model(DIGITS / "digits.h5", ConvertSettings("tflite"), check))
    assert raised.value.detail == "check.input: check/none.npz\nThe app has no such file."


def test_pip_that_fails_is_quoted_and_leaves_nothing(tmp_path: Path) -> None:
    lock = tmp_path / "none.txt"
    lock.write_text("no-such-project==1 --hash=sha256:" + "0" * 64 + "\n")
    index = tmp_path / "index"
    index.mkdir()
    environ = {"PATH": os.defpath, "PIP_INDEX_URL": index.as_uri(), "TMPDIR": str(tmp_path)}
    toolbox = TemporaryToolbox(environ, tmp_path)
    with pytest.raises(PipFailed) as raised:
        toolbox.provide("none", 60)
    assert raised.value.message
    assert raised.value.message.endswith("No matching distribution found for no-such-project==1")
    toolbox.close()
    assert list(tmp_path.glob("slugfit-tools-*")) == []


class Cache:
    """A build cache of conversions, and builds that use it."""

    def __init__(self, root: Path) -> None:
        self.root = root / "conversions"
        self.work = root / "work"
        self.changes = Changes(root, root / "removed")
        self.work.mkdir()

    def build(self, do: Callable[[ConversionCache], object], limit: int | None = None) -> None:
        conversions = ConversionCache(self.root, self.changes)
        do(conversions)
        conversions.prune(limit)
        self.changes.keep()

    def add(self, conversions: ConversionCache, key: str, content: bytes = b"weights") -> None:
        for name in ("model", "inputs.npz", "expected.npz"):
            (self.work / name).write_bytes(content)
        conversions.add(key, self.work, {"samples": 1})
        for file in self.work.iterdir():
            file.unlink()

    def keys(self) -> list[str]:
        return sorted({path.name.partition(".")[0] for path in self.root.glob("*")})


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path)


def test_results_are_found_again_until_a_build_does_without(cache: Cache) -> None:
    def add(conversions: ConversionCache) -> None:
        cache.add(conversions, "a")
        cache.add(conversions, "b")

    cache.build(add)
    assert cache.keys() == ["a", "b"]
    found = ConversionCache(cache.root, cache.changes).find("a")
    assert found
    assert (found.model.read_bytes(), found.bytes, found.facts) == (b"weights", 7, {"samples": 1})
    cache.build(lambda conversions: conversions.find("b"))
    assert cache.keys() == ["b"]


@pytest.mark.parametrize("name", ["model", "inputs.npz", "json"])
def test_a_damaged_result_is_none_and_is_replaced(cache: Cache, name: str) -> None:
    cache.build(lambda conversions: cache.add(conversions, "a"))
    (cache.root / f"a.{name}").write_bytes(b"{}")
    assert ConversionCache(cache.root, cache.changes).find("a") is None
    cache.build(lambda conversions: cache.add(conversions, "a"))
    assert ConversionCache(cache.root, cache.changes).find("a")


def test_a_failed_build_leaves_the_results_as_they_were(cache: Cache) -> None:
    cache.build(lambda conversions: cache.add(conversions, "a"))
    conversions = ConversionCache(cache.root, cache.changes)
    cache.add(conversions, "b")
    conversions.prune()
    cache.changes.undo()
    assert cache.keys() == ["a"]


def test_what_would_exceed_the_caches_limit_is_not_kept(cache: Cache) -> None:
    def do(conversions: ConversionCache) -> None:
        cache.add(conversions, "a", b"0" * 1000)
        cache.add(conversions, "b", b"0" * 100)

    cache.build(do, limit=2000)
    assert cache.keys() == ["b"]


@pytest.mark.parametrize(
    "failure",
    [
        ConversionFailed("models/m.tflite", "the last line"),
        SamplesRequired("models/m.onnx", 'the model has the input "x" of unknown shape'),
        SampleMismatch("models/m.onnx", "check.input can't be read"),
        ToolsUnavailable("models/m.tflite", "this is CPython 3.9"),
        UnsupportedModel("models/m.tflite", "signatures: none"),
        OutOfMemory("models/m.tflite", "killed by signal 9"),
        ConversionTimeout("models/m.tflite", 900),
        CodeNotAllowed("models/m.onnx", "format: pickle"),
        ToolsNotInstalled("models/m.tflite", "no route"),
    ],
)
def test_every_failure_names_the_model_and_a_way_out(failure: Failure) -> None:
    text = error_text(failure)
    assert failure.explain().where in text.splitlines()
    assert failure.explain().fixes
    assert max(map(len, text.splitlines())) <= 88

"""What can be converted to what, what is remembered of it, and how failures read."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from slugfit.errors import Failure
from slugfit.files import Changes
from slugfit.models.check import Comparison
from slugfit.models.convert import Converted
from slugfit.models.convert.converter import Limit
from slugfit.models.convert.failures import (
    ConversionFailed,
    DataNeeded,
    DataUnfit,
    NoTools,
    NotThisModel,
    OutOfMemory,
    OutOfTime,
    PickleNotAllowed,
    ToolsNotInstalled,
    Unsupported,
)
from slugfit.models.convert.guard import expected
from slugfit.models.convert.results import Results
from slugfit.models.convert.toolbox import NotInstalled, TemporaryToolbox
from slugfit.models.convert.ways import WAYS, environment, possible
from slugfit.settings.model import CheckSettings, ConvertSettings
from support.paths import DIGITS
from unit.build_log import error_text
from unit.conversions import Bench

PAIR = Path("inputs.npz"), Path("expected.npz")


class NoToolbox:
    """Has nothing, and says why, if it is asked."""

    def __init__(self, said: str | None = "unreachable") -> None:
        self.said = said
        self.is_closed = False

    def provide(self, lock: str, seconds: float) -> Path:
        raise NotInstalled(self.said)

    def close(self) -> None:
        self.is_closed = True


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path, NoToolbox())


def test_what_can_be_made_of_which_format() -> None:
    assert possible("keras") == {"tflite": ("none", "float16", "dynamic", "int8")}
    assert possible("onnx") == {"onnx": ("float16", "dynamic", "int8")}
    assert possible("torchscript") == {
        "torchscript": ("dynamic",),
        "onnx": ("none", "float16", "dynamic", "int8"),
    }
    assert possible("gguf") == {}


@pytest.mark.parametrize(
    ("way", "app", "locks", "with_app"),
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
    way: tuple[str, str], app: dict[str, str], locks: tuple[str, ...], with_app: bool
) -> None:
    found = environment(WAYS[way], app)  # type: ignore[index] # a parameter of the test
    assert (found.locks, found.with_app) == (locks, with_app)


def test_classes_of_enough_real_samples_are_what_counts() -> None:
    facts = {"samples": 360, "spread": 1.0, "classes": True}
    found = expected(PAIR, "int8", facts, is_random=False)
    assert (found.what, found.max_error, found.min_agreement) == (
        "the original model, on 360 samples",
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


def test_the_gain_is_told_with_the_agreement() -> None:
    converted = Converted(Path("model"), "0" * 64, 4_700_000, None, False, 18_400_000, "m.keras")
    target = "models/model.tflite"
    assert converted.gain(target) == "m.keras 18.4 MB → model.tflite 4.7 MB (-74 %)"
    comparison = Comparison(360, 0.01, 0.001, 0.99999, 0, 1.0)
    assert converted.gain(target, comparison) == (
        "m.keras 18.4 MB → model.tflite 4.7 MB (-74 %), agreement 99.9 % on 360 samples"
    )
    assert converted.gain(target, replace(comparison, agreement=None)) == converted.gain(target)


def test_what_no_tool_can_do_is_refused_with_what_is_possible(bench: Bench) -> None:
    model = bench.model(DIGITS / "digits.onnx", ConvertSettings("tflite", "dynamic"))
    with pytest.raises(Unsupported) as raised:
        bench.build(model)
    assert (
        error_text(raised.value)
        == """\
Error: A model can not be converted in this way.

models/digits.tflite
the model is: ONNX
asked for:    to = "tflite", quantize = "dynamic"

To fix this:
1. Choose what is possible:
   to = "onnx", quantize = "float16" or "dynamic" or "int8"
2. Convert it where it was trained, upload the result, and remove convert.

For more information, see:
https://github.com/slugfit/slugfit#convertunsupported
"""
    )


def test_pickles_are_opened_only_where_that_is_allowed(bench: Bench) -> None:
    pickled = bench.root / "model.pkl"
    pickled.write_bytes(b"\x80\x04N.")  # None
    with pytest.raises(PickleNotAllowed):
        bench.build(bench.model(pickled, ConvertSettings("onnx")))
    with pytest.raises(ToolsNotInstalled):
        bench.build(bench.model(pickled, ConvertSettings("onnx"), allow_pickle=True))


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
    bench.limit = Limit(60.0)
    with pytest.raises(OutOfTime) as raised:
        bench.build(bench.model(DIGITS / "digits.h5", ConvertSettings("tflite")))
    assert "time for all conversions: 1 min" in error_text(raised.value)


def test_samples_that_are_not_in_the_app(bench: Bench) -> None:
    check = CheckSettings(input="check/none.npz")
    with pytest.raises(DataUnfit) as raised:
        bench.build(bench.model(DIGITS / "digits.h5", ConvertSettings("tflite"), check))
    assert raised.value.detail == "check.input: check/none.npz\nThere is no such file in the app."


def test_pip_that_fails_is_quoted_and_leaves_nothing(tmp_path: Path) -> None:
    lock = tmp_path / "none.txt"
    lock.write_text("no-such-project==1 --hash=sha256:" + "0" * 64 + "\n")
    index = tmp_path / "index"
    index.mkdir()
    environ = {"PATH": os.defpath, "PIP_INDEX_URL": index.as_uri(), "TMPDIR": str(tmp_path)}
    toolbox = TemporaryToolbox(environ, tmp_path)
    with pytest.raises(NotInstalled) as raised:
        toolbox.provide("none", 60)
    assert raised.value.said
    assert raised.value.said.endswith("No matching distribution found for no-such-project==1")
    toolbox.close()
    assert list(tmp_path.glob("slugfit-tools-*")) == []


class Cache:
    """A build cache of conversions, and builds that use it."""

    def __init__(self, root: Path) -> None:
        self.root = root / "conversions"
        self.work = root / "work"
        self.changes = Changes(root, root / "removed")
        self.work.mkdir()

    def build(self, do: Callable[[Results], object], limit: int | None = None) -> None:
        results = Results(self.root, self.changes)
        do(results)
        results.settle(limit)
        self.changes.keep()

    def add(self, results: Results, key: str, content: bytes = b"weights") -> None:
        for name in ("model", "inputs.npz", "expected.npz"):
            (self.work / name).write_bytes(content)
        results.add(key, self.work, {"samples": 1})
        for file in self.work.iterdir():
            file.unlink()

    def keys(self) -> list[str]:
        return sorted({path.name.partition(".")[0] for path in self.root.glob("*")})


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path)


def test_results_are_found_again_until_a_build_does_without(cache: Cache) -> None:
    def add(results: Results) -> None:
        cache.add(results, "a")
        cache.add(results, "b")

    cache.build(add)
    assert cache.keys() == ["a", "b"]
    found = Results(cache.root, cache.changes).find("a")
    assert found
    assert (found.model.read_bytes(), found.bytes, found.facts) == (b"weights", 7, {"samples": 1})
    cache.build(lambda results: results.find("b"))
    assert cache.keys() == ["b"]


@pytest.mark.parametrize("name", ["model", "inputs.npz", "json"])
def test_a_damaged_result_is_none_and_is_replaced(cache: Cache, name: str) -> None:
    cache.build(lambda results: cache.add(results, "a"))
    (cache.root / f"a.{name}").write_bytes(b"{}")
    assert Results(cache.root, cache.changes).find("a") is None
    cache.build(lambda results: cache.add(results, "a"))
    assert Results(cache.root, cache.changes).find("a")


def test_a_failed_build_leaves_the_results_as_they_were(cache: Cache) -> None:
    cache.build(lambda results: cache.add(results, "a"))
    results = Results(cache.root, cache.changes)
    cache.add(results, "b")
    results.settle()
    cache.changes.undo()
    assert cache.keys() == ["a"]


def test_what_would_exceed_the_caches_limit_is_not_kept(cache: Cache) -> None:
    def do(results: Results) -> None:
        cache.add(results, "a", b"0" * 1000)
        cache.add(results, "b", b"0" * 100)

    cache.build(do, limit=2000)
    assert cache.keys() == ["b"]


@pytest.mark.parametrize(
    "failure",
    [
        ConversionFailed("models/m.tflite", "the last line"),
        DataNeeded("models/m.onnx", 'the model takes "x" of unknown shape'),
        DataUnfit("models/m.onnx", "check.input can not be read"),
        NoTools("models/m.tflite", "this is CPython 3.9"),
        NotThisModel("models/m.tflite", "signatures: none"),
        OutOfMemory("models/m.tflite", "killed by signal 9"),
        OutOfTime("models/m.tflite", 900),
        PickleNotAllowed("models/m.onnx", "the model is: pickle"),
        ToolsNotInstalled("models/m.tflite", "no route"),
    ],
)
def test_every_failure_names_the_model_and_a_way_out(failure: Failure) -> None:
    text = error_text(failure)
    assert failure.explain().where in text.splitlines()
    assert failure.explain().fixes
    assert max(map(len, text.splitlines())) <= 88

"""What would make a slug smaller: sizes from its own weights, fixes to paste."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest

from slugfit.app.package_manager import Manager
from slugfit.audit.proposals import AppContext
from slugfit.audit.savings import notable, savings
from slugfit.packages.graph import Graph
from slugfit.settings.model import StripSettings
from slugfit.slug.budget import Saving
from slugfit.slug.contents import Slug
from slugfit.slug.items import Item
from slugfit.slug.weigh.compress import Weight

MB = 1_000_000
ALL_DONE = StripSettings(level="max", bytecode="boot")
PIP = AppContext(ALL_DONE)


def slug(weights: Mapping[str, int], graph: Graph | None = None) -> Slug:
    """A slug of distributions, whose weights are in MB."""
    items = {Item("distribution", name, "1.0"): Weight(0, n * MB) for name, n in weights.items()}
    return Slug(items, Weight(), graph=graph or Graph())


def graph(requires: Mapping[str, tuple[str, ...]], *direct: str) -> Graph:
    return Graph(direct=dict.fromkeys(direct, "requirements.txt"), requires=requires)


def told(found: tuple[Saving, ...]) -> dict[str, float]:
    """MB by id, in order."""
    return {saving.id: saving.bytes / MB for saving in found}


CUDA = {"torch": 800, "nvidia_cublas_cu12": 500, "triton": 200, "numpy": 20, "Flask": 1}
CUDA_GRAPH = graph(
    {
        "flask": (),
        "numpy": (),
        "torch": ("nvidia-cublas-cu12", "triton"),
        "nvidia-cublas-cu12": (),
        "sentence-transformers": ("numpy", "torch"),
        "triton": (),
    },
    "flask",
    "sentence-transformers",
)


def test_pytorch_without_cuda_saves_what_cuda_weighs() -> None:
    [saving] = savings(slug(CUDA, CUDA_GRAPH), PIP)
    assert str(saving) == (
        "Saves about 1.30 GB: PyTorch without CUDA, which no dyno can use.\n"
        "Add at the top of requirements.txt:\n"
        "--extra-index-url https://download.pytorch.org/whl/cpu"
    )


@pytest.mark.parametrize(
    ("manager", "how"),
    [
        ("uv", "uv add --index pytorch-cpu=https://download.pytorch.org/whl/cpu torch"),
        (
            "poetry",
            "poetry source add --priority explicit pytorch-cpu "
            "https://download.pytorch.org/whl/cpu\npoetry add --source pytorch-cpu torch",
        ),
        ("pipenv", "pipenv install --index https://download.pytorch.org/whl/cpu torch"),
    ],
)
def test_the_fix_is_in_the_words_of_the_tool_that_the_app_uses(manager: Manager, how: str) -> None:
    [saving] = savings(slug(CUDA, CUDA_GRAPH), AppContext(ALL_DONE, manager))
    assert saving.how == how


def test_without_a_graph_the_same_is_saved() -> None:
    found = savings(slug(CUDA), PIP)
    assert told(found)["torch-without-cuda"] == 1300


def test_what_something_else_requires_is_not_saved() -> None:
    weights = {"torch": 200, "nvidia-nccl-cu12": 100, "xgboost": 50}
    both = graph(
        {"torch": ("nvidia-nccl-cu12",), "xgboost": ("nvidia-nccl-cu12",), "nvidia-nccl-cu12": ()},
        *("torch", "xgboost"),
    )
    found = told(savings(slug(weights, both), PIP))
    assert (found["torch-without-cuda"], found["xgboost-cpu"]) == (150, 45)


TENSORFLOW = graph(
    {"tensorflow": ("h5py", "keras"), "keras": ("h5py",), "h5py": (), "flask": ()},
    *("tensorflow", "flask"),
)


def test_the_easier_of_two_changes_is_counted_first() -> None:
    weights = {"tensorflow": 600, "keras": 10, "h5py": 5, "flask": 1}
    found = savings(slug(weights, TENSORFLOW), PIP)
    assert told(found) == {"tensorflow-cpu": 330, "litert": 270 + 10 + 5 - 45}
    assert [saving.how for saving in found] == [
        "In requirements.txt, replace tensorflow with:\ntensorflow-cpu",
        "In requirements.txt, replace tensorflow with:\nai-edge-litert",
    ]


def test_what_a_package_requires_is_not_the_apps_to_replace() -> None:
    weights = {"opencv-python": 80, "ultralytics": 1}
    required = {"ultralytics": ("opencv-python",), "opencv-python": ()}
    for direct in (("ultralytics",), ("ultralytics", "opencv-python")):
        assert savings(slug(weights, graph(required, *direct)), PIP) == ()


def test_one_opencv_is_enough() -> None:
    weights = {"opencv-python": 60, "opencv-python-headless": 50}
    found = savings(slug(weights, graph(dict.fromkeys(weights, ()), *weights)), PIP)
    assert told(found) == {"opencv-twice": 60}
    assert found[0].how == "Remove from requirements.txt:\nopencv-python"


def test_another_opencv_has_no_windows() -> None:
    found = savings(slug({"opencv-python": 60}), AppContext(ALL_DONE, "poetry"))
    assert told(found) == {"opencv-headless": 15}
    assert found[0].how == "poetry remove opencv-python\npoetry add opencv-python-headless"


TOOLS = graph(
    {
        "flask": ("click",),
        "black": ("click", "pathspec"),
        "pytest": ("pluggy",),
        "ipython": (),
        **dict.fromkeys(("click", "pathspec", "pluggy"), ()),
    },
    *("black", "flask", "ipython", "pytest"),
)


def test_tools_of_developers_are_named_with_what_only_they_bring() -> None:
    weights = dict.fromkeys(TOOLS.requires, 1)
    found = savings(slug(weights, TOOLS), AppContext(ALL_DONE, mentioned=frozenset(["ipython"])))
    assert found == (
        Saving(
            "development-tools",
            4 * MB,
            "development tools in the slug: black, pytest",
            "Remove from requirements.txt:\nblack\npytest",
        ),
    )


def test_what_no_file_of_the_app_imports_is_named() -> None:
    weights = {"flask": 1, "pandas": 30, "numpy": 20, "psycopg2": 3, "black": 1}
    some = graph(
        {"pandas": ("numpy",), **dict.fromkeys(("flask", "numpy", "psycopg2"), ())},
        *("flask", "pandas", "psycopg2"),
    )
    found = savings(
        slug(weights, some), AppContext(ALL_DONE, "uv", unmentioned=("pandas", "psycopg2"))
    )
    assert [str(saving) for saving in found] == [
        "Saves about 50.0 MB: no file of the app imports pandas.\nuv remove pandas"
    ]


def test_what_two_changes_would_take_is_counted_once() -> None:
    weights = {"torch": 800, "nvidia-cublas-cu12": 500}
    some = graph({"torch": ("nvidia-cublas-cu12",), "nvidia-cublas-cu12": ()}, "torch")
    found = savings(slug(weights, some), AppContext(ALL_DONE, unmentioned=("torch",)))
    assert told(found) == {"unused-torch": 1300}


def test_what_nothing_requires_is_named() -> None:
    some = graph({"flask": (), "old": ("dust",), "dust": ()}, "flask")
    [saving] = savings(slug({"flask": 1, "old": 2, "dust": 3}, some), PIP)
    assert str(saving) == (
        "Saves about 5.0 MB: nothing requires dust, old.\n"
        "Reinstall everything in the next build:\nheroku builds:cache:purge"
    )


NUMPY = Item("distribution", "numpy", "2.4")
STRIPPED = Slug(
    {NUMPY: Weight(60 * MB, 20 * MB)},
    Weight(),
    parts={NUMPY: {"bytecode": Weight(9 * MB, 3 * MB), "code": Weight(51 * MB, 17 * MB)}},
)


@pytest.mark.parametrize(
    ("strip", "expected"),
    [
        (StripSettings(level="off"), {"strip-safe": 2.4}),
        (StripSettings(), {"strip-max": 4, "bytecode-boot": 1.5}),
        (StripSettings(bytecode="boot"), {"strip-max": 4}),
        (StripSettings(level="max"), {"bytecode-boot": 1.5}),
        (StripSettings(level="max", bytecode="drop"), {}),
    ],
)
def test_the_settings_of_the_strip_can_save_more(
    strip: StripSettings, expected: dict[str, float]
) -> None:
    assert told(savings(STRIPPED, AppContext(strip, max_level_bytes=4 * MB))) == expected


def test_settings_can_be_pasted() -> None:
    found = savings(STRIPPED, AppContext(max_level_bytes=4 * MB))
    assert [saving.how for saving in found] == [
        'In slugfit.toml:\n[strip]\nlevel = "max"\nsmoke = "python -c \'import app\'"',
        'In slugfit.toml:\n[strip]\nbytecode = "boot"',
    ]


@pytest.mark.parametrize(
    ("path", "how"),
    [
        (
            "models/digits.keras",
            'In its [[models]] of slugfit.toml:\nconvert = { to = "tflite", quantize = "dynamic" }',
        ),
        (
            "models/digits.onnx",
            'In its [[models]] of slugfit.toml:\nconvert = { to = "onnx", quantize = "dynamic" }',
        ),
        ("models/bert", "Quantize it with the tools of its framework, and upload the result."),
    ],
)
def test_a_model_can_be_quantized(path: str, how: str) -> None:
    found = savings(Slug({Item("model", path): Weight(10 * MB, 8 * MB)}, Weight()), PIP)
    assert found == (
        Saving(
            f"quantize-{path}", 6 * MB, f"quantizing {path} to 8 bits per weight, if it has 32", how
        ),
    )


@pytest.mark.parametrize("path", ["models/m-int8.onnx", "models/m.gguf", "models/done.tflite"])
def test_a_model_that_is_quantized_stays_as_it_is(path: str) -> None:
    models = Slug({Item("model", path): Weight(10 * MB, 8 * MB)}, Weight())
    assert savings(models, AppContext(quantized=frozenset(["models/done.tflite"]))) == ()


@pytest.mark.parametrize(("total", "expected"), [(400, {"development-tools": 1}), (600, {})])
def test_what_saves_next_to_nothing_is_no_saving(total: int, expected: dict[str, float]) -> None:
    some = graph({"black": (), "numpy": ()}, "black", "numpy")
    assert told(savings(slug({"black": 1, "numpy": total}, some), PIP)) == expected


def test_an_empty_slug_has_nothing_to_save() -> None:
    assert savings(Slug({}, Weight()), PIP) == ()


@pytest.mark.parametrize(
    ("saved", "total", "is_told"),
    [
        (5, 5, False),
        (6, 50, True),
        (14, 150, False),
        (16, 150, True),
        (20, 900, False),
        (21, 900, True),
    ],
)
def test_small_savings_are_not_brought_up(saved: int, total: int, is_told: bool) -> None:
    saving = Saving("x", saved * MB, "", "")
    assert notable([saving], slug({"a": total})) == ((saving,) if is_told else ())


def test_savings_are_data() -> None:
    found = savings(slug(CUDA, CUDA_GRAPH), PIP)
    assert json.loads(json.dumps([saving.__dict__ for saving in found]))[0]["bytes"] == 1300 * MB

"""A slug over its budget is refused with what is big in it and what to do about that."""

from __future__ import annotations

import pytest

from slugfit.settings.model import BudgetSettings
from slugfit.slug.budget import OverLimit, Slug, advice, size_table
from slugfit.slug.compress import Weight
from slugfit.slug.tree import Item, Kind
from unit.build_log import error_text

MB = 1_000_000
PYTHON = Item("python", "Python")
APP = Item("app", "the app's own files")


def slug_of(*items: tuple[Item, int]) -> Slug:
    return Slug({item: Weight(size * 3, size) for item, size in items}, Weight())


def package(name: str, version: str = "1.0") -> Item:
    return Item("distribution", name, version)


def advice_for(*names: str, kind: Kind = "distribution") -> list[str]:
    """What is advised beyond the last resort."""
    *found, last = advice(slug_of(*((Item(kind, name), 1) for name in names)))
    assert last == "Remove packages that the app does not import from its requirements."
    return found


def test_a_slug_over_its_own_limit_is_refused() -> None:
    slug = slug_of(
        (PYTHON, 30 * MB),
        (APP, 12_345),
        (package("numpy", "2.4.1"), 20 * MB),
        (Item("model", "models/digits.tflite"), 5_500_000),
    )
    failure = OverLimit(slug, BudgetSettings(limit=50 * MB, warn=40 * MB))
    assert failure.kind == "user"
    assert str(failure) == "The slug is 55.5 MB; its limit is 50.0 MB."
    assert (
        error_text(failure)
        == """\
Error: The slug is 5.5 MB over its limit.

compressed: 55.5 MB
limit:      50.0 MB

The biggest items, compressed:
Python                  30.0 MB
numpy 2.4.1             20.0 MB
models/digits.tflite     5.5 MB
the app's own files     12.3 KB

The limit is the one that the configuration sets.

To fix this:
1. Quantize the models: 8 bits a weight take a quarter of the space of 32.
2. Remove packages that the app does not import from its requirements.
3. Allow more, in slugfit.toml:
   [budget]
   limit = "1000MB"
   or, if a config var sets the limit:
   heroku config:set SLUGFIT_BUDGET_LIMIT=1000MB

For more information, see:
https://github.com/slugfit/slugfit#budgetover-limit
"""
    )


def test_a_slug_over_the_platforms_limit_is_refused() -> None:
    slug = slug_of(
        (package("torch", "2.9.0"), 900 * MB),
        (package("nvidia-cublas-cu12", "12.8.4.1"), 600 * MB),
    )
    assert (
        error_text(OverLimit(slug, BudgetSettings()))
        == """\
Error: The slug is 500.0 MB over its limit.

compressed: 1.50 GB
limit:      1.00 GB

The biggest items, compressed:
torch 2.9.0                   900.0 MB
nvidia-cublas-cu12 12.8.4.1   600.0 MB

Heroku refuses slugs over 1000MB, after the whole build.

To fix this:
1. Install PyTorch without CUDA, which no dyno can use. At the top of requirements.txt:
   --extra-index-url https://download.pytorch.org/whl/cpu
2. Remove packages that the app does not import from its requirements.

For more information, see:
https://github.com/slugfit/slugfit#budgetover-limit
"""
    )


def test_only_the_biggest_items_are_listed() -> None:
    slug = slug_of(*((package(f"p{n:02}"), n * MB) for n in range(1, 30)))
    text = error_text(OverLimit(slug, BudgetSettings(limit=MB, warn=MB)))
    listed = [line for line in text.splitlines() if line.startswith("p")]
    assert [line.split()[0] for line in listed] == [f"p{n:02}" for n in range(29, 21, -1)]


def test_the_biggest_come_first_and_equals_by_name() -> None:
    slug = slug_of((package("b"), 5), (package("c"), 9), (package("a"), 5), (package("d"), 1))
    assert [item.name for item, _ in slug.biggest(3)] == ["c", "a", "b"]
    assert [item.name for item, _ in slug.biggest()] == ["c", "a", "b", "d"]


def test_a_slug_weighs_the_sum_of_its_items() -> None:
    slug = Slug({PYTHON: Weight(30, 10), APP: Weight(5, 2)}, removed=Weight(100, 40))
    assert slug.weight == Weight(35, 12)
    assert slug.before == Weight(135, 52)
    assert Slug({}, Weight()).weight == Weight()


def test_a_table_lines_its_sizes_up() -> None:
    rows = [(package("numpy", "2.4.1"), Weight(0, 20 * MB)), (PYTHON, Weight(0, 999))]
    assert size_table(rows) == ["numpy 2.4.1    20.0 MB", "Python           999 B"]
    assert size_table([]) == []


CUDA = (
    "Install PyTorch without CUDA, which no dyno can use. At the top of requirements.txt:\n"
    "--extra-index-url https://download.pytorch.org/whl/cpu"
)
TENSORFLOW_CPU = "Install tensorflow-cpu instead of tensorflow: it is the same without CUDA."
TFLITE = "If the app only predicts, convert the model to TFLite, and install ai-edge-litert."
QUANTIZE = "Quantize the models: 8 bits a weight take a quarter of the space of 32."


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ((), []),
        (("flask", "numpy"), []),
        (("nvidia_cudnn_cu12", "torch"), [CUDA]),
        (("tensorflow",), [TENSORFLOW_CPU, TFLITE]),
        (("tensorflow_cpu",), [TFLITE]),
        (("tensorflow-datasets",), []),
        # Others bring CUDA along as well, and PyTorch's index is no help there.
        (("tensorflow", "nvidia-cublas-cu12"), [TENSORFLOW_CPU, TFLITE]),
        (("xgboost", "nvidia-nccl-cu12"), []),
    ],
)
def test_advice_fits_what_is_in_the_slug(names: tuple[str, ...], expected: list[str]) -> None:
    assert advice_for(*names) == expected


def test_models_can_be_quantized() -> None:
    assert advice_for("models/m", kind="model") == [QUANTIZE]

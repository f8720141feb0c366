"""What a slug is made of, kind by kind: the parts add up to the whole."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slugfit.slug.categories import Category, by_category, category, split
from slugfit.slug.items import Item
from slugfit.slug.weigh.compress import Weight

NUMPY = Item("distribution", "numpy", "2.4.1")
APP = Item("app", "the app's own files")
SITE = ".heroku/python/lib/python3.12/site-packages"


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("numpy/__init__.py", "code"),
        ("numpy/__init__.pyi", "code"),
        ("jinja/base.html", "code"),
        ("numpy/__pycache__/__init__.cpython-312.pyc", "bytecode"),
        ("numpy/_core/_multiarray_umath.cpython-312-x86_64-linux-gnu.so", "shared libraries"),
        ("numpy.libs/libscipy_openblas64_-ff651d7f.so", "shared libraries"),
        ("torch/lib/libgomp-a34b3233.so.1", "shared libraries"),
        ("torch/lib/libcudart.so.12.4.127", "shared libraries"),
        ("numpy/tests/test_linalg.py", "tests"),
        ("numpy/tests/__pycache__/test_linalg.cpython-312.pyc", "tests"),
        ("numpy/testing/_private/utils.py", "code"),
        ("numpy-2.4.1.dist-info/licenses/LICENSE.txt", "metadata"),
        ("old.egg-info/PKG-INFO", "metadata"),
        ("tzdata/zoneinfo/Europe/Berlin", "data"),
        ("numpy/random/lib/soup.soap", "data"),
        ("pack/weights.onnx", "data"),
    ],
)
def test_a_packages_files_are_told_apart(path: str, expected: Category) -> None:
    assert category(NUMPY, f"{SITE}/{path}") == expected


@pytest.mark.parametrize(
    ("item", "path", "expected"),
    [
        (APP, "app.py", "the app"),
        (APP, "tests/test_app.py", "the app"),
        (APP, "weights/net.safetensors", "models"),
        (Item("model", "models/m.tflite"), "models/m.tflite", "models"),
        (Item("model", "models/bert"), "models/bert/vocab.txt", "models"),
        (Item("python", "Python"), ".heroku/python/lib/libpython3.12.so.1.0", "Python"),
        (Item("buildpack", "other buildpacks"), ".apt/usr/lib/x.so", "other buildpacks"),
    ],
)
def test_all_else_goes_by_what_it_belongs_to(item: Item, path: str, expected: Category) -> None:
    assert category(item, path) == expected


def test_an_item_is_split_in_proportion_to_what_gzip_leaves() -> None:
    files = [("numpy/a.so", 1_000_000), ("numpy/a.py", 1_000_000), ("numpy/a.png", 100_000)]
    assert split(NUMPY, Weight(2_100_000, 600_000), files) == {
        "shared libraries": Weight(1_000_000, 297_611),
        "code": Weight(1_000_000, 207_871),
        "data": Weight(100_000, 94_518),
    }


def test_empty_files_have_their_headers() -> None:
    assert split(NUMPY, Weight(0, 90), [("numpy/py.typed", 0), ("numpy/__init__.py", 0)]) == {
        "code": Weight(0, 45),
        "data": Weight(0, 45),
    }


def test_an_item_without_files_has_no_parts() -> None:
    assert split(NUMPY, Weight(0, 0), []) == {}


@given(
    st.integers(0, 10**12),
    st.lists(
        st.tuples(st.sampled_from(["a.py", "a.pyc", "a.so", "x/tests/a.py", "a"]), st.integers(0)),
        min_size=1,
    ),
)
def test_the_parts_add_up_to_the_whole(compressed: int, files: list[tuple[str, int]]) -> None:
    whole = Weight(sum(size for _, size in files), compressed)
    parts = split(NUMPY, whole, files)
    assert sum(parts.values(), start=Weight()) == whole
    assert all(part.compressed >= 0 for part in parts.values())


def test_the_categories_of_a_slug_are_those_of_its_items_the_heaviest_first() -> None:
    one: dict[Category, Weight] = {"code": Weight(9, 3), "data": Weight(5, 5)}
    other: dict[Category, Weight] = {"code": Weight(1, 1), "Python": Weight(90, 30)}
    assert list(by_category([one, other]).items()) == [
        ("Python", Weight(90, 30)),
        ("data", Weight(5, 5)),
        ("code", Weight(10, 4)),
    ]

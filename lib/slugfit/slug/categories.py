"""The categories of files in a slug, and the weight of each category."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Literal

from slugfit.slug.items import Item
from slugfit.slug.weigh.compress import Weight

Category = Literal[
    "code",
    "bytecode",
    "shared libraries",
    "tests",
    "models",
    "data",
    "metadata",
    "the app",
    "Python",
    "other buildpacks",
]
Sized = tuple[str, int]  # a path, and the bytes of the file

_WHOLE: Mapping[str, Category] = {
    "model": "models",
    "app": "the app",
    "python": "Python",
    "buildpack": "other buildpacks",
}
_TESTS = frozenset(("test", "tests", "_test", "_tests", "__tests__", "testsuite"))
_CODE = re.compile(r".+\.(?:pyi?|pyx|pxd|pxi|c|cc|cpp|cu|cuh|h|hpp|js|mjs|css|html?|j2|sh)")
_LIBRARY = re.compile(r".+\.so(?:\.[\d.]+)?")
_MODEL = re.compile(
    r".+\.(?:tflite|onnx|pb|keras|h5|hdf5|pt|pth|ckpt|safetensors|gguf|ggml|joblib|pkl|pickle|bin"
    r"|mlmodel|cbm|ubj)"
)
_COMPRESSED = re.compile(r".+\.(?:gz|xz|bz2|zst|zip|whl|png|jpe?g|gif|webp|woff2?|npz|parquet)")
# Compression ratios by category, over seven stacks of the bench. Only the proportions count; large
# categories are right to 8 %. Compressing category by category would make the total too small, by
# 0.1 % to 0.65 %: gzip compresses similar files better in a row, and a slug mixes them.
_RATIOS: Mapping[Category, float] = {
    "code": 0.22,
    "bytecode": 0.345,
    "shared libraries": 0.315,
    "tests": 0.25,
    "models": 0.92,
    "data": 0.32,
    "metadata": 0.3,
}
_USUAL_RATIO = 0.35
_HEADER = 60  # bytes that a file's tar header adds


def category(item: Item, path: str) -> Category:
    """The category of the file at `path`; for packages, any path that ends as in site-packages."""
    if item.kind == "distribution":
        return _of_package(path)
    if item.kind == "app" and _MODEL.fullmatch(path):
        return "models"
    return _WHOLE[item.kind]


def _of_package(path: str) -> Category:
    *directories, name = path.split("/")
    if any(d.endswith((".dist-info", ".egg-info")) for d in directories):
        return "metadata"
    if not _TESTS.isdisjoint(directories):
        return "tests"
    if name.endswith(".pyc"):
        return "bytecode"
    if _LIBRARY.fullmatch(name):
        return "shared libraries"
    return "code" if _CODE.fullmatch(name) else "data"


def split(item: Item, weight: Weight, files: Iterable[Sized]) -> dict[Category, Weight]:
    """An item's weight by category, the heaviest first. The parts add up to `weight`."""
    raw: dict[Category, int] = {}
    shares: dict[Category, float] = {}
    for path, size in files:
        kind = category(item, path)
        raw[kind] = raw.get(kind, 0) + size
        shares[kind] = shares.get(kind, 0.0) + _HEADER + size * _ratio(kind, path)
    kinds = sorted(shares, key=lambda kind: (-shares[kind], kind))
    compressed = _apportion(weight.compressed, [shares[kind] for kind in kinds])
    return {kind: Weight(raw[kind], part) for kind, part in zip(kinds, compressed, strict=True)}


def by_category(parts: Iterable[Mapping[Category, Weight]]) -> dict[Category, Weight]:
    """The sums of all items' parts, the heaviest first."""
    sums: dict[Category, Weight] = {}
    for part in parts:
        for kind, weight in part.items():
            sums[kind] = sums.get(kind, Weight()) + weight
    return dict(sorted(sums.items(), key=lambda pair: (-pair[1].compressed, pair[0])))


def _ratio(kind: Category, path: str) -> float:
    return 1.0 if _COMPRESSED.fullmatch(path) else _RATIOS.get(kind, _USUAL_RATIO)


def _apportion(total: int, shares: list[float]) -> list[int]:
    """Integer parts of `total` in proportion to `shares`. The first part gets the remainder."""
    parts = [int(total * share / sum(shares)) for share in shares]
    return [total - sum(parts[1:]), *parts[1:]] if parts else []

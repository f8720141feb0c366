"""Packages that make slugs too large, named before a build spends ten minutes on them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from packaging.utils import canonicalize_name

from slugfit.app.package_manager import Manager
from slugfit.audit.edits import replacing, without_cuda
from slugfit.base.sizes import count_of, format_size
from slugfit.settings.model import BudgetSettings
from slugfit.slug.weigh.compress import Weight

_CUDA = ("nvidia-", "cuda-", "cupy-cuda", "jax-cuda")
_CUDA_NAMES = frozenset({"triton", "pytorch-triton", "onnxruntime-gpu", "faiss-gpu"})

Weights = Mapping[str, tuple[str, Weight]]
"""Versions and weights by distribution."""


@dataclass(frozen=True)
class Giant:
    """A warning: what is too large, and what to use instead."""

    summary: str
    why: str
    fix: str


def giants(weights: Weights, budget: BudgetSettings, manager: Manager) -> tuple[Giant, ...]:
    named: Weights = {canonicalize_name(name): found for name, found in weights.items()}
    return (*_cuda(named, manager), *_tensorflow(named), *_alone(named, budget))


def _cuda(named: Weights, manager: Manager) -> Iterator[Giant]:
    found = [name for name in sorted(named) if name.startswith(_CUDA) or name in _CUDA_NAMES]
    if not found:
        return
    total = _total(named, found)
    largest = max(found, key=lambda name: named[name][1].compressed)
    fix = "Use CPU builds: the packages' installation guides name them."
    if "torch" in named and "+cpu" not in named["torch"][0]:
        fix = without_cuda(manager)
    elif "xgboost" in named:
        fix = replacing("xgboost", "xgboost-cpu", manager)
    yield Giant(
        f"{format_size(total.raw)} of CUDA, which no dyno can use.",
        f"{count_of(len(found), 'package')} for NVIDIA GPUs,"
        f" {format_size(total.compressed)} of the slug.\n"
        f"The largest: {largest} {named[largest][0]}.",
        fix,
    )


def _tensorflow(named: Weights) -> Iterator[Giant]:
    if "tensorflow" in named:
        size = format_size(named["tensorflow"][1].compressed)
        yield Giant(
            "tensorflow includes support for GPUs.",
            f"It is {size} of the slug.",
            "Use tensorflow-cpu, which is the same without CUDA. If the app only runs inference,\n"
            "convert the model to TFLite, and use ai-edge-litert.",
        )


def _alone(named: Weights, budget: BudgetSettings) -> Iterator[Giant]:
    """Packages that exceed the limit by themselves."""
    limit = format_size(budget.limit)
    for name in sorted(named):
        version, weight = named[name]
        if weight.compressed > budget.limit:
            yield Giant(
                f"{name} {version} alone exceeds the limit.",
                f"It is {format_size(weight.compressed)}; the limit is {limit}.",
                "Use a smaller build of it, or another package.",
            )


def _total(named: Weights, names: Iterable[str]) -> Weight:
    return sum((named[name][1] for name in names), start=Weight())

"""What makes slugs burst, named before ten minutes are spent on it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from slugfit.distributions import normalized
from slugfit.settings.model import BudgetSettings
from slugfit.sizes import count_of, format_size
from slugfit.slug.weighing.compress import Weight

_CUDA = ("nvidia-", "cuda-", "cupy-cuda", "jax-cuda")
_CUDA_NAMES = frozenset({"triton", "pytorch-triton", "onnxruntime-gpu", "faiss-gpu"})
_CPU_INDEX = "--extra-index-url https://download.pytorch.org/whl/cpu"


@dataclass(frozen=True)
class Giant:
    """A warning: what is too big, and what to do instead."""

    summary: str
    why: str
    fix: str


def giants(weights: Mapping[str, tuple[str, Weight]], budget: BudgetSettings) -> tuple[Giant, ...]:
    """`weights` are versions and weights by distribution."""
    named = {normalized(name): found for name, found in weights.items()}
    return (*_cuda(named), *_tensorflow(named), *_alone(named, budget))


def _cuda(named: Mapping[str, tuple[str, Weight]]) -> Iterator[Giant]:
    found = [name for name in sorted(named) if name.startswith(_CUDA) or name in _CUDA_NAMES]
    if not found:
        return
    total = _total(named, found)
    biggest = max(found, key=lambda name: named[name][1].compressed)
    fix = "Ask for builds for processors. They are named in the packages' installation guides."
    if "torch" in named and "+cpu" not in named["torch"][0]:
        fix = f"At the top of requirements.txt:\n{_CPU_INDEX}"
    elif "xgboost" in named:
        fix = "Require xgboost-cpu instead of xgboost."
    yield Giant(
        f"{format_size(total.raw)} of CUDA, which no dyno can use.",
        f"{count_of(len(found), 'package')} for NVIDIA's graphics cards,"
        f" {format_size(total.compressed)} of the slug.\n"
        f"The biggest: {biggest} {named[biggest][0]}.",
        fix,
    )


def _tensorflow(named: Mapping[str, tuple[str, Weight]]) -> Iterator[Giant]:
    if "tensorflow" in named:
        size = format_size(named["tensorflow"][1].compressed)
        yield Giant(
            "tensorflow is built for graphics cards, too.",
            f"It is {size} of the slug.",
            "Require tensorflow-cpu, which is the same without CUDA. If the app only predicts,\n"
            "convert the model to TFLite, and require ai-edge-litert.",
        )


def _alone(named: Mapping[str, tuple[str, Weight]], budget: BudgetSettings) -> Iterator[Giant]:
    """What is over the limit all by itself."""
    limit = format_size(budget.limit)
    for name in sorted(named):
        version, weight = named[name]
        if weight.compressed > budget.limit:
            yield Giant(
                f"{name} {version} alone is over the limit.",
                f"It is {format_size(weight.compressed)}; the limit is {limit}.",
                "Look for a smaller build of it, or for another package.",
            )


def _total(named: Mapping[str, tuple[str, Weight]], names: Iterable[str]) -> Weight:
    return sum((named[name][1] for name in names), start=Weight())

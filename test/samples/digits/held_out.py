"""The digits that no model of this folder was trained on, and the check data made from them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

HERE = Path(__file__).resolve().parent
FIXTURES = HERE.parents[1] / "fixtures"

Array = npt.NDArray[Any]


def held_images() -> Array:
    return np.array([digit["image"] for digit in _held_out()])


def held_labels() -> Array:
    return np.array([digit["label"] for digit in _held_out()])


def as_batch(images: Array) -> Array:
    return images.reshape(-1, 8, 8, 1).astype(np.float32)


def write_check(fixture: str, images: Array, scores: Array) -> None:
    """Write what a build compares the app's model with: `check.input` and `check.reference`."""
    folder = FIXTURES / fixture / "check"
    folder.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(folder / "inputs.npz", image=images)
    np.savez_compressed(folder / "expected.npz", scores=scores.astype(np.float32))


def percent(hits: Array) -> str:
    return f"{hits.mean():.2%} ({hits.sum()} of {hits.size})"


def _held_out() -> list[dict[str, Any]]:
    digits: list[dict[str, Any]] = json.loads((HERE / "held_out.json").read_text())
    return digits

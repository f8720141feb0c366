"""Digits that no model was trained on, and how often an app reads them as its model should."""

import json
import zipfile
from array import array
from collections.abc import Callable, Sequence
from typing import Any

from slugfit.local.client import Response
from support.paths import DIGITS, FIXTURES

CLASSES = 10


def held_out() -> list[dict[str, Any]]:
    """Return the digits: an `image` and its `label`."""
    digits: list[dict[str, Any]] = json.loads((DIGITS / "held_out.json").read_text())
    return digits


def reference(fixture: str) -> list[int]:
    """Return what the model of a fixture answered where it was trained, before it was a file."""
    with zipfile.ZipFile(FIXTURES / fixture / "check" / "expected.npz") as archive:
        npy = archive.read("scores.npy")
    # Float32, row by row, after a header whose length is in front of it.
    scores = array("f", npy[10 + int.from_bytes(npy[8:10], "little") :])
    rows = [scores[at : at + CLASSES] for at in range(0, len(scores), CLASSES)]
    return [max(range(CLASSES), key=row.__getitem__) for row in rows]


def agreement(post: Callable[..., Response], expected: Sequence[int]) -> float:
    """Ask an app for all held-out digits, and return the share of answers that are expected."""
    digits = held_out()
    answers = [post("/predict", json={"image": digit["image"]}).json() for digit in digits]
    agreeing = [a["digit"] == digit for a, digit in zip(answers, expected, strict=True)]
    return agreeing.count(True) / len(agreeing)

"""Runs in a tool environment: `KIND FILE` makes a small model there; prints an empty object."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from typing import Any


def saved_model(file: str, source: str) -> None:
    importlib.import_module("keras").models.load_model(source).export(file, verbose=False)


def exported(file: str) -> None:
    torch: Any = importlib.import_module("torch")
    torch.manual_seed(0)
    layers = [torch.nn.Linear(64, 32), torch.nn.ReLU(), torch.nn.Linear(32, 10)]
    samples = {0: torch.export.Dim("samples")}
    program = torch.export.export(
        torch.nn.Sequential(*layers).eval(), (torch.randn(2, 64),), dynamic_shapes=(samples,)
    )
    torch.export.save(program, file)


def classifier(file: str) -> None:
    np: Any = importlib.import_module("numpy")
    linear: Any = importlib.import_module("sklearn.linear_model")
    rows = np.random.default_rng(0).standard_normal((200, 8))
    labels = np.where(rows[:, 0] > rows[:, 1], "left", "right")
    model = linear.LogisticRegression().fit(rows, labels)
    importlib.import_module("joblib").dump(model, file)


KINDS: dict[str, Callable[..., None]] = {
    "saved-model": saved_model,
    "torch-export": exported,
    "pickle": classifier,
}

if __name__ == "__main__":
    KINDS[sys.argv[1]](*sys.argv[2:])
    print("{}")  # noqa: T201 (the answer)

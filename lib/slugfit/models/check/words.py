"""What the log says of a model that was tried."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from slugfit.models.app import AppPython
from slugfit.models.check import Comparison, LoadReport, Tensor
from slugfit.models.check.runtimes import TO_LITERT, requirements_for, serving
from slugfit.sizes import format_size

PICKLE = "to open it is to run code that is in it, which takes allow_pickle = true"
_MOST_TENSORS = 4
_OLD_LITE = re.compile(r"tflite[-_.]runtime", re.IGNORECASE)
_REQUIREMENTS = ("requirements.txt", "pyproject.toml", "Pipfile")


def told(report: LoadReport) -> tuple[str, ...]:
    """How a model loads and answers."""
    took = f"{_time(report.load_seconds)} to load"
    if report.median_seconds is not None:
        took += f", {_time(report.median_seconds)} an answer"
    return (
        f"Loads in {report.runtime} {report.version}".rstrip()
        + f": {took}, {format_size(report.peak_bytes)} of memory",
        *(f"takes {_listed(report.inputs)}" for _ in report.inputs[:1]),
        *(f"gives {_listed(report.outputs)}" for _ in report.outputs[:1]),
        *report.notes,
    )


def agreement(comparison: Comparison, what: str) -> str:
    """How it answers, beside `what`."""
    found = f"largest error {comparison.max_error:.2g}"
    if comparison.agreement is not None:
        found = f"agreement {comparison.agreement:.1%}, ".replace("%", " %") + found
    return f"Beside {what}: {found}"


def cannot_serve(
    path: str, format_name: str, report: LoadReport | None, app: AppPython
) -> tuple[str, ...]:
    """The paragraphs of a warning: the app has no runtime for this model."""
    proof = "Only its structure was checked."
    if report:
        proof = f"It loads in {report.runtime} {report.version}, which the build has for itself."
    lines = requirements_for(format_name, app.version, report.version if report else "")
    remedy = f"If the app shall load it, add to requirements.txt:\n{lines}"
    if lines.startswith("ai-edge-litert") and _names_old_lite(app.app):
        remedy = f"tflite-runtime has no wheels for Python {app.version}.\n{TO_LITERT}"
    return (
        f"The app has no runtime for {path}.",
        f"None of these is installed: {', '.join(serving(format_name))}.\n{proof}",
        remedy,
    )


def _names_old_lite(app: Path) -> bool:
    """Whether the app asks for tflite-runtime, perhaps under a Python that has none."""
    files = [app / name for name in _REQUIREMENTS]
    texts = [f.read_text(encoding="utf-8", errors="replace") for f in files if f.is_file()]
    return any(_OLD_LITE.search(text) for text in texts)


def _listed(tensors: Sequence[Tensor]) -> str:
    shown = ", ".join(map(str, tensors[:_MOST_TENSORS]))
    more = len(tensors) - _MOST_TENSORS
    return f"{shown} and {more} more" if more > 0 else shown


def _time(seconds: float) -> str:
    """1.2 s, 35 ms, 0.08 ms."""
    if seconds >= 1:
        return f"{seconds:.1f} s"
    milliseconds = seconds * 1000
    digits = 0 if milliseconds >= 10 else 1 if milliseconds >= 1 else 2
    return f"{milliseconds:.{digits}f} ms"

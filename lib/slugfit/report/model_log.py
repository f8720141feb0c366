"""What the log says about models: how they load, compare and convert, and which dynos they fit."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from slugfit.base.output import Output
from slugfit.base.sizes import count_of, format_percent, format_size
from slugfit.models.app_python import AppPython
from slugfit.models.check import Comparison, LoadReport
from slugfit.models.check.runtimes import TO_LITERT, requirements_for, usual_runtimes
from slugfit.models.check.workers import worker_bytes, workers_by_dyno
from slugfit.models.convert import Converted
from slugfit.models.formats.inspection import TensorSpec

_MAX_TENSORS = 4
_OLD_LITE = re.compile(r"tflite[-_.]runtime", re.IGNORECASE)
_REQUIREMENTS = ("requirements.txt", "pyproject.toml", "Pipfile")


class ModelLog:
    """The `ModelReporter` of a build: writes each result to the log."""

    def __init__(self, app: AppPython, output: Output) -> None:
        self._app = app
        self._output = output

    def loaded(self, report: LoadReport) -> None:
        for line in _load_lines(report):
            self._output.detail(line)

    def not_loaded(self, path: str, note: str) -> None:
        self._output.detail(f"{path}: {note}")

    def no_runtime(self, path: str, format_name: str, report: LoadReport | None) -> None:
        proof = "Only its structure was checked."
        if report:
            runtime = f"{report.runtime} {report.version}"
            proof = f"It loads in {runtime}, which Slugfit installed for this check."
        self._output.warning(
            f"The app has no runtime for {path}.",
            f"None of these is installed: {', '.join(usual_runtimes(format_name))}.\n{proof}",
            self._remedy(requirements_for(format_name, self._app.version, _version(report))),
        )

    def compared(self, comparison: Comparison, reference: str) -> None:
        found = f"max error {comparison.max_error:.2g}"
        if comparison.agreement is not None:
            found = f"top-1 agreement {format_percent(comparison.agreement)}, {found}"
        self._output.detail(f"Compared with {reference}: {found}")

    def converted(self, converted: Converted, path: str, comparison: Comparison | None) -> None:
        change = round(100 * (converted.bytes - converted.before) / max(1, converted.before))
        sizes = (
            f"{converted.name} {format_size(converted.before)} → "
            f"{path.rpartition('/')[2]} {format_size(converted.bytes)} ({change:+d}%)"
        )
        self._output.detail(sizes + _agreement(comparison))

    def dynos(self, reports: Iterable[LoadReport]) -> None:
        """How many workers with these models a dyno has room for."""
        own = [report for report in reports if not report.isolated]
        if not own:
            return
        models = "the model" if len(own) == 1 else f"the {len(own)} models"
        needs = f"A gunicorn worker with {models} needs about {format_size(worker_bytes(own))}"
        if fitting := workers_by_dyno(own):
            self._output.detail(f"{needs}. Workers per dyno:")
            self._output.detail("; ".join(f"{dyno}: {count}" for dyno, count in fitting))
        else:
            self._output.detail(f"{needs}: more than any dyno has")

    def _remedy(self, lines: str) -> str:
        if lines.startswith("ai-edge-litert") and _names_old_lite(self._app.app):
            return f"tflite-runtime has no wheels for Python {self._app.version}.\n{TO_LITERT}"
        return f"If the app loads this model, add to requirements.txt:\n{lines}"


def _load_lines(report: LoadReport) -> Iterator[str]:
    numbers = [f"load {_time(report.load_seconds)}"]
    if report.median_seconds is not None:
        numbers.append(f"inference {_time(report.median_seconds)}")
    numbers.append(f"memory {format_size(report.peak_bytes)}")
    yield f"Loads in {report.runtime} {report.version}".rstrip() + f": {', '.join(numbers)}"
    for noun, tensors in (("input", report.inputs), ("output", report.outputs)):
        if tensors:
            yield f"{noun if len(tensors) == 1 else f'{noun}s'}: {_listed(tensors)}"
    yield from report.notes


def _agreement(comparison: Comparison | None) -> str:
    if comparison is None or comparison.agreement is None:
        return ""
    percent, samples = format_percent(comparison.agreement), count_of(comparison.samples, "sample")
    return f", top-1 agreement {percent} on {samples}"


def _version(report: LoadReport | None) -> str:
    return report.version if report else ""


def _names_old_lite(app: Path) -> bool:
    """Whether the app requires tflite-runtime, perhaps only for older Pythons."""
    files = [app / name for name in _REQUIREMENTS]
    texts = [f.read_text(encoding="utf-8", errors="replace") for f in files if f.is_file()]
    return any(_OLD_LITE.search(text) for text in texts)


def _listed(tensors: Sequence[TensorSpec]) -> str:
    listed = ", ".join(map(str, tensors[:_MAX_TENSORS]))
    more = len(tensors) - _MAX_TENSORS
    return f"{listed} and {more} more" if more > 0 else listed


def _time(seconds: float) -> str:
    """1.2 s, 35 ms, 0.08 ms."""
    if seconds >= 1:
        return f"{seconds:.1f} s"
    milliseconds = seconds * 1000
    digits = 0 if milliseconds >= 10 else 1 if milliseconds >= 1 else 2
    return f"{milliseconds:.{digits}f} ms"

"""Loads a model in a process of the app's Python, within bounds of time and memory."""

from __future__ import annotations

import json
import os
import re
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from slugfit.base.process import Finished, run
from slugfit.models.app_python import AppPython
from slugfit.models.check import Comparison, LoadReport
from slugfit.models.check.attempt import Attempt
from slugfit.models.check.failures import DoesNotLoad
from slugfit.models.check.verdict import ProbeOutcome, failure_of
from slugfit.models.formats.inspection import TensorSpec
from slugfit.strip.trials.trial import home_at

PROBE = Path(__file__).with_name("probe")
_INFERENCE_SECONDS = 0.5
# The probe is a package of its own, so that no module of Slugfit shadows one of the app's.
_START = """
import importlib.util, sys
directory = sys.argv[2]
spec = importlib.util.spec_from_file_location(
    "slugfit_probe", f"{directory}/__init__.py", submodule_search_locations=[directory])
probe = sys.modules["slugfit_probe"] = importlib.util.module_from_spec(spec)
spec.loader.exec_module(probe)
probe.main(sys.argv[1])
"""
_ONNX_PREFIX = re.compile(r"\[ONNXRuntimeError\] : \d+ : \w+ : ")
# Libraries that count processors themselves, and those that look for GPUs.
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "TF_NUM_INTRAOP_THREADS")
_QUIET = {"TF_CPP_MIN_LOG_LEVEL": "2", "CUDA_VISIBLE_DEVICES": "-1"}


def load(attempt: Attempt, app: AppPython) -> LoadReport | str:
    """Load a model and run inference; a text says why the result is inconclusive.

    Raises a failure of `check.failures` or `check.mismatches`.
    """
    with tempfile.TemporaryDirectory(prefix="slugfit-") as temporary:
        directory = Path(temporary)
        finished = _run(attempt, app, directory)
        result = _read(directory / "result.json")
        over_limit = (directory / "over-limit").exists()
    if result.get("stage") == "done":
        return _report(attempt, result)
    failure = failure_of(
        attempt, ProbeOutcome(finished, _with_public_path(attempt, result), over_limit)
    )
    if not isinstance(failure, str):
        raise failure
    if attempt.samples:  # the user has asked for a comparison
        raise DoesNotLoad(attempt.subject, failure)
    return failure


def processors() -> int:
    """The number of processors that this process may use."""
    return len(os.sched_getaffinity(0))


def _run(attempt: Attempt, app: AppPython, directory: Path) -> Finished:
    runtime, samples = attempt.subject.runtime, attempt.samples
    request = {
        "module": runtime.module,
        "format": runtime.format,
        "backend": runtime.backend,
        "file": str(attempt.file),
        "input": str(samples.input) if samples and samples.input else None,
        "reference": str(samples.reference) if samples and samples.reference else None,
        "paths": list(map(str, attempt.paths)),
        "last_paths": list(map(str, attempt.last_paths)),
        "threads": processors(),
        "max_rss": attempt.max_rss,
        "seconds": _INFERENCE_SECONDS,
        "allow_code": attempt.allow_code,
    }
    (directory / "request.json").write_text(json.dumps(request), encoding="utf-8")
    argv = [str(app.python), "-B", "-X", "utf8", "-c", _START, str(directory), str(PROBE)]
    threads = dict.fromkeys(_THREADS, str(processors()))
    env = {**app.env, **threads, **_QUIET, **home_at(directory / "home")}
    return run(argv, env=env, cwd=directory / "home", seconds=attempt.seconds)


def _read(file: Path) -> dict[str, Any]:
    try:
        result: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:  # it ended before it wrote one
        return {}
    return result


def _with_public_path(attempt: Attempt, result: dict[str, Any]) -> dict[str, Any]:
    """The result, with the model's path in the app in place of the temporary one."""
    message = str(result.get("message", "")).replace(str(attempt.file), attempt.subject.path)
    return {**result, "message": _ONNX_PREFIX.sub("", message)}


def _report(attempt: Attempt, result: Mapping[str, Any]) -> LoadReport:
    runtime = attempt.subject.runtime
    comparison = result.get("comparison")
    return LoadReport(
        runtime=runtime.distribution,
        version=runtime.version,
        isolated=runtime.group is not None,
        inputs=tensors(result["inputs"]),
        outputs=tensors(result["outputs"]),
        import_seconds=result["import_seconds"],
        load_seconds=result["load_seconds"],
        first_seconds=result.get("first_seconds"),
        median_seconds=result.get("median_seconds"),
        python_bytes=result["python_bytes"],
        runtime_bytes=result["runtime_bytes"],
        peak_bytes=result["peak_bytes"],
        comparison=Comparison(**comparison) if comparison else None,
        notes=tuple(result["notes"]),
    )


def tensors(facts: list[dict[str, Any]]) -> tuple[TensorSpec, ...]:
    """Tensors from their JSON form."""
    return tuple(
        TensorSpec(t["name"], t["dtype"], None if t["shape"] is None else tuple(t["shape"]))
        for t in facts
    )

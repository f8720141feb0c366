"""Loads a model in a process of the app's Python, within bounds of time and memory."""

from __future__ import annotations

import json
import os
import re
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from slugfit.models.app import AppPython
from slugfit.models.check import Comparison, LoadReport, Tensor
from slugfit.models.check.attempt import Attempt
from slugfit.models.check.failures import DoesNotLoad
from slugfit.models.check.verdict import Ending, failure_of
from slugfit.process import Finished, run
from slugfit.strip.trials.trial import home_at

PROBE = Path(__file__).with_name("probe")
_ANSWERING_SECONDS = 0.5
# A package under a name of its own: nothing of Slugfit comes along, or stands in the app's way.
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
# Every library that counts processors by itself, and those that look for what no dyno has.
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "TF_NUM_INTRAOP_THREADS")
_QUIET = {"TF_CPP_MIN_LOG_LEVEL": "2", "CUDA_VISIBLE_DEVICES": "-1"}


def load(attempt: Attempt, app: AppPython) -> LoadReport | str:
    """How a model loads and answers, or why that could not be found out.

    Raises a failure of this room.
    """
    with tempfile.TemporaryDirectory(prefix="slugfit-") as temporary:
        directory = Path(temporary)
        finished = _run(attempt, app, directory)
        answer = _read(directory / "answer.json")
        over = (directory / "memory").exists()
    if answer.get("stage") == "done":
        return _report(attempt, answer)
    failure = failure_of(attempt, Ending(finished, _told(attempt, answer), over))
    if not isinstance(failure, str):
        raise failure
    if attempt.samples:  # somebody wants to know
        raise DoesNotLoad(attempt.subject, failure)
    return failure


def processors() -> int:
    """Those that this process may use."""
    return len(os.sched_getaffinity(0))


def _run(attempt: Attempt, app: AppPython, directory: Path) -> Finished:
    runtime, samples = attempt.subject.runtime, attempt.samples
    asked = {
        "module": runtime.module,
        "format": runtime.format,
        "backend": runtime.backend,
        "file": str(attempt.file),
        "input": str(samples.input) if samples and samples.input else None,
        "reference": str(samples.reference) if samples and samples.reference else None,
        "paths": list(map(str, attempt.paths)),
        "last_paths": list(map(str, attempt.last_paths)),
        "threads": processors(),
        "memory": attempt.memory,
        "seconds": _ANSWERING_SECONDS,
    }
    (directory / "asked.json").write_text(json.dumps(asked), encoding="utf-8")
    argv = [str(app.python), "-B", "-X", "utf8", "-c", _START, str(directory), str(PROBE)]
    threads = dict.fromkeys(_THREADS, str(processors()))
    env = {**app.env, **threads, **_QUIET, **home_at(directory / "home")}
    return run(argv, env=env, cwd=directory / "home", seconds=attempt.seconds)


def _read(file: Path) -> dict[str, Any]:
    try:
        answer: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:  # it never got so far
        return {}
    return answer


def _told(attempt: Attempt, answer: dict[str, Any]) -> dict[str, Any]:
    """The answer, with the model under the name that its owner knows."""
    said = str(answer.get("said", "")).replace(str(attempt.file), attempt.subject.path)
    return {**answer, "said": _ONNX_PREFIX.sub("", said)}


def _report(attempt: Attempt, answer: Mapping[str, Any]) -> LoadReport:
    runtime = attempt.subject.runtime
    comparison = answer.get("comparison")
    return LoadReport(
        runtime=runtime.distribution,
        version=runtime.version,
        isolated=runtime.group is not None,
        inputs=tensors(answer["inputs"]),
        outputs=tensors(answer["outputs"]),
        import_seconds=answer["import_seconds"],
        load_seconds=answer["load_seconds"],
        first_seconds=answer.get("first_seconds"),
        median_seconds=answer.get("median_seconds"),
        python_bytes=answer["python_bytes"],
        runtime_bytes=answer["runtime_bytes"],
        peak_bytes=answer["peak_bytes"],
        comparison=Comparison(**comparison) if comparison else None,
        notes=tuple(answer["notes"]),
    )


def tensors(facts: list[dict[str, Any]]) -> tuple[Tensor, ...]:
    """What JSON has of them."""
    return tuple(
        Tensor(t["name"], t["dtype"], None if t["shape"] is None else tuple(t["shape"]))
        for t in facts
    )

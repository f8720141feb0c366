"""Runs in the app's Python: loads a model, runs inference, and measures both.

`loading` starts it as a package of its own, under another name: it imports nothing of Slugfit, and
of the app only what the model needs. It reads `request.json` in the given directory, and writes
`result.json` there, again at each stage: a crash is known by the stage that it happened in.
"""

from __future__ import annotations

import json
import os
import sys
import warnings
from typing import Any

from . import rss
from .adapters import open_runtime
from .data import ArrayMismatch, SampleArrays
from .inference import compare, time_inference
from .tensors import InferenceSkipped

_MAX_MESSAGE_LENGTH = 4000  # characters


class ResultFile:
    """result.json: everything known so far."""

    def __init__(self, directory: str) -> None:
        self._file = f"{directory}/result.json"
        self._facts: dict[str, Any] = {"notes": []}

    def write(self, **facts: Any) -> None:
        self._facts |= facts
        with open(f"{self._file}.part", "w", encoding="utf-8") as file:
            json.dump(self._facts, file)
        os.replace(f"{self._file}.part", self._file)

    def add_note(self, text: str) -> None:
        self._facts["notes"].append(text)


def main(directory: str) -> None:
    with open(f"{directory}/request.json", encoding="utf-8") as file:
        request = json.load(file)
    del sys.argv[1:]
    rss.disable_core_dumps()
    rss.watch(request["max_rss"], f"{directory}/over-limit")
    warnings.simplefilter("ignore")
    result = ResultFile(directory)
    try:
        _probe(request, result)
        result.write(stage="done")
    except ArrayMismatch as error:
        result.write(failed="mismatch", message=str(error))
    except BaseException as error:  # sys.exit, too, is a result
        result.write(failed=type(error).__name__, message=_messages(error))
    # A normal exit would wait for threads that a runtime has started.
    os._exit(0)


def _messages(error: BaseException) -> str:
    """The message, after those of the exceptions that led to it."""
    earlier = error.__cause__ or error.__context__
    message = f"{_messages(earlier)}\n{error}" if earlier else str(error)
    return message[-_MAX_MESSAGE_LENGTH:]


def _probe(request: dict[str, Any], result: ResultFile) -> None:
    python_bytes = rss.resident()
    result.write(stage="import", python_bytes=python_bytes)
    sys.path[:0] = request["paths"]
    sys.path += request["last_paths"]
    runtime, seconds = rss.timed(lambda: open_runtime(request))
    runtime_bytes = rss.resident() - python_bytes
    result.write(
        stage="data",
        import_seconds=seconds,
        runtime_bytes=runtime_bytes,
    )
    data = SampleArrays(request["input"], request["reference"])
    rss.forget_peak()
    before = rss.resident()
    result.write(stage="load")
    _, seconds = rss.timed(lambda: runtime.load(request["file"]))
    result.write(
        stage="inference",
        load_seconds=seconds,
        inputs=[tensor.to_json() for tensor in runtime.inputs],
        outputs=[tensor.to_json() for tensor in runtime.outputs],
        peak_bytes=rss.peak_since(before),
    )
    try:
        first, median = time_inference(runtime, data, request["seconds"])
        result.write(first_seconds=first, median_seconds=median)
    except InferenceSkipped as error:
        result.add_note(f"No inference on zeros: {error} Set check.input.")
    result.write(
        stage="compare",
        outputs=[
            tensor.to_json() for tensor in runtime.outputs
        ],  # some runtimes know them only now
        peak_bytes=rss.peak_since(before),
    )
    if data.has_reference:
        result.write(comparison=compare(runtime, data))

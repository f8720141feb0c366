"""Runs in the app's Python: loads a model, answers with it, and measures both.

`loading` starts it as a package of its own, under another name: it imports nothing of Slugfit, and
of the app what the model needs. It finds `asked.json` in the directory that it is given, and writes
`answer.json` there, anew after each stage: what ended the process is known by the stage it was in.
"""

from __future__ import annotations

import json
import os
import sys
import warnings
from typing import Any

from . import memory
from .data import Data, Unfit
from .runtimes import open_runtime
from .tensors import NotTried
from .trials import compare, time_answers

_LONGEST_MESSAGE = 4000  # characters


class Answer:
    """What is known so far."""

    def __init__(self, directory: str) -> None:
        self._file = f"{directory}/answer.json"
        self._facts: dict[str, Any] = {"notes": []}

    def tell(self, **facts: Any) -> None:
        self._facts |= facts
        with open(f"{self._file}.part", "w", encoding="utf-8") as file:
            json.dump(self._facts, file)
        os.replace(f"{self._file}.part", self._file)

    def note(self, text: str) -> None:
        self._facts["notes"].append(text)


def main(directory: str) -> None:
    with open(f"{directory}/asked.json", encoding="utf-8") as file:
        asked = json.load(file)
    del sys.argv[1:]
    memory.no_core()
    memory.watch(asked["memory"], f"{directory}/memory")
    warnings.simplefilter("ignore")
    answer = Answer(directory)
    try:
        _probe(asked, answer)
        answer.tell(stage="done")
    except Unfit as error:
        answer.tell(failed="unfit", said=str(error))
    except BaseException as error:  # an exit is an answer as well
        answer.tell(failed=type(error).__name__, said=_said(error))
    # Not by the usual way, which waits for threads that a runtime has started.
    os._exit(0)


def _said(error: BaseException) -> str:
    """The message, and before it those of what led to it."""
    earlier = error.__cause__ or error.__context__
    said = f"{_said(earlier)}\n{error}" if earlier else str(error)
    return said[-_LONGEST_MESSAGE:]


def _probe(asked: dict[str, Any], answer: Answer) -> None:
    python_bytes = memory.resident()
    answer.tell(stage="import", python_bytes=python_bytes)
    sys.path[:0] = asked["paths"]
    sys.path += asked["last_paths"]
    runtime, seconds = memory.timed(lambda: open_runtime(asked))
    runtime_bytes = memory.resident() - python_bytes
    answer.tell(
        stage="data",
        import_seconds=seconds,
        runtime_bytes=runtime_bytes,
    )
    data = Data(asked["input"], asked["reference"])
    memory.forget_peak()
    before = memory.resident()
    answer.tell(stage="load")
    _, seconds = memory.timed(lambda: runtime.load(asked["file"]))
    answer.tell(
        stage="answer",
        load_seconds=seconds,
        inputs=[tensor.facts() for tensor in runtime.inputs],
        outputs=[tensor.facts() for tensor in runtime.outputs],
        peak_bytes=memory.peak_since(before),
    )
    try:
        first, median = time_answers(runtime, data, asked["seconds"])
        answer.tell(first_seconds=first, median_seconds=median)
    except NotTried as error:
        answer.note(f"Could not be tried on zeros: {error} Set check.input.")
    answer.tell(
        stage="compare",
        outputs=[tensor.facts() for tensor in runtime.outputs],  # some are known only by now
        peak_bytes=memory.peak_since(before),
    )
    if data.has_reference:
        answer.tell(comparison=compare(runtime, data))

"""Reads in what a runtime said, and how its process ended, what is wrong."""

from __future__ import annotations

import re
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from slugfit.errors import Failure
from slugfit.models.check.attempt import Attempt, Subject
from slugfit.models.check.disagreements import InputUnfit
from slugfit.models.check.failures import (
    Crashed,
    DoesNotLoad,
    FlexOps,
    RuntimeBroken,
    TooMuchMemory,
    TooSlow,
    UnsupportedOpset,
)
from slugfit.models.check.runtimes import TO_LITERT
from slugfit.process import Finished

_OPSET = re.compile(r"Opset (\d+) is under development.*?is till opset (\d+)", re.DOTALL)
_IR = re.compile(r"Unsupported model IR version: (\d+), max supported IR version: (\d+)")
# The first ONNX Runtime that takes an opset, and an IR version.
_SINCE = {
    "opset": {15: "1.10", 16: "1.11", 17: "1.12", 18: "1.14", 19: "1.15", 20: "1.17", 21: "1.18"},
    "IR version": {8: "1.10", 9: "1.15", 10: "1.18"},
}
_OLD_LITE = re.compile(r"Didn't find op for builtin opcode '(\w+)' version '(\d+)'")
_LIBRARY = re.compile(r"(lib[\w.+-]+\.so[\w.]*): cannot open shared object file")
_MISSING = re.compile(r"No module named '(\w+)")
_NUMPY_1 = ("_ARRAY_API", "numpy.core.multiarray failed to import", "compiled using NumPy 1.x")
_MEMORY = ("std::bad_alloc", "DefaultCPUAllocator: can't allocate memory", "Cannot allocate memory")
# What only the app's own code can bring: nothing is wrong with the model.
_APPS_OWN = (
    *("Unknown layer", "Could not locate class", "Could not locate function"),
    *("register_keras_serializable", "Unknown loss", "Unknown metric", "custom_objects"),
    *("Encountered unresolved custom op", "is not a registered function/op"),
    *("Unknown builtin op", "No registered class", "Can't get attribute"),
)
_ONNX_ITSELF = re.compile(r"Fatal error: (ai\.onnx|com\.microsoft):")
_WEIGHTS_ONLY = "No model config found"
# System libraries that wheels leave to the system, and what brings them.
_HEADLESS = {"libGL.so.1": "opencv-python-headless instead of opencv-python"}


@dataclass(frozen=True)
class Ending:
    """How a trial's process ended, what it had told until then, and whether memory ended it."""

    finished: Finished
    answer: Mapping[str, Any]
    over_memory: bool

    @property
    def stage(self) -> str:
        return str(self.answer.get("stage", "import"))

    @property
    def said(self) -> str:
        """The exception's message, or else what stood on stderr."""
        if "failed" in self.answer:
            return str(self.answer["said"] or self.answer["failed"])
        return "\n".join(self.finished.tail)


def failure_of(attempt: Attempt, ending: Ending) -> Failure | str:
    """What went wrong; or in words why nobody knows whether anything is."""
    subject, stage = attempt.subject, ending.stage
    if ending.over_memory:
        return TooMuchMemory(subject, stage, attempt.memory)
    if "failed" in ending.answer:
        return _of_exception(attempt, ending)
    if ending.finished.code is None:
        return TooSlow(subject, stage, attempt.seconds)
    return _of_death(subject, ending)


def _of_death(subject: Subject, ending: Ending) -> Failure:
    """The process ended, and did not say why."""
    code, stage, said = ending.finished.code or 0, ending.stage, ending.said
    if code == -signal.SIGKILL:  # the kernel's, when memory is short
        return TooMuchMemory(subject, stage, None)
    if stage == "import":
        return RuntimeBroken(subject, said or ending.finished.said, _import_fixes(subject, said))
    if code < 0:
        return Crashed(subject, stage, -code, said)
    return DoesNotLoad(subject, said)


def _of_exception(attempt: Attempt, ending: Ending) -> Failure | str:
    subject, stage, said = attempt.subject, ending.stage, ending.said
    if ending.answer["failed"] == "MemoryError" or any(words in said for words in _MEMORY):
        return TooMuchMemory(subject, stage, None)
    if attempt.samples and (ending.answer["failed"] == "unfit" or stage in ("answer", "compare")):
        return InputUnfit(subject.path, attempt.samples.shown, said)
    if stage in ("import", "data"):
        said = f"{ending.answer['failed']}: {said}"
        return RuntimeBroken(subject, said, _import_fixes(subject, said))
    return _of_load(subject, said)


def _of_load(subject: Subject, said: str) -> Failure | str:
    if any(words in said for words in _NUMPY_1) or _LIBRARY.search(said):
        return RuntimeBroken(subject, said, _import_fixes(subject, said))
    if "Select TensorFlow op(s)" in said:
        return FlexOps(subject, _once(said))
    for what, pattern in (("opset", _OPSET), ("IR version", _IR)):
        if match := pattern.search(said):
            has, takes = int(match[1]), int(match[2])
            return UnsupportedOpset(subject, what, has, takes, _newer(what, has))
    if _WEIGHTS_ONLY in said:
        return "it holds weights without the model that they are for"
    if any(words in said for words in _APPS_OWN) and not _ONNX_ITSELF.search(said):
        return f"it needs code of the app's own: {_short(said)}"
    return DoesNotLoad(subject, said, _load_fixes(subject, said))


def _load_fixes(subject: Subject, said: str) -> tuple[str, ...]:
    if not _OLD_LITE.search(said):
        return _missing_fixes(said)
    return (
        f"The model was converted for a newer runtime than {subject.runtime}.\n" + TO_LITERT,
        "Convert the model with the TensorFlow of the runtime's own version.",
    )


def _import_fixes(subject: Subject, said: str) -> tuple[str, ...]:
    if subject.runtime.module == "tflite_runtime" and any(words in said for words in _NUMPY_1):
        return (
            "tflite-runtime is built against numpy 1. Add to requirements.txt:\nnumpy<2",
            f"Or use its successor.\n{TO_LITERT}",
        )
    if any(words in said for words in _NUMPY_1):
        return ("It is built against numpy 1. Add to requirements.txt:\nnumpy<2",)
    if match := _LIBRARY.search(said):
        return (_library_fix(match[1]),)
    return _missing_fixes(said)


def _missing_fixes(said: str) -> tuple[str, ...]:
    """For a module that is not there. Distributions are mostly called as their modules."""
    match = _MISSING.search(said)
    return (f"Add what it needs to requirements.txt:\n{match[1]}",) if match else ()


def _library_fix(library: str) -> str:
    if library in _HEADLESS:
        return f"Nothing on a dyno has {library}. In requirements.txt:\n{_HEADLESS[library]}"
    return (
        f"The system has no {library}. Find its package on\n"
        "https://packages.ubuntu.com, add it to an Aptfile, and this buildpack:\n"
        "heroku buildpacks:add --index 1 heroku-community/apt"
    )


def _newer(what: str, has: int) -> str:
    versions = [version for number, version in _SINCE[what].items() if number >= has]
    if not versions:
        return "Use the newest ONNX Runtime, in requirements.txt:\nonnxruntime"
    return f"Use a newer ONNX Runtime, in requirements.txt:\nonnxruntime>={versions[0]}"


def _once(said: str) -> str:
    """The ops of a message that says everything several times."""
    head = "Select TensorFlow op(s)"
    ops = sorted(set(re.findall(r"\((Flex\w+)\)", said)))
    return f"{head} not supported: {', '.join(ops)}" if ops else said


def _short(said: str) -> str:
    """The first sentence or line, as far as a line of the log goes."""
    line = " ".join(said.strip().splitlines()[0].split())
    return line if len(line) <= 160 else f"{line[:157]}..."

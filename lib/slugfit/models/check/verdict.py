"""Classifies a failed check by the runtime's message and by how its process ended."""

from __future__ import annotations

import re
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from slugfit.base.errors import Failure
from slugfit.base.process import Finished
from slugfit.models.check.attempt import Attempt, Subject
from slugfit.models.check.failures import (
    Crashed,
    DoesNotLoad,
    FlexOps,
    RuntimeBroken,
    TooMuchMemory,
    TooSlow,
    UnsupportedOpset,
)
from slugfit.models.check.mismatches import InputMismatch
from slugfit.models.check.runtimes import TO_LITERT

_OPSET = re.compile(r"Opset (\d+) is under development.*?is till opset (\d+)", re.DOTALL)
_IR = re.compile(r"Unsupported model IR version: (\d+), max supported IR version: (\d+)")
# The first ONNX Runtime that supports an opset, and an IR version.
_SINCE = {
    "opset": {15: "1.10", 16: "1.11", 17: "1.12", 18: "1.14", 19: "1.15", 20: "1.17", 21: "1.18"},
    "IR version": {8: "1.10", 9: "1.15", 10: "1.18"},
}
_OLD_LITE = re.compile(r"Didn't find op for builtin opcode '(\w+)' version '(\d+)'")
_LIBRARY = re.compile(r"(lib[\w.+-]+\.so[\w.]*): cannot open shared object file")
_MISSING = re.compile(r"No module named '(\w+)")
_NUMPY_1 = ("_ARRAY_API", "numpy.core.multiarray failed to import", "compiled using NumPy 1.x")
_OUT_OF_MEMORY = (
    "std::bad_alloc",
    "DefaultCPUAllocator: can't allocate memory",
    "Cannot allocate memory",
)
# What only the app's own code can register: the model is not at fault.
_NEEDS_APP_CODE = (
    *("Unknown layer", "Could not locate class", "Could not locate function"),
    *("register_keras_serializable", "Unknown loss", "Unknown metric", "custom_objects"),
    *("Encountered unresolved custom op", "is not a registered function/op"),
    *("Unknown builtin op", "No registered class", "Can't get attribute"),
)
_ONNX_OWN_OP = re.compile(r"Fatal error: (ai\.onnx|com\.microsoft):")
_WEIGHTS_ONLY = "No model config found"
# Wheels that need no system library, by the library that a dyno lacks.
_REPLACEMENTS = {"libGL.so.1": ("opencv-python", "opencv-python-headless")}


@dataclass(frozen=True)
class ProbeOutcome:
    """How a check process ended, its result so far, and whether it exceeded its memory limit."""

    finished: Finished
    result: Mapping[str, Any]
    over_memory: bool

    @property
    def stage(self) -> str:
        return str(self.result.get("stage", "import"))

    @property
    def message(self) -> str:
        """The exception's message, or else the end of stderr."""
        if "failed" in self.result:
            return str(self.result["message"] or self.result["failed"])
        return "\n".join(self.finished.tail)


def failure_of(attempt: Attempt, outcome: ProbeOutcome) -> Failure | str:
    """What went wrong; or a reason, as text, why the check is inconclusive."""
    subject, stage = attempt.subject, outcome.stage
    if outcome.over_memory:
        return TooMuchMemory(subject, stage, attempt.max_rss)
    if "failed" in outcome.result:
        return _of_exception(attempt, outcome)
    if outcome.finished.code is None:
        return TooSlow(subject, stage, attempt.seconds)
    return _of_ended_process(subject, outcome)


def _of_ended_process(subject: Subject, outcome: ProbeOutcome) -> Failure:
    """The process ended without a message."""
    code, stage, message = outcome.finished.code or 0, outcome.stage, outcome.message
    if code == -signal.SIGKILL:  # the kernel's OOM killer
        return TooMuchMemory(subject, stage, None)
    if stage == "import":
        fixes = _import_fixes(subject, message)
        return RuntimeBroken(subject, message or outcome.finished.said, fixes)
    if code < 0:
        return Crashed(subject, stage, -code, message)
    return DoesNotLoad(subject, message)


def _of_exception(attempt: Attempt, outcome: ProbeOutcome) -> Failure | str:
    subject, stage, message = attempt.subject, outcome.stage, outcome.message
    failed = outcome.result["failed"]
    if failed == "MemoryError" or any(words in message for words in _OUT_OF_MEMORY):
        return TooMuchMemory(subject, stage, None)
    if attempt.samples and (failed == "mismatch" or stage in ("inference", "compare")):
        return InputMismatch(subject.path, attempt.samples.display_name, message)
    if stage in ("import", "data"):
        message = f"{failed}: {message}"
        return RuntimeBroken(subject, message, _import_fixes(subject, message))
    return _of_load(subject, message)


def _of_load(subject: Subject, message: str) -> Failure | str:
    if any(words in message for words in _NUMPY_1) or _LIBRARY.search(message):
        return RuntimeBroken(subject, message, _import_fixes(subject, message))
    if "Select TensorFlow op(s)" in message:
        return FlexOps(subject, _unique_ops(message))
    for what, pattern in (("opset", _OPSET), ("IR version", _IR)):
        if match := pattern.search(message):
            required, supported = int(match[1]), int(match[2])
            fix = _newer_runtime(what, required)
            return UnsupportedOpset(subject, what, required, supported, fix)
    if _WEIGHTS_ONLY in message:
        return "it contains weights without a model configuration"
    if any(words in message for words in _NEEDS_APP_CODE) and not _ONNX_OWN_OP.search(message):
        return f"it needs the app's own code: {_first_line(message)}"
    return DoesNotLoad(subject, message, _load_fixes(subject, message))


def _load_fixes(subject: Subject, message: str) -> tuple[str, ...]:
    if not _OLD_LITE.search(message):
        return _missing_fixes(message)
    return (
        f"The model was converted for a newer runtime than {subject.runtime}.\n" + TO_LITERT,
        "Convert the model with the TensorFlow version that matches the runtime.",
    )


def _import_fixes(subject: Subject, message: str) -> tuple[str, ...]:
    if subject.runtime.module == "tflite_runtime" and any(words in message for words in _NUMPY_1):
        return (
            "tflite-runtime is built against numpy 1. Add to requirements.txt:\nnumpy<2",
            f"Or migrate to its successor.\n{TO_LITERT}",
        )
    if any(words in message for words in _NUMPY_1):
        return ("It is built against numpy 1. Add to requirements.txt:\nnumpy<2",)
    if match := _LIBRARY.search(message):
        return (_library_fix(match[1]),)
    return _missing_fixes(message)


def _missing_fixes(message: str) -> tuple[str, ...]:
    """For a missing module. Most distributions have the name of their module."""
    match = _MISSING.search(message)
    return (f"Add the missing package to requirements.txt:\n{match[1]}",) if match else ()


def _library_fix(library: str) -> str:
    if library in _REPLACEMENTS:
        old, new = _REPLACEMENTS[library]
        return f"Dynos have no {library}. In requirements.txt, replace {old} with:\n{new}"
    return (
        f"The system library {library} is missing. Find its package on\n"
        "https://packages.ubuntu.com, add it to an Aptfile, and add this buildpack:\n"
        "heroku buildpacks:add --index 1 heroku-community/apt"
    )


def _newer_runtime(what: str, required: int) -> str:
    versions = [version for number, version in _SINCE[what].items() if number >= required]
    if not versions:
        return "Use the newest ONNX Runtime, in requirements.txt:\nonnxruntime"
    return f"Use a newer ONNX Runtime, in requirements.txt:\nonnxruntime>={versions[0]}"


def _unique_ops(message: str) -> str:
    """The ops in a message that repeats them."""
    head = "Select TensorFlow op(s)"
    ops = sorted(set(re.findall(r"\((Flex\w+)\)", message)))
    return f"{head} not supported: {', '.join(ops)}" if ops else message


def _first_line(message: str) -> str:
    """The first line, cut to 160 characters."""
    line = " ".join(message.strip().splitlines()[0].split())
    return line if len(line) <= 160 else f"{line[:157]}..."

"""What can go wrong when a model is loaded and run."""

from __future__ import annotations

import math
import signal
from collections.abc import Sequence

from slugfit.base.errors import Explanation, Failure
from slugfit.base.sizes import format_size
from slugfit.models.check.attempt import Subject

_WHY = "What fails in the build fails on the dyno, too."
_MAX_LINES = 8
_COLUMNS = 160
_ACTIVITIES = {
    "import": "importing the runtime",
    "data": "reading the samples",
    "load": "loading the model",
}


class CheckFailure(Failure):
    """A check of `subject` that failed; `message` is the runtime's."""

    def __init__(self, subject: Subject, message: str, fixes: Sequence[str] = ()) -> None:
        self.subject = subject
        self.message = message
        self.fixes = tuple(fixes)


class DoesNotLoad(CheckFailure):
    """The runtime rejects the model."""

    id = "check::does-not-load"

    def explain(self) -> Explanation:
        return Explanation(
            summary="A model does not load in the app's runtime.",
            where=self.subject.where,
            evidence=quoted(self.message),
            why=_WHY,
            fixes=(*self.fixes, self.subject.reproduce, without_load()),
        )


class FlexOps(CheckFailure):
    """The model has TensorFlow ops that no TensorFlow Lite runtime on PyPI supports."""

    id = "check::flex-ops"

    def explain(self) -> Explanation:
        return Explanation(
            summary="A TensorFlow Lite model uses TensorFlow ops.",
            where=self.subject.where,
            evidence=quoted(self.message),
            why="Only a runtime that was built with the flex delegate supports them:\n"
            "tflite-runtime and ai-edge-litert do not.",
            fixes=(
                "Convert it without SELECT_TF_OPS, so that the converter lists the unsupported\n"
                "ops, and replace those in the model:\n"
                "converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]",
                "Serve the SavedModel or the Keras model with tensorflow-cpu instead.",
                without_load(),
            ),
        )


class UnsupportedOpset(CheckFailure):
    """The model needs a newer ONNX than the runtime supports. `what`: opset or IR version."""

    id = "check::unsupported-opset"

    def __init__(
        self, subject: Subject, what: str, required: int, supported: int, fix: str
    ) -> None:
        super().__init__(subject, "", (fix,))
        self.what = what
        self.required = required
        self.supported = supported

    def explain(self) -> Explanation:
        downgrade = (
            f"torch.onnx.export(…, opset_version={self.supported})"
            if self.what == "opset"
            else f"model.ir_version = {self.supported}; onnx.save(model, '{self.subject.path}')"
        )
        return Explanation(
            summary="An ONNX model is newer than the app's ONNX Runtime.",
            where=self.subject.where,
            evidence=(
                f"the model's {self.what}: {self.required}",
                f"supported by {self.subject.runtime}: {self.supported}",
            ),
            why=_WHY,
            fixes=(*self.fixes, f"Or export the model for the app's runtime:\n{downgrade}"),
        )


class RuntimeBroken(CheckFailure):
    """The runtime itself does not work, with any model."""

    id = "check::runtime-broken"

    def explain(self) -> Explanation:
        return Explanation(
            summary="The app's runtime for a model does not work.",
            where=self.subject.where,
            evidence=quoted(self.message),
            why=_WHY,
            fixes=(
                *self.fixes,
                self.subject.reproduce,
                without_load(),
            ),
        )


class Crashed(CheckFailure):
    """The process was killed by signal `number`, at `stage`."""

    id = "check::crashed"

    def __init__(self, subject: Subject, stage: str, number: int, message: str) -> None:
        super().__init__(subject, message)
        self.stage = stage
        self.number = number

    def explain(self) -> Explanation:
        name = signal.Signals(self.number).name
        return Explanation(
            summary="A model crashes the app's runtime.",
            where=self.subject.where,
            evidence=(f"{name} while {activity(self.stage)}", *quoted(self.message)),
            why=_WHY,
            fixes=(
                f"Use another version of {self.subject.runtime.distribution}, or convert the "
                "model with the version in the app.",
                self.subject.reproduce,
                without_load(),
            ),
        )


class TooSlow(CheckFailure):
    """The check took longer than `seconds`; it was stopped at `stage`."""

    id = "check::too-slow"

    def __init__(self, subject: Subject, stage: str, seconds: float) -> None:
        super().__init__(subject, "")
        self.stage = stage
        self.seconds = seconds

    def explain(self) -> Explanation:
        return Explanation(
            summary="Loading a model and running it takes too long.",
            where=self.subject.where,
            evidence=(f"after {self.seconds:g} seconds: still {activity(self.stage)}",),
            why="A web process has 60 seconds to bind to its port.",
            fixes=(
                "Raise the time limit in slugfit.toml:\n"
                f'check = {{ timeout = "{math.ceil(self.seconds * 2)}s" }}',
                "If check.input has many samples, use fewer.",
                without_load(),
            ),
        )


class TooMuchMemory(CheckFailure):
    """The process exceeded `limit` bytes at `stage`; None when it exceeded the machine's memory."""

    id = "check::too-much-memory"

    def __init__(self, subject: Subject, stage: str, limit: int | None) -> None:
        super().__init__(subject, "")
        self.stage = stage
        self.limit = limit

    def explain(self) -> Explanation:
        limit = f"more than {format_size(self.limit)}" if self.limit else "more than available"
        more = f"{round((self.limit or 2_500_000_000) * 2 / 1_000_000)}MB"
        return Explanation(
            summary="A model needs too much memory.",
            where=self.subject.where,
            evidence=(f"{limit} while {activity(self.stage)}",),
            why="The limit is for the whole process, with the runtime. Build machines have 2.5 GB.",
            fixes=(
                'Quantize the model, if Slugfit can convert it:\nconvert = { to = "tflite", '
                'quantize = "dynamic" }',
                f'Raise the limit in slugfit.toml:\ncheck = {{ memory = "{more}" }}',
                without_load(),
            ),
        )


def activity(stage: str) -> str:
    """What the check was doing at `stage`."""
    return _ACTIVITIES.get(stage, "running inference")


def quoted(message: str) -> tuple[str, ...]:
    """The end of a runtime's message, indented to mark it as a quotation."""
    lines = [line.rstrip() for line in message.splitlines() if line.strip()]
    return tuple(f"  {line[:_COLUMNS]}" for line in lines[-_MAX_LINES:])


def without_load() -> str:
    """A fix that every failed check has."""
    return "To skip this check, add to the model in slugfit.toml:\ncheck = { load = false }"

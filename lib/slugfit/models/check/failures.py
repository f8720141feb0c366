"""What goes wrong when a model is tried."""

from __future__ import annotations

import math
import signal
from collections.abc import Sequence

from slugfit.errors import Explanation, Failure
from slugfit.models.check.attempt import Subject
from slugfit.sizes import format_size

_WHY = "What fails in the build fails on the dyno, too."
_MOST_LINES = 8
_COLUMNS = 160
_DOING = {
    "import": "importing the runtime",
    "data": "reading the samples",
    "load": "loading the model",
}


class Tried(Failure):
    """A trial of `subject` that failed; `said` is what the runtime said."""

    def __init__(self, subject: Subject, said: str, fixes: Sequence[str] = ()) -> None:
        self.subject = subject
        self.said = said
        self.fixes = tuple(fixes)


class DoesNotLoad(Tried):
    """The runtime refuses the model."""

    id = "check::does-not-load"

    def explain(self) -> Explanation:
        return Explanation(
            summary="A model does not load in the app's own runtime.",
            where=self.subject.where,
            evidence=quoted(self.said),
            why=_WHY,
            fixes=(*self.fixes, self.subject.again, without_load()),
        )


class FlexOps(Tried):
    """The model has ops of TensorFlow that no TensorFlow Lite runtime in wheels has."""

    id = "check::flex-ops"

    def explain(self) -> Explanation:
        return Explanation(
            summary="A TensorFlow Lite model has TensorFlow's own ops in it.",
            where=self.subject.where,
            evidence=quoted(self.said),
            why="Only a runtime that was built with the flex delegate has them: neither\n"
            "tflite-runtime nor ai-edge-litert was.",
            fixes=(
                "Convert it without SELECT_TF_OPS, so that the converter names what it can't\n"
                "translate, and replace that in the model:\n"
                "converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]",
                "Serve the SavedModel or the Keras model with tensorflow-cpu instead.",
                without_load(),
            ),
        )


class UnsupportedOpset(Tried):
    """The model is of a newer ONNX than the runtime. `what` is opset or IR version."""

    id = "check::unsupported-opset"

    def __init__(self, subject: Subject, what: str, has: int, takes: int, fix: str) -> None:
        super().__init__(subject, "", (fix,))
        self.what = what
        self.has = has
        self.takes = takes

    def explain(self) -> Explanation:
        again = (
            f"torch.onnx.export(…, opset_version={self.takes})"
            if self.what == "opset"
            else f"model.ir_version = {self.takes}; onnx.save(model, '{self.subject.path}')"
        )
        return Explanation(
            summary="An ONNX model is newer than the app's ONNX Runtime.",
            where=self.subject.where,
            evidence=(
                f"the model's {self.what}: {self.has}",
                f"the highest that {self.subject.runtime} takes: {self.takes}",
            ),
            why=_WHY,
            fixes=(*self.fixes, f"Or save the model for the runtime that the app has:\n{again}"),
        )


class RuntimeBroken(Tried):
    """The runtime itself does not work, whatever it shall load."""

    id = "check::runtime-broken"

    def explain(self) -> Explanation:
        return Explanation(
            summary="The app's runtime for a model does not work.",
            where=self.subject.where,
            evidence=quoted(self.said),
            why=_WHY,
            fixes=(
                *self.fixes,
                self.subject.again,
                without_load(),
            ),
        )


class Crashed(Tried):
    """The process was ended by signal `number`, at `stage`."""

    id = "check::crashed"

    def __init__(self, subject: Subject, stage: str, number: int, said: str) -> None:
        super().__init__(subject, said)
        self.stage = stage
        self.number = number

    def explain(self) -> Explanation:
        name = signal.Signals(self.number).name
        return Explanation(
            summary="A model crashes the app's own runtime.",
            where=self.subject.where,
            evidence=(f"{name} while {doing(self.stage)}", *quoted(self.said)),
            why=_WHY,
            fixes=(
                f"Use another version of {self.subject.runtime.distribution}, or convert the "
                "model with the version that\nthe app has.",
                self.subject.again,
                without_load(),
            ),
        )


class TooSlow(Tried):
    """The trial took longer than `seconds`, and ended at `stage`."""

    id = "check::too-slow"

    def __init__(self, subject: Subject, stage: str, seconds: float) -> None:
        super().__init__(subject, "")
        self.stage = stage
        self.seconds = seconds

    def explain(self) -> Explanation:
        return Explanation(
            summary="A model takes too long to load and to answer.",
            where=self.subject.where,
            evidence=(f"after {self.seconds:g} seconds: still {doing(self.stage)}",),
            why="A dyno's web process has 60 seconds to start.",
            fixes=(
                "Give it more time, in slugfit.toml:\n"
                f'check = {{ timeout = "{math.ceil(self.seconds * 2)}s" }}',
                "If it is check.input that takes so long, give fewer samples.",
                without_load(),
            ),
        )


class TooMuchMemory(Tried):
    """The process took more than `limit` bytes at `stage`; without a limit, more than there are."""

    id = "check::too-much-memory"

    def __init__(self, subject: Subject, stage: str, limit: int | None) -> None:
        super().__init__(subject, "")
        self.stage = stage
        self.limit = limit

    def explain(self) -> Explanation:
        limit = f"more than {format_size(self.limit)}" if self.limit else "more than there is"
        more = f"{round((self.limit or 2_500_000_000) * 2 / 1_000_000)}MB"
        return Explanation(
            summary="A model takes too much memory.",
            where=self.subject.where,
            evidence=(f"{limit} while {doing(self.stage)}",),
            why="The whole process counts, its runtime too. Build machines have about 2.5 GB.",
            fixes=(
                'Make the model smaller, if it is one to convert:\nconvert = { to = "tflite", '
                'quantize = "dynamic" }',
                f'Allow it more, in slugfit.toml:\ncheck = {{ memory = "{more}" }}',
                without_load(),
            ),
        )


def doing(stage: str) -> str:
    """What went on, in words."""
    return _DOING.get(stage, "answering")


def quoted(said: str) -> tuple[str, ...]:
    """What a runtime said, short, and indented so that it is known for what it is."""
    lines = [line.rstrip() for line in said.splitlines() if line.strip()]
    return tuple(f"  {line[:_COLUMNS]}" for line in lines[-_MOST_LINES:])


def without_load() -> str:
    return "To build without trying it, give the model in slugfit.toml:\ncheck = { load = false }"

"""What can go wrong in a conversion. `path` is the model's path in the app."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from slugfit.base.errors import Explanation, Failure
from slugfit.base.heroku import NO_TIME_LEFT
from slugfit.base.sizes import format_duration
from slugfit.settings.model import ConvertTo, Quantize

_ELSEWHERE = "Convert it where it was trained, upload the result, and remove convert."


class ConvertFailure(Failure):
    """A failure with one model; `detail` comes from the tool."""

    def __init__(self, path: str, detail: str = "") -> None:
        self.path = path
        self.detail = detail

    @property
    def _evidence(self) -> tuple[str, ...]:
        return (self.detail,) if self.detail else ()


class Unsupported(Failure):
    """The model's format can't be converted to the requested one."""

    id = "convert::unsupported"

    def __init__(
        self,
        path: str,
        title: str,
        requested: tuple[ConvertTo, Quantize],
        supported: Mapping[ConvertTo, Sequence[Quantize]],
    ) -> None:
        self.path = path
        self.title = title
        self.requested = requested
        self.supported = supported

    def explain(self) -> Explanation:
        listed = [f'to = "{to}", quantize = {_or(some)}' for to, some in self.supported.items()]
        choose = ("Choose a supported conversion:\n" + "\n".join(listed),) if listed else ()
        return Explanation(
            summary="This conversion of a model is not supported.",
            where=self.path,
            evidence=(
                f"format:    {self.title}",
                'requested: to = "{}", quantize = "{}"'.format(*self.requested),
            ),
            why="" if listed else "Slugfit can't convert this format.",
            fixes=(*choose, _ELSEWHERE),
        )


class UnsupportedModel(ConvertFailure):
    """The tool does not support this particular model."""

    id = "convert::unsupported-model"

    def explain(self) -> Explanation:
        return Explanation(
            summary="This kind of model can't be converted.",
            where=self.path,
            evidence=self._evidence,
            why="A model has to have one serving signature, or to be an estimator.",
            fixes=(
                'Save the model with the signature "serving_default", as model.export(…) does.',
                _ELSEWHERE,
            ),
        )


class ConversionFailed(ConvertFailure):
    """The tool ended without a result."""

    id = "convert::failed"

    def explain(self) -> Explanation:
        return Explanation(
            summary="A model could not be converted.",
            where=self.path,
            evidence=(self.detail or "The tool printed no message.",),
            fixes=(
                "If the model has custom layers or operations, save it without them.",
                'Try without quantization:\nconvert = { to = "…", quantize = "none" }',
                _ELSEWHERE,
            ),
        )


class ToolsUnavailable(ConvertFailure):
    """The tools have no wheels for this Python or processor."""

    id = "convert::no-tools"

    def explain(self) -> Explanation:
        return Explanation(
            summary="The conversion tools do not support this Python.",
            where=self.path,
            evidence=self._evidence,
            fixes=("Use a supported Python, in .python-version:\n3.13", _ELSEWHERE),
        )


class ToolsNotInstalled(ConvertFailure):
    """pip failed."""

    id = "convert::tools-not-installed"
    kind = "upstream"

    def explain(self) -> Explanation:
        return Explanation(
            summary="The conversion tools could not be installed.",
            where=self.path,
            evidence=(self.detail or "pip printed no message.",),
            fixes=(
                "the status of the Python Package Index: https://status.python.org",
                "that the build can reach https://download.pytorch.org/whl/cpu, which provides\n"
                "torch for PyTorch models when the app has none.",
            ),
        )


class CodeNotAllowed(ConvertFailure):
    """Opening the model would run code in it."""

    id = "convert::pickle-not-allowed"

    def explain(self) -> Explanation:
        return Explanation(
            summary="A model contains code, which is not allowed to run.",
            where=self.path,
            evidence=self._evidence,
            why="Anyone who can replace the model could run any code in your build.",
            fixes=(
                "If only you can replace the model, allow it, below its source:\nallow_code = true",
                _ELSEWHERE,
            ),
        )


class SampleMismatch(ConvertFailure):
    """The sample arrays do not match the model."""

    id = "convert::data-unfit"

    def explain(self) -> Explanation:
        return Explanation(
            summary="The samples do not match the model's inputs.",
            where=self.path,
            evidence=self._evidence,
            fixes=(
                "Save one array per input, under the input's name, with the samples as the\n"
                "first axis:\n"
                "python -c 'import numpy; numpy.savez(\"inputs.npz\", x=…)'",
            ),
        )


class SamplesRequired(ConvertFailure):
    """The model does not describe its inputs, and there are no samples."""

    id = "convert::data-needed"

    def explain(self) -> Explanation:
        return Explanation(
            summary="This conversion needs samples of the model's inputs.",
            where=self.path,
            evidence=self._evidence,
            why="Slugfit compares the outputs of the original and the result on the same inputs,\n"
            "and can't derive inputs from this model.",
            fixes=(
                "Add some samples to the app, and name the file below the model's source:\n"
                'check = { input = "check/inputs.npz" }',
            ),
        )


class ConversionTimeout(Failure):
    """The conversions exceeded their time limit, in seconds."""

    id = "convert::out-of-time"

    def __init__(self, path: str, seconds: float) -> None:
        self.path = path
        self.seconds = seconds

    def explain(self) -> Explanation:
        return Explanation(
            summary="A conversion exceeds the time limit.",
            where=self.path,
            evidence=(f"limit for all conversions: {format_duration(self.seconds)}",),
            why=NO_TIME_LEFT,
            fixes=(
                "For int8, use fewer representative samples: a few hundred are enough.",
                _ELSEWHERE,
            ),
        )


class OutOfMemory(ConvertFailure):
    """The kernel or the tool ended a conversion for lack of memory."""

    id = "convert::out-of-memory"

    def explain(self) -> Explanation:
        return Explanation(
            summary="A conversion needs more memory than the build has.",
            where=self.path,
            evidence=self._evidence,
            why="A build machine has about 2.5 GB, and most tools hold several copies of a model.",
            fixes=(_ELSEWHERE,),
        )


REFUSALS: Mapping[str, type[ConvertFailure]] = {
    "failed": ConversionFailed,
    "unsupported": UnsupportedModel,
    "pickle-not-allowed": CodeNotAllowed,
    "data-unfit": SampleMismatch,
    "data-needed": SamplesRequired,
    "out-of-memory": OutOfMemory,
}
"""The failures by the kinds of `ConversionRefused`."""


def _or(values: Sequence[str]) -> str:
    return " or ".join(f'"{value}"' for value in values)

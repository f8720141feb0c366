"""What can go wrong in a conversion. `path` is the model's, in the app."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from slugfit.errors import Explanation, Failure
from slugfit.settings.model import ConvertTo, Quantize
from slugfit.sizes import format_duration

_ELSEWHERE = "Convert it where it was trained, upload the result, and remove convert."


class ConvertFailure(Failure):
    """Something about one model; `detail` is what a tool says about it."""

    def __init__(self, path: str, detail: str = "") -> None:
        self.path = path
        self.detail = detail

    @property
    def _evidence(self) -> tuple[str, ...]:
        return (self.detail,) if self.detail else ()


class Unsupported(Failure):
    """There is no way from the model's format to what was asked for."""

    id = "convert::unsupported"

    def __init__(
        self,
        path: str,
        title: str,
        asked: tuple[ConvertTo, Quantize],
        possible: Mapping[ConvertTo, Sequence[Quantize]],
    ) -> None:
        self.path = path
        self.title = title
        self.asked = asked
        self.possible = possible

    def explain(self) -> Explanation:
        ways = [f'to = "{to}", quantize = {_or(ways)}' for to, ways in self.possible.items()]
        choose = ("Choose what is possible:\n" + "\n".join(ways),) if ways else ()
        return Explanation(
            summary="A model can not be converted in this way.",
            where=self.path,
            evidence=(
                f"the model is: {self.title}",
                'asked for:    to = "{}", quantize = "{}"'.format(*self.asked),
            ),
            why="" if ways else "Nothing can be made of this format at build time.",
            fixes=(*choose, _ELSEWHERE),
        )


class NotThisModel(ConvertFailure):
    """A tool has no way with this very model."""

    id = "convert::unsupported-model"

    def explain(self) -> Explanation:
        return Explanation(
            summary="A model is of a kind that can not be converted.",
            where=self.path,
            evidence=self._evidence,
            why="What can be converted has one signature for serving, or is an estimator.",
            fixes=(
                'Save the model with the signature "serving_default", as model.export(…) does.',
                _ELSEWHERE,
            ),
        )


class ConversionFailed(ConvertFailure):
    """A tool ended without a result."""

    id = "convert::failed"

    def explain(self) -> Explanation:
        return Explanation(
            summary="A model could not be converted.",
            where=self.path,
            evidence=(self.detail or "The tool said nothing.",),
            fixes=(
                "If the model has layers or operations of its own, save it without them.",
                'Try without quantization:\nconvert = { to = "…", quantize = "none" }',
                _ELSEWHERE,
            ),
        )


class NoTools(ConvertFailure):
    """The tools have no builds for this Python or processor."""

    id = "convert::no-tools"

    def explain(self) -> Explanation:
        return Explanation(
            summary="The tools for a conversion do not run on this Python.",
            where=self.path,
            evidence=self._evidence,
            fixes=("Name one of these Pythons in .python-version:\n3.13", _ELSEWHERE),
        )


class ToolsNotInstalled(ConvertFailure):
    """pip failed."""

    id = "convert::tools-not-installed"
    kind = "upstream"

    def explain(self) -> Explanation:
        return Explanation(
            summary="The tools for a conversion could not be installed.",
            where=self.path,
            evidence=(self.detail or "pip said nothing.",),
            fixes=(
                "the status of the Python Package Index: https://status.python.org",
                "that the build reaches https://download.pytorch.org/whl/cpu, if the model is\n"
                "PyTorch's and the app has no torch.",
            ),
        )


class PickleNotAllowed(ConvertFailure):
    """To open the model is to run what is in it."""

    id = "convert::pickle-not-allowed"

    def explain(self) -> Explanation:
        return Explanation(
            summary="A model that holds code is not opened at build.",
            where=self.path,
            evidence=self._evidence,
            why="Whoever can replace the model would run what they like in your build.",
            fixes=(
                "If only you can write to where the model comes from, allow it, below its\n"
                "source:\nallow_pickle = true",
                _ELSEWHERE,
            ),
        )


class DataUnfit(ConvertFailure):
    """Arrays that are not for this model."""

    id = "convert::data-unfit"

    def explain(self) -> Explanation:
        return Explanation(
            summary="Samples do not fit the model that they are for.",
            where=self.path,
            evidence=self._evidence,
            fixes=(
                "Save an array for each input, whose first axis is that of the samples, under\n"
                "the names that the model has:\n"
                "python -c 'import numpy; numpy.savez(\"inputs.npz\", x=…)'",
            ),
        )


class DataNeeded(ConvertFailure):
    """A model that does not tell what it takes, and no samples."""

    id = "convert::data-needed"

    def explain(self) -> Explanation:
        return Explanation(
            summary="A model can not be converted without samples of its input.",
            where=self.path,
            evidence=self._evidence,
            why="The models before and after are asked the same, to see that they answer alike.\n"
            "Nothing tells what it could be asked.",
            fixes=(
                "Save some samples in the app, and name them below the model's source:\n"
                'check = { input = "check/inputs.npz" }',
            ),
        )


class OutOfTime(Failure):
    """The time that a build has for conversions is over."""

    id = "convert::out-of-time"

    def __init__(self, path: str, seconds: float) -> None:
        self.path = path
        self.seconds = seconds

    def explain(self) -> Explanation:
        return Explanation(
            summary="A conversion does not end in the time that a build has.",
            where=self.path,
            evidence=(f"time for all conversions: {format_duration(self.seconds)}",),
            why="Heroku ends a build after 25 minutes, without a word about the reason.",
            fixes=(
                "Fit int8 to fewer samples, if that is what is asked for: some hundred will do.",
                _ELSEWHERE,
            ),
        )


class OutOfMemory(ConvertFailure):
    """The system, or the tool itself, has ended a conversion for want of memory."""

    id = "convert::out-of-memory"

    def explain(self) -> Explanation:
        return Explanation(
            summary="A conversion needs more memory than the build has.",
            where=self.path,
            evidence=self._evidence,
            why="A build has some 2.5 GB, and most tools hold a model several times.",
            fixes=(_ELSEWHERE,),
        )


REFUSALS: Mapping[str, type[ConvertFailure]] = {
    "failed": ConversionFailed,
    "unsupported": NotThisModel,
    "pickle-not-allowed": PickleNotAllowed,
    "data-unfit": DataUnfit,
    "data-needed": DataNeeded,
    "out-of-memory": OutOfMemory,
}
"""What a tool can answer instead of a result."""


def _or(ways: Sequence[str]) -> str:
    return " or ".join(f'"{way}"' for way in ways)

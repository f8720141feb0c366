"""What is wrong with the data that a model is tried with, or with its answers."""

from __future__ import annotations

import math
from collections.abc import Iterator

from slugfit.errors import Explanation, Failure
from slugfit.models.check import Comparison
from slugfit.models.check.failures import without_load


class InputUnfit(Failure):
    """The arrays in `file` are not for the model at `path`, as `said` shows."""

    id = "check::input-unfit"

    def __init__(self, path: str, file: str, said: str) -> None:
        self.path = path
        self.file = file
        self.said = said

    def explain(self) -> Explanation:
        return Explanation(
            summary="The data to try a model with does not fit it.",
            where=f"{self.file}, for {self.path}",
            evidence=tuple(self.said.splitlines()),
            why="An array's first axis is that of the samples; the others are an input's own.",
            fixes=(
                "Write an array for each input, under its name:\n"
                'numpy.savez("check/inputs.npz", name=array, …)',
            ),
        )


class Inaccurate(Failure):
    """The model at `path` does not answer as `what` does. `bounds` are max_error, min_agreement."""

    id = "check::inaccurate"

    def __init__(
        self,
        path: str,
        what: str,
        found: Comparison,
        bounds: tuple[float | None, float | None],
    ) -> None:
        self.path = path
        self.what = what
        self.found = found
        self.bounds = bounds

    def explain(self) -> Explanation:
        return Explanation(
            summary="A model's answers are too far from those expected.",
            where=f"{self.path}, beside {self.what}",
            evidence=tuple(self._numbers()),
            why="Slugfit does not ship a model that got worse.",
            fixes=tuple(self._fixes()),
        )

    def _fixes(self) -> Iterator[str]:
        yield 'If it is converted, quantize less: "dynamic" or "float16" instead of "int8".'
        if allowed := self._allowed():
            yield f"If that is all right, allow it, in the model's check table:\n{allowed}"
        yield without_load()

    def _numbers(self) -> list[str]:
        found, (max_error, min_agreement) = self.found, self.bounds
        bound = "" if max_error is None else f" (at most {max_error:g} allowed)"
        lines = [
            f"largest error: {_number(found.max_error)}{bound}",
            f"mean error:    {_number(found.mean_error)}",
            f"worst sample:  {found.worst_sample} of {found.samples}",
        ]
        if found.agreement is not None:
            bound = "" if min_agreement is None else f" (at least {min_agreement:.1%} asked for)"
            lines.insert(0, f"agreement:     {found.agreement:.1%}{bound}")
        return [line.replace("%", " %") for line in lines]

    def _allowed(self) -> str:
        """The bounds that would let it pass, as settings."""
        (max_error, min_agreement), found = self.bounds, self.found
        lines = []
        if max_error is not None and max_error < found.max_error < math.inf:
            lines.append(f"max_error = {float(f'{found.max_error * 1.1:.1e}'):g}")
        if min_agreement is not None and (found.agreement or 0.0) < min_agreement:
            lines.append(f"min_agreement = {math.floor((found.agreement or 0.0) * 1000) / 1000:g}")
        return "\n".join(lines)


def _number(value: float) -> str:
    return f"{value:.4g}" if math.isfinite(value) else "not a number"

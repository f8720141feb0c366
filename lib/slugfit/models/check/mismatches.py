"""Failures of sample data that does not match a model, and of inaccurate outputs."""

from __future__ import annotations

import math
from collections.abc import Iterator

from slugfit.base.errors import Explanation, Failure
from slugfit.base.sizes import format_percent
from slugfit.models.check import Comparison
from slugfit.models.check.failures import without_load


class InputMismatch(Failure):
    """The arrays in `file` do not match the model at `path`; `message` shows both sides."""

    id = "check::input-unfit"

    def __init__(self, path: str, file: str, message: str) -> None:
        self.path = path
        self.file = file
        self.message = message

    def explain(self) -> Explanation:
        return Explanation(
            summary="The check data does not match the model.",
            where=f"{self.file}, for {self.path}",
            evidence=tuple(self.message.splitlines()),
            why="The first axis of each array is the samples; the others must match the model.",
            fixes=(
                "Save one array per input, under its name:\n"
                'numpy.savez("check/inputs.npz", name=array, …)',
            ),
        )


class Inaccurate(Failure):
    """The model's outputs exceed `bounds`, max_error and min_agreement, compared with `what`."""

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
            summary="A model's outputs differ too much from the reference.",
            where=f"{self.path}, compared with {self.what}",
            evidence=tuple(self._numbers()),
            why="Slugfit does not ship a model that has become less accurate.",
            fixes=tuple(self._fixes()),
        )

    def _fixes(self) -> Iterator[str]:
        yield 'If it is converted, quantize less: "dynamic" or "float16" instead of "int8".'
        if allowed := self._allowed():
            yield f"If that is acceptable, allow it in the model's check table:\n{allowed}"
        yield without_load()

    def _numbers(self) -> list[str]:
        found, (max_error, min_agreement) = self.found, self.bounds
        bound = "" if max_error is None else f" (at most {max_error:g} allowed)"
        lines = [
            f"max error:       {_number(found.max_error)}{bound}",
            f"mean error:      {_number(found.mean_error)}",
            f"worst sample:    {found.worst_sample} of {found.samples}",
        ]
        if found.agreement is not None:
            bound = "" if min_agreement is None else f" (at least {min_agreement:.1%} required)"
            lines.insert(0, f"top-1 agreement: {format_percent(found.agreement)}{bound}")
        return lines

    def _allowed(self) -> str:
        """The settings that would allow these outputs."""
        (max_error, min_agreement), found = self.bounds, self.found
        lines = []
        if max_error is not None and max_error < found.max_error < math.inf:
            lines.append(f"max_error = {float(f'{found.max_error * 1.1:.1e}'):g}")
        if min_agreement is not None and (found.agreement or 0.0) < min_agreement:
            lines.append(f"min_agreement = {math.floor((found.agreement or 0.0) * 1000) / 1000:g}")
        return "\n".join(lines)


def _number(value: float) -> str:
    return f"{value:.4g}" if math.isfinite(value) else "not a number"

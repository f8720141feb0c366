"""From a model's source to what the app serves: fetch, inspect, convert, check."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from slugfit.base.changes import Changes
from slugfit.fetch.fetcher import FetchedModel, Fetcher
from slugfit.fetch.place import place
from slugfit.fetch.plan import ModelStep
from slugfit.models.check import CheckedModel, Comparison
from slugfit.models.check.checker import Checker
from slugfit.models.convert import Converted
from slugfit.models.convert.converter import Converter
from slugfit.models.formats import Inspection, inspect
from slugfit.models.reporter import ModelReporter
from slugfit.stores.location import AppFile


@dataclass(frozen=True)
class InspectedModel:
    """A fetched model. `file` is in the app, or in a work directory until it is converted."""

    step: ModelStep
    fetched: FetchedModel
    file: Path
    inspection: Inspection


@dataclass(frozen=True)
class PreparedModel:
    """A model as placed in the app. `checked` has a verdict for each file that is a model."""

    step: ModelStep
    fetched: FetchedModel
    inspection: Inspection
    converted: Converted | None = None
    checked: tuple[CheckedModel, ...] = ()

    @property
    def path(self) -> str:
        return self.fetched.path

    @property
    def statements(self) -> dict[str, str]:
        """Python statements that load the model's files in the app's runtime, by path.

        Each ends with the checksum of the content, as a comment.
        """
        sha256 = self.converted.sha256 if self.converted else self.fetched.sha256
        own = (checked for checked in self.checked if checked.statement)
        return {checked.path: f"{checked.statement}  # {sha256}" for checked in own}

    @property
    def bytes(self) -> int:
        """Its size in the slug, unpacked."""
        return self.converted.bytes if self.converted else self.fetched.bytes


def fetch(step: ModelStep, fetcher: Fetcher, app: Path, work: Path) -> InspectedModel:
    """Fetch a model into the app, or into `work` if it is to be converted, and inspect it.

    Raises the failures of its source, ModelDamaged and WrongFormat.
    """
    target = _target(step, app, work)
    fetched = fetcher.take(step, target)
    shown = step.model.source_name if step.model.convert else step.model.path
    return InspectedModel(step, fetched, target, inspect(target, shown))


def convert(source: InspectedModel, converter: Converter, app: Changes) -> PreparedModel:
    """Convert a model if its settings say so. Raises the failures of `convert.failures`."""
    step, model = source.step, source.step.model
    if model.convert is None:
        return PreparedModel(step, source.fetched, source.inspection)
    converted = converter.convert(model, source.file, source.fetched.sha256, source.inspection)
    place(converted.path, step.target, app)
    return PreparedModel(step, source.fetched, inspect(step.target, model.path), converted)


def check(prepared: PreparedModel, checker: Checker, reporter: ModelReporter) -> PreparedModel:
    """Check each model file that the app will serve. Raises the failures of `Checker.check`."""
    step, converted = prepared.step, prepared.converted
    expected = converted.expected if converted else None
    sha256 = converted.sha256 if converted else prepared.fetched.sha256
    checked = tuple(
        checker.check(step.model, step.target / name, f"{sha256}{name}", part, expected)
        for name, part in prepared.inspection.parts or (("", prepared.inspection),)
    )
    if converted:
        reporter.converted(converted, prepared.path, _comparison(checked))
    return replace(prepared, checked=checked)


def _target(step: ModelStep, app: Path, work: Path) -> Path:
    """The path to fetch a model to."""
    if step.model.convert is None:
        return step.target
    if isinstance(step.model.source, AppFile):
        return app / step.model.source.path
    return work / step.model.path / step.model.source_name


def _comparison(checked: Iterable[CheckedModel]) -> Comparison | None:
    reports = (model.report for model in checked)
    return next((report.comparison for report in reports if report), None)

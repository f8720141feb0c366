"""From a model's source to what the app serves: fetched, recognised, converted, tried."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from slugfit.files import Changes
from slugfit.models.check import CheckedModel, Comparison
from slugfit.models.check.checking import Checker
from slugfit.models.convert import Converted
from slugfit.models.convert.converter import Converter
from slugfit.models.fetch import FetchedModel, Fetcher
from slugfit.models.formats import Inspection, inspect
from slugfit.models.place import place
from slugfit.output import Output
from slugfit.plan import Action, ModelStep
from slugfit.settings.model import ModelSettings
from slugfit.settings.urls import display_of


@dataclass(frozen=True)
class Source:
    """A fetched model and where it lies: in the app, or aside until it is converted."""

    step: ModelStep
    fetched: FetchedModel
    file: Path
    inspection: Inspection


@dataclass(frozen=True)
class PreparedModel:
    """A model as the app has it. `checked` has a verdict for each file that is a model."""

    step: ModelStep
    fetched: FetchedModel
    inspection: Inspection
    converted: Converted | None = None
    checked: tuple[CheckedModel, ...] = ()

    @property
    def path(self) -> str:
        return self.fetched.path

    @property
    def loads(self) -> dict[str, str]:
        """What loads its files as the app can: Python statements by the files' paths.

        A statement ends with the checksum of what it loads, as a comment.
        """
        sha256 = self.converted.sha256 if self.converted else self.fetched.sha256
        own = (checked for checked in self.checked if checked.statement)
        return {checked.path: f"{checked.statement}  # {sha256}" for checked in own}

    @property
    def bytes(self) -> int:
        """What it takes in the slug, uncompressed."""
        return self.converted.bytes if self.converted else self.fetched.bytes


def fetch(step: ModelStep, fetcher: Fetcher, app: Path, work: Path) -> Source:
    """Bring a model into the app, or into `work` if it is to be converted, and look at it.

    Raises the failures of its source, ModelDamaged and WrongFormat.
    """
    target = _target(step, app, work)
    fetched = fetcher.take(step, target)
    shown = _name(step.model) if step.model.convert else step.model.path
    return Source(step, fetched, target, inspect(target, shown))


def convert(source: Source, converter: Converter, app: Changes) -> PreparedModel:
    """Make of a model what its settings ask for. Raises the failures of conversions."""
    step, model = source.step, source.step.model
    if model.convert is None:
        return PreparedModel(step, source.fetched, source.inspection)
    converted = converter.convert(model, source.file, source.fetched.sha256, source.inspection)
    place(converted.path, step.target, app)
    return PreparedModel(step, source.fetched, inspect(step.target, model.path), converted)


def check(prepared: PreparedModel, checker: Checker, output: Output) -> PreparedModel:
    """Try what the app will serve, and hold it to what it should answer."""
    step, converted = prepared.step, prepared.converted
    expected = converted.expected if converted else None
    sha256 = converted.sha256 if converted else prepared.fetched.sha256
    checked = tuple(
        checker.check(step.model, step.target / name, f"{sha256}{name}", part, expected)
        for name, part in prepared.inspection.parts or (("", prepared.inspection),)
    )
    if converted:
        output.detail(converted.gain(prepared.path, _comparison(checked)))
    return replace(prepared, checked=checked)


def _target(step: ModelStep, app: Path, work: Path) -> Path:
    """Where a model is fetched to."""
    if step.model.convert is None:
        return step.target
    if step.action is Action.LINK:
        return app / step.model.source
    return work / step.model.path / _name(step.model)


def _name(model: ModelSettings) -> str:
    return display_of(model.source).rstrip("/").rpartition("/")[2]


def _comparison(checked: Iterable[CheckedModel]) -> Comparison | None:
    reports = (model.report for model in checked)
    return next((report.comparison for report in reports if report), None)

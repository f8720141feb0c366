"""Converts models, once for each content, with tools that are there only for that."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from slugfit.models.app import AppPython
from slugfit.models.check import Expected
from slugfit.models.convert import Converted
from slugfit.models.convert.failures import (
    DataUnfit,
    NoTools,
    OutOfTime,
    PickleNotAllowed,
    ToolsNotInstalled,
    Unsupported,
)
from slugfit.models.convert.guard import expected
from slugfit.models.convert.job import Job, carry_out
from slugfit.models.convert.results import Result, Results
from slugfit.models.convert.toolbox import TOOLS, NotInstalled, Toolbox, unfit_python
from slugfit.models.convert.ways import QUANTIZED, TITLES, WAYS, environment, possible
from slugfit.models.formats import Inspection
from slugfit.output import Output
from slugfit.settings.model import ModelSettings
from slugfit.settings.urls import display_of


@dataclass(frozen=True)
class Limit:
    """The time for all conversions together, in seconds: a build may take 25 minutes."""

    seconds: float = 900.0
    clock: Callable[[], float] = time.monotonic


class Converter(AbstractContextManager["Converter"]):
    """Tools are installed when the first conversion is due, and gone at the end."""

    def __init__(
        self,
        app: AppPython,
        results: Results,
        toolbox: Toolbox,
        output: Output,
        limit: Limit = Limit(),
    ) -> None:
        self._app = app
        self._results = results
        self._toolbox = toolbox
        self._output = output
        self._clock = limit.clock
        self._seconds = self._left = limit.seconds
        self._provided: set[str] = set()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._toolbox.close()

    def convert(
        self, model: ModelSettings, source: Path, sha256: str, inspection: Inspection
    ) -> Converted:
        """What `model.convert` asks for, of the content at `source`, a file or a directory.

        Raises the failures of `convert.failures`.
        """
        job = self._job(model, source, sha256, inspection)
        name = display_of(model.source).rstrip("/").rpartition("/")[2]
        what = f"{name} to {TITLES[job.settings.to]}{QUANTIZED[job.settings.quantize]}"
        key = job.key(TOOLS)
        found = self._results.find(key)
        self._output.step(f"Using cached conversion of {what}" if found else f"Converting {what}")
        result = found or self._make(job, key)
        self._warn(job, result)
        return Converted(
            path=result.model,
            sha256=result.sha256,
            bytes=result.bytes,
            expected=_expected(job, result),
            cached=found is not None,
            before=_size(source),
            name=name,
        )

    def _job(self, model: ModelSettings, source: Path, sha256: str, inspection: Inspection) -> Job:
        settings, known = model.convert, inspection.format
        assert settings  # noqa: S101 (the caller's part)
        way = WAYS.get((known, settings.to)) if known else None
        if known is None or way is None or settings.quantize not in way.quantize:
            asked = settings.to, settings.quantize
            raise Unsupported(model.path, inspection.title, asked, possible(known) if known else {})
        if inspection.unpickles and not model.allow_pickle:
            raise PickleNotAllowed(model.path, f"the model is: {inspection.title}")
        wanted = environment(way, self._app.packages)
        own = way.app if wanted.with_app else ()
        return Job(
            path=model.path,
            settings=settings,
            format=known,
            source=source,
            sha256=sha256,
            input=self._data(model, "check.input", model.check.input),
            representative=self._data(model, "convert.representative", settings.representative),
            has_reference=model.check.reference is not None,
            allow_pickle=model.allow_pickle,
            way=way,
            environment=wanted,
            app_versions={name: self._app.packages[name] for name in own},
        )

    def _data(self, model: ModelSettings, key: str, name: str | None) -> Path | None:
        if name is None:
            return None
        if not (self._app.app / name).is_file():
            raise DataUnfit(model.path, f"{key}: {name}\nThere is no such file in the app.")
        return self._app.app / name

    def _make(self, job: Job, key: str) -> Result:
        end = self._clock() + self._left
        try:
            paths = self._tools(job, end)
            with tempfile.TemporaryDirectory(prefix="slugfit-convert-") as work:
                left = end - self._clock()
                facts = carry_out(job, self._app, paths, Path(work), left)
                if facts is None:
                    raise OutOfTime(job.path, self._seconds)
                return self._results.add(key, Path(work), facts)
        finally:
            self._left = end - self._clock()

    def _tools(self, job: Job, end: float) -> list[Path]:
        locks = job.environment.locks
        if locks and (unfit := unfit_python()):
            raise NoTools(job.path, unfit)
        if not self._provided.issuperset(locks):
            title = job.environment.title
            self._output.detail(f"Installing {title} for the conversion (not part of the slug)")
        self._provided.update(locks)
        try:
            return [self._toolbox.provide(lock, end - self._clock()) for lock in locks]
        except NotInstalled as error:
            if error.said is None:
                raise OutOfTime(job.path, self._seconds) from None
            raise ToolsNotInstalled(job.path, error.said) from None

    def _warn(self, job: Job, result: Result) -> None:
        for note in result.facts.get("notes", ()):
            self._output.warning("A model was opened by another version than made it.", note)
        if result.inputs and job.is_random:
            self._output.warning(
                "A converted model is compared with its original on random inputs only.",
                job.path,
                "That shows damage, and not how well it still does its work. Name samples of\n"
                'yours, below its source:\ncheck = { input = "check/inputs.npz" }',
            )


def _expected(job: Job, result: Result) -> Expected | None:
    if result.inputs is None or result.outputs is None:
        return None
    files = result.inputs, result.outputs
    return expected(files, job.settings.quantize, result.facts, is_random=job.is_random)


def _size(source: Path) -> int:
    files = [source] if source.is_file() else [p for p in source.rglob("*") if p.is_file()]
    return sum(file.stat().st_size for file in files)

"""Converts models, once per content, with tools that are installed only for that."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from slugfit.base.output import Output
from slugfit.models.app_python import AppPython
from slugfit.models.check import Expected
from slugfit.models.convert import Converted
from slugfit.models.convert.conversion_cache import CachedConversion, ConversionCache
from slugfit.models.convert.conversions import (
    QUANTIZED,
    ROUTES,
    TITLES,
    environment_for,
    supported_targets,
)
from slugfit.models.convert.failures import (
    CodeNotAllowed,
    ConversionTimeout,
    SampleMismatch,
    ToolsNotInstalled,
    ToolsUnavailable,
    Unsupported,
)
from slugfit.models.convert.guard import expected
from slugfit.models.convert.job import Job, run_job
from slugfit.models.convert.toolbox import TOOLS, PipFailed, Toolbox, unsupported_python
from slugfit.models.formats import Inspection
from slugfit.settings.model import ModelSettings


@dataclass(frozen=True)
class TimeLimit:
    """The time for all conversions together, in seconds; Heroku stops a build after 25 minutes."""

    seconds: float = 900.0
    clock: Callable[[], float] = time.monotonic


class Converter(AbstractContextManager["Converter"]):
    """Tools are installed for the first conversion, and removed at the end."""

    def __init__(
        self,
        app: AppPython,
        conversions: ConversionCache,
        toolbox: Toolbox,
        output: Output,
        limit: TimeLimit = TimeLimit(),
    ) -> None:
        self._app = app
        self._conversions = conversions
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
        """Convert the file or directory at `source` as `model.convert` says.

        Raises the failures of `convert.failures`.
        """
        job = self._job(model, source, sha256, inspection)
        name = model.source_name
        what = f"{name} to {TITLES[job.settings.to]}{QUANTIZED[job.settings.quantize]}"
        key = job.key(TOOLS)
        found = self._conversions.find(key)
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
        assert settings  # noqa: S101 (the caller ensures it)
        route = ROUTES.get((known, settings.to)) if known else None
        if known is None or route is None or settings.quantize not in route.quantize:
            requested = settings.to, settings.quantize
            targets = supported_targets(known) if known else {}
            raise Unsupported(model.path, inspection.title, requested, targets)
        if inspection.code and not model.may_run_code:
            raise CodeNotAllowed(
                model.path, f"format: {inspection.title}\nfound: {inspection.code}"
            )
        environment = environment_for(route, self._app.packages)
        own = route.app if environment.with_app else ()
        return Job(
            path=model.path,
            settings=settings,
            format=known,
            source=source,
            sha256=sha256,
            input=self._data(model, "check.input", model.check.input),
            representative=self._data(model, "convert.representative", settings.representative),
            has_reference=model.check.reference is not None,
            allow_code=model.may_run_code,
            route=route,
            environment=environment,
            app_versions={name: self._app.packages[name] for name in own},
        )

    def _data(self, model: ModelSettings, key: str, name: str | None) -> Path | None:
        if name is None:
            return None
        if not (self._app.app / name).is_file():
            raise SampleMismatch(model.path, f"{key}: {name}\nThe app has no such file.")
        return self._app.app / name

    def _make(self, job: Job, key: str) -> CachedConversion:
        end = self._clock() + self._left
        try:
            paths = self._tools(job, end)
            with tempfile.TemporaryDirectory(prefix="slugfit-convert-") as work:
                left = end - self._clock()
                facts = run_job(job, self._app, paths, Path(work), left)
                if facts is None:
                    raise ConversionTimeout(job.path, self._seconds)
                return self._conversions.add(key, Path(work), facts)
        finally:
            self._left = end - self._clock()

    def _tools(self, job: Job, end: float) -> list[Path]:
        locks = job.environment.locks
        if locks and (reason := unsupported_python()):
            raise ToolsUnavailable(job.path, reason)
        if not self._provided.issuperset(locks):
            title = job.environment.title
            self._output.detail(f"Installing {title} for the conversion (not part of the slug)")
        self._provided.update(locks)
        try:
            return [self._toolbox.provide(lock, end - self._clock()) for lock in locks]
        except PipFailed as error:
            if error.message is None:
                raise ConversionTimeout(job.path, self._seconds) from None
            raise ToolsNotInstalled(job.path, error.message) from None

    def _warn(self, job: Job, result: CachedConversion) -> None:
        for note in result.facts.get("notes", ()):
            self._output.warning("A model was saved by another version of its library.", note)
        if result.inputs and job.is_random:
            self._output.warning(
                "A converted model is compared with its original on random inputs only.",
                job.path,
                "That detects a broken conversion, but no loss of accuracy. Add samples of your\n"
                'own, below the model\'s source:\ncheck = { input = "check/inputs.npz" }',
            )


def _expected(job: Job, result: CachedConversion) -> Expected | None:
    if result.inputs is None or result.outputs is None:
        return None
    files = result.inputs, result.outputs
    return expected(files, job.settings.quantize, result.facts, is_random=job.is_random)


def _size(source: Path) -> int:
    files = [source] if source.is_file() else [p for p in source.rglob("*") if p.is_file()]
    return sum(file.stat().st_size for file in files)

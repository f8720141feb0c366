"""Carries out each planned step: reuse, revalidate or fetch a model, then place it in the app."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from slugfit.base.changes import Changes
from slugfit.base.files import sha256_of
from slugfit.base.output import Output
from slugfit.base.sizes import count_of, format_size
from slugfit.fetch.clients import open_source
from slugfit.fetch.content import PREFIX_BYTES, check_prefix
from slugfit.fetch.directory import WantedDirectory, fetch_directory
from slugfit.fetch.failures import ChecksumMismatch
from slugfit.fetch.manifest import Manifest
from slugfit.fetch.model_cache import ModelCache
from slugfit.fetch.partial_directory import PreviousFetch
from slugfit.fetch.place import place
from slugfit.fetch.plan import Action, Cached, ModelStep
from slugfit.fetch.progress import Progress
from slugfit.fetch.transfer.part_files import remove_unless_recorded
from slugfit.fetch.transfer.transfer import Transfer, WantedObject
from slugfit.fetch.unpack import fetch_unpacked
from slugfit.settings.model import ModelSettings, Settings
from slugfit.stores import StoreDirectory
from slugfit.stores.location import AppFile

Outcome = Literal["fetched", "unchanged", "cached", "linked"]


@dataclass(frozen=True)
class FetchedModel:
    """A model in the app, and where it came from. `files` is None for a single file."""

    source: str
    path: str
    sha256: str
    bytes: int
    etag: str | None
    outcome: Outcome
    files: int | None = None


class Fetcher:
    """Carries out the steps for models, in order."""

    def __init__(
        self,
        cache: ModelCache,
        app: Changes,
        transfer: Transfer,
        settings: Settings,
        output: Output,
    ) -> None:
        self._cache = cache
        self._app = app
        self._transfer = transfer
        self._settings = settings
        self._output = output
        self.used: dict[str, Cached] = {}
        """For the cache to keep: the content of every source outside the app."""

    def take(self, step: ModelStep, target: Path) -> FetchedModel:
        """Fetch one model to `target`. Raises the failures of its source, or NoSpace."""
        if isinstance(step.model.source, AppFile):
            return self._link(step, step.model.source, target)
        content, outcome = self._content(step)
        self.used[step.cache_key] = content
        files = self._place(content, target)
        if step.model.sha256 is None:
            self._offer_pin(content)
        return _model(step, content, outcome, files)

    def _link(self, step: ModelStep, own: AppFile, target: Path) -> FetchedModel:
        source = self._app.root / own.path
        size = source.stat().st_size
        self._output.step(f"Checking {step.model.path} ({format_size(size)}), a file of the app")
        with source.open("rb") as file:
            check_prefix(file.read(PREFIX_BYTES), own)
        sha256 = sha256_of(source).hex()
        if step.model.sha256 not in (None, sha256):
            raise ChecksumMismatch(own, step.model.sha256 or "", sha256, size)
        if source != target:
            place(source, target, self._app)
        return _model(step, Cached(sha256, size), "linked", None)

    def _content(self, step: ModelStep) -> tuple[Cached, Outcome]:
        """The content in the cache, reused where possible, and how it got there."""
        again = self.used.get(step.cache_key)
        if again and step.model.sha256 in (None, again.sha256):
            self._say_cached(step, again)
            return again, "cached"
        cached = self._verified(step.cached) if step.action is not Action.FETCH else None
        if cached and step.action is Action.REUSE:
            self._say_cached(step, cached)
            return cached, "cached"
        fetched = self._fetch(step, cached.etag if cached else None)
        if fetched:
            return fetched, "fetched"
        assert cached  # noqa: S101 (only an ETag can be "unchanged")
        self._say_cached(step, cached)
        self._output.detail(f"{step.model.source.display} has not changed")
        return cached, "unchanged"

    def _verified(self, cached: Cached | None) -> Cached | None:
        """`cached`, with its true size, if all of it is stored and undamaged."""
        if cached is None:
            return None
        if cached.manifest is None:
            names = [cached.sha256] if self._cache.holds(cached.sha256) else []
        else:
            manifest = self._cache.manifest(cached.manifest)
            names = [file.sha256 for file in manifest.files] if manifest else []
        size = sum(self._cache.path(name).stat().st_size for name in names)
        return replace(cached, bytes=size) if names else None

    def _say_cached(self, step: ModelStep, cached: Cached) -> None:
        self._output.step(f"Using cached {step.model.path} ({format_size(cached.bytes)})")

    def _fetch(self, step: ModelStep, unless_etag: str | None) -> Cached | None:
        model = step.model
        source = open_source(model, self._settings)
        part = self._cache.partial(step.cache_key)
        progress = Progress(
            model.path, model.source.display, self._output, self._transfer.clock.monotonic
        )
        if isinstance(source, StoreDirectory):
            many = WantedDirectory(
                directory=source,
                include=model.include,
                exclude=model.exclude,
                sha256=model.sha256,
                unless_etag=unless_etag,
                previous=self._previous(step.cached),
            )
            return self._fetch_many(many, part, progress)
        fetch = self._fetch_archive if model.unpack else self._fetch_one
        fetched = fetch(WantedObject(source, model.sha256, unless_etag), part, progress)
        remove_unless_recorded(part)
        return fetched

    def _fetch_one(self, wanted: WantedObject, part: Path, progress: Progress) -> Cached | None:
        received = self._transfer.fetch(wanted, part, progress, self._cache.adopt)
        return None if received is None else Cached(received.sha256, received.bytes, received.etag)

    def _previous(self, cached: Cached | None) -> PreviousFetch | None:
        if cached is None or cached.journal is None or not self._cache.holds(cached.journal):
            return None
        return PreviousFetch(self._cache.path(cached.journal).read_bytes(), self._cache.path)

    def _fetch_many(self, wanted: WantedDirectory, part: Path, progress: Progress) -> Cached | None:
        received = fetch_directory(wanted, self._transfer, part, progress)
        if received is None:
            return None
        sha256 = self._adopt_all(received.path, received.manifest)
        journal = self._cache.write(received.journal)
        return Cached(sha256, received.size, received.etag, sha256, journal)

    def _fetch_archive(self, wanted: WantedObject, part: Path, progress: Progress) -> Cached | None:
        manifests: list[Manifest] = []

        def deliver(directory: Path, manifest: Manifest) -> None:
            self._adopt_all(directory, manifest)
            manifests.append(manifest)

        received = fetch_unpacked(wanted, part, self._transfer, progress, deliver)
        if received is None:
            return None
        (manifest,) = manifests
        size = sum(self._cache.path(file.sha256).stat().st_size for file in manifest.files)
        count = count_of(len(manifest.files), "file")
        self._output.detail(f"unpacked {count}, {format_size(size)}")
        return Cached(received.sha256, size, received.etag, manifest.sha256)

    def _adopt_all(self, directory: Path, manifest: Manifest) -> str:
        """Store the files and the list of them; the list's sha256."""
        for file in manifest.files:
            self._cache.adopt(directory / file.path, file.sha256)
        return self._cache.write(manifest.text)

    def _place(self, content: Cached, target: Path) -> int | None:
        """Put the model into the app; the number of its files if it is a directory."""
        if content.manifest is None:
            place(self._cache.path(content.sha256), target, self._app)
            return None
        manifest = Manifest.parse(self._cache.path(content.manifest).read_bytes())
        for file in manifest.files:
            place(self._cache.path(file.sha256), target / file.path, self._app)
        return len(manifest.files)

    def _offer_pin(self, content: Cached) -> None:
        self._output.detail(
            f'To pin this content, add below its source:\nsha256 = "{content.sha256}"'
        )


def _model(step: ModelStep, content: Cached, outcome: Outcome, files: int | None) -> FetchedModel:
    return FetchedModel(
        source=step.model.source.display,
        path=step.model.path,
        sha256=content.sha256,
        bytes=content.bytes,
        etag=content.etag,
        outcome=outcome,
        files=files,
    )


def warn_of_risks(models: Iterable[ModelSettings], output: Output) -> None:
    """Warn of models that others can replace, or read on the way, and of an old key's name."""
    for model in models:
        if model.allow_pickle:
            output.warning(
                "allow_pickle is called allow_code now.",
                f"{model.path}\n\nIt is about every model that runs code when it is opened. The "
                "old name still works;\nin slugfit.toml, write:\nallow_code = true",
            )
        for risk in model.source.risks(is_pinned=model.sha256 is not None):
            where = f"{model.source.display}\n\n{risk.why}"
            output.warning(risk.summary, where, risk.advice)

"""Takes each planned step: reuse, revalidate or fetch a model, then place it into the app."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from slugfit.files import Changes, sha256_of
from slugfit.models.arrival import Earlier
from slugfit.models.content import PREFIX_BYTES, check_prefix
from slugfit.models.directory import WantedDirectory, fetch_directory
from slugfit.models.failures import ChecksumMismatch
from slugfit.models.leftovers import forget_unless_recorded
from slugfit.models.manifest import Manifest
from slugfit.models.opening import open_source
from slugfit.models.place import place
from slugfit.models.progress import Progress
from slugfit.models.sources import Directory
from slugfit.models.store import ModelStore
from slugfit.models.transfer import Transfer, Wanted
from slugfit.models.unpacking import fetch_unpacked
from slugfit.output import Output
from slugfit.plan import Action, Cached, ModelStep
from slugfit.settings.model import ModelSettings, Settings
from slugfit.settings.urls import HttpUrl, HubUrl, display_of, parse
from slugfit.sizes import count_of, format_size

Outcome = Literal["fetched", "unchanged", "cached", "linked"]


@dataclass(frozen=True)
class FetchedModel:
    """A model in the app. `outcome` tells how it came there; `files` is None for a single one."""

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
        store: ModelStore,
        app: Changes,
        transfer: Transfer,
        settings: Settings,
        output: Output,
    ) -> None:
        self._store = store
        self._app = app
        self._transfer = transfer
        self._settings = settings
        self._output = output
        self.settled: dict[str, Cached] = {}
        """What the cache shall remember: the content of every source outside the app."""

    def take(self, step: ModelStep, target: Path) -> FetchedModel:
        """Bring one model to `target`. Raises the failures of its source, or NoSpace."""
        if step.action is Action.LINK:
            return self._link(step, target)
        content, outcome = self._content(step)
        self.settled[step.source] = content
        files = self._place(content, target)
        if step.model.sha256 is None:
            self._offer_pin(content)
        return _model(step, content, outcome, files)

    def _link(self, step: ModelStep, target: Path) -> FetchedModel:
        source = self._app.root / step.model.source
        size = source.stat().st_size
        self._output.step(f"Checking {step.model.path} ({format_size(size)}), a file of the app")
        with source.open("rb") as file:
            check_prefix(file.read(PREFIX_BYTES), step.model.source)
        sha256 = sha256_of(source).hex()
        if step.model.sha256 not in (None, sha256):
            raise ChecksumMismatch(step.model.source, step.model.sha256 or "", sha256, size)
        if source != target:
            place(source, target, self._app)
        return _model(step, Cached(sha256, size), "linked", None)

    def _content(self, step: ModelStep) -> tuple[Cached, Outcome]:
        """The content in the store, reused if it may be, and how it came there."""
        again = self.settled.get(step.source)
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
        self._output.detail(f"{display_of(step.model.source)} has not changed")
        return cached, "unchanged"

    def _verified(self, cached: Cached | None) -> Cached | None:
        """`cached`, with its true size, if all of it is stored and undamaged."""
        if cached is None:
            return None
        if cached.manifest is None:
            names = [cached.sha256] if self._store.holds(cached.sha256) else []
        else:
            manifest = self._store.manifest(cached.manifest)
            names = [file.sha256 for file in manifest.files] if manifest else []
        size = sum(self._store.path(name).stat().st_size for name in names)
        return replace(cached, bytes=size) if names else None

    def _say_cached(self, step: ModelStep, cached: Cached) -> None:
        self._output.step(f"Using cached {step.model.path} ({format_size(cached.bytes)})")

    def _fetch(self, step: ModelStep, unless_etag: str | None) -> Cached | None:
        model = step.model
        source = open_source(model, self._settings)
        part = self._store.partial(step.source)
        watch = Progress(
            model.path, display_of(model.source), self._output, self._transfer.clock.monotonic
        )
        if isinstance(source, Directory):
            many = WantedDirectory(
                directory=source,
                include=model.include,
                exclude=model.exclude,
                sha256=model.sha256,
                unless_etag=unless_etag,
                earlier=self._earlier(step.cached),
            )
            return self._fetch_many(many, part, watch)
        fetch = self._fetch_archive if model.unpack else self._fetch_one
        fetched = fetch(Wanted(source, model.sha256, unless_etag), part, watch)
        forget_unless_recorded(part)
        return fetched

    def _fetch_one(self, wanted: Wanted, part: Path, watch: Progress) -> Cached | None:
        received = self._transfer.fetch(wanted, part, watch, self._store.adopt)
        return None if received is None else Cached(received.sha256, received.bytes, received.etag)

    def _earlier(self, cached: Cached | None) -> Earlier | None:
        if cached is None or cached.journal is None or not self._store.holds(cached.journal):
            return None
        return Earlier(self._store.path(cached.journal).read_bytes(), self._store.path)

    def _fetch_many(self, wanted: WantedDirectory, part: Path, watch: Progress) -> Cached | None:
        received = fetch_directory(wanted, self._transfer, part, watch)
        if received is None:
            return None
        sha256 = self._adopt_all(received.path, received.manifest)
        journal = self._store.write(received.journal)
        return Cached(sha256, received.size, received.etag, sha256, journal)

    def _fetch_archive(self, wanted: Wanted, part: Path, watch: Progress) -> Cached | None:
        manifests: list[Manifest] = []

        def deliver(directory: Path, manifest: Manifest) -> None:
            self._adopt_all(directory, manifest)
            manifests.append(manifest)

        received = fetch_unpacked(wanted, part, self._transfer, watch, deliver)
        if received is None:
            return None
        (manifest,) = manifests
        size = sum(self._store.path(file.sha256).stat().st_size for file in manifest.files)
        count = count_of(len(manifest.files), "file")
        self._output.detail(f"unpacked {count}, {format_size(size)}")
        return Cached(received.sha256, size, received.etag, manifest.sha256)

    def _adopt_all(self, directory: Path, manifest: Manifest) -> str:
        """Store the files and the list of them; the list's sha256."""
        for file in manifest.files:
            self._store.adopt(directory / file.path, file.sha256)
        return self._store.write(manifest.text)

    def _place(self, content: Cached, target: Path) -> int | None:
        """Put the model into the app; of how many files it is, if it is of many."""
        if content.manifest is None:
            place(self._store.path(content.sha256), target, self._app)
            return None
        manifest = Manifest.parse(self._store.path(content.manifest).read_bytes())
        for file in manifest.files:
            place(self._store.path(file.sha256), target / file.path, self._app)
        return len(manifest.files)

    def _offer_pin(self, content: Cached) -> None:
        self._output.detail(
            f'To pin this content, add below its source:\nsha256 = "{content.sha256}"'
        )


def _model(step: ModelStep, content: Cached, outcome: Outcome, files: int | None) -> FetchedModel:
    return FetchedModel(
        source=display_of(step.model.source),
        path=step.model.path,
        sha256=content.sha256,
        bytes=content.bytes,
        etag=content.etag,
        outcome=outcome,
        files=files,
    )


def warn_of_risks(models: Iterable[ModelSettings], output: Output) -> None:
    """Of what can be replaced by somebody else, or move by itself, and is not pinned."""
    for model in models:
        url = parse(model.source)
        if isinstance(url, HttpUrl) and model.source.startswith("http://"):
            _warn_of_plain_http(url, model, output)
        if isinstance(url, HubUrl) and model.sha256 is None and url.revision == "main":
            output.warning(
                "A model follows a branch that its owner can move.",
                f"{url.display}\n\nThe next build may get another model.",
                "Name a commit instead of the branch, pin the content with sha256, or commit a\n"
                "slugfit.lock: bin/slugfit lock",
            )


def _warn_of_plain_http(url: HttpUrl, model: ModelSettings, output: Output) -> None:
    output.warning(
        "A model is fetched without encryption.",
        f"{url.display}\n\nAnyone between the server and the build can read it"
        + (", and replace it." if model.sha256 is None else "."),
        "Use https:// if the server offers it; pin the content with sha256 if not.",
    )

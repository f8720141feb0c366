"""Takes each planned step: reuse, revalidate or fetch a model, then place it into the app."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from slugfit.files import Changes, sha256_of
from slugfit.models.content import PREFIX_BYTES, check_prefix
from slugfit.models.failures import ChecksumMismatch
from slugfit.models.place import place
from slugfit.models.sources import Source
from slugfit.models.sources.http import HttpSource
from slugfit.models.sources.s3 import S3Source
from slugfit.models.store import ModelStore
from slugfit.models.transfer import Transfer
from slugfit.output import Output
from slugfit.plan import Action, Cached, ModelStep
from slugfit.settings.model import S3Settings
from slugfit.sizes import format_size

Outcome = Literal["fetched", "unchanged", "cached", "linked"]


@dataclass(frozen=True)
class FetchedModel:
    """A model in the app. `outcome` tells how it came there."""

    source: str
    path: str
    sha256: str
    bytes: int
    etag: str | None
    outcome: Outcome


class Fetcher:
    """Carries out the steps for models, in order."""

    def __init__(
        self, store: ModelStore, app: Changes, transfer: Transfer, s3: S3Settings, output: Output
    ) -> None:
        self._store = store
        self._app = app
        self._transfer = transfer
        self._s3 = s3
        self._output = output

    def take(self, step: ModelStep) -> FetchedModel:
        """Bring one model into the app. Raises the failures of its source, or NoSpace."""
        if step.action is Action.LINK:
            return self._link(step)
        source = open_source(step.model.source, self._s3)
        fetched = self._reuse(step, source) or self._fetch(step, source)
        place(self._store.path(fetched.sha256), step.target, self._app)
        if step.model.sha256 is None:
            self._offer_pin(fetched)
        return fetched

    def _link(self, step: ModelStep) -> FetchedModel:
        source = self._app.root / step.model.source
        size = source.stat().st_size
        self._output.step(f"Checking {step.model.path} ({format_size(size)}), a file of the app")
        with source.open("rb") as file:
            check_prefix(file.read(PREFIX_BYTES), step.model.source)
        sha256 = sha256_of(source).hex()
        if step.model.sha256 not in (None, sha256):
            raise ChecksumMismatch(step.model.source, step.model.sha256 or "", sha256, size)
        if source != step.target:
            place(source, step.target, self._app)
        return _model(step, step.model.source, Cached(sha256, size), "linked")

    def _reuse(self, step: ModelStep, source: Source) -> FetchedModel | None:
        """The pinned content, when the cache has it and its bytes are still the right ones."""
        sha256 = step.model.sha256
        if step.action is not Action.REUSE or sha256 is None:
            return None
        path = self._store.verified(sha256)
        if path is None:
            return None
        size = path.stat().st_size
        self._output.step(f"Using cached {step.model.path} ({format_size(size)})")
        # An ETag that the index has for another content says nothing of this one.
        known = step.cached if step.cached and step.cached.sha256 == sha256 else None
        etag = known.etag if known else None
        return _model(step, source.display, Cached(sha256, size, etag), "cached")

    def _fetch(self, step: ModelStep, source: Source) -> FetchedModel:
        cached = self._revalidatable(step)
        self._store.prepare()
        stored_before = self._store.stored()
        received = self._transfer.fetch(
            source,
            self._store.path,
            expected_sha256=step.model.sha256,
            unless_etag=cached.etag if cached else None,
            announce=self._announcer(step, source),
        )
        if received is None:
            assert cached is not None  # noqa: S101 (only an ETag can be "unchanged")
            self._output.step(f"Using cached {step.model.path} ({format_size(cached.bytes)})")
            self._output.detail(f"{source.display} has not changed")
            return _model(step, source.display, cached, "unchanged")
        if received.sha256 not in stored_before:
            self._store.added(received.sha256)
        content = Cached(received.sha256, received.bytes, received.etag)
        return _model(step, source.display, content, "fetched")

    def _revalidatable(self, step: ModelStep) -> Cached | None:
        known = step.cached if step.action is Action.REVALIDATE else None
        return known if known and self._store.verified(known.sha256) else None

    def _announcer(self, step: ModelStep, source: Source) -> Callable[[int | None], None]:
        def announce(size: int | None) -> None:
            suffix = "" if size is None else f" ({format_size(size)})"
            self._output.step(f"Fetching {step.model.path}{suffix}")
            self._output.detail(f"from {source.display}")

        return announce

    def _offer_pin(self, fetched: FetchedModel) -> None:
        self._output.detail(
            f'To pin this content, add below its source:\nsha256 = "{fetched.sha256}"'
        )


def open_source(url: str, s3: S3Settings) -> Source:
    """The source behind a URL that the settings have accepted."""
    return S3Source(url, s3) if url.startswith("s3://") else HttpSource(url)


def _model(step: ModelStep, display: str, content: Cached, outcome: Outcome) -> FetchedModel:
    return FetchedModel(
        source=display,
        path=step.model.path,
        sha256=content.sha256,
        bytes=content.bytes,
        etag=content.etag,
        outcome=outcome,
    )


def warn_of_plain_http(steps: tuple[ModelStep, ...], output: Output) -> None:
    """Without TLS, anyone on the way can replace a model that no checksum pins."""
    for step in steps:
        url = step.model.source
        if url.startswith("http://"):
            output.warning(
                "A model is fetched without encryption.",
                f"{HttpSource(url).display}\n\nAnyone between the server and the build can read it"
                + (", and replace it." if step.model.sha256 is None else "."),
                "Use https:// if the server offers it; pin the content with sha256 if not.",
            )


def settled(steps: tuple[ModelStep, ...], models: tuple[FetchedModel, ...]) -> dict[str, Cached]:
    """What the cache shall remember: the content of every source outside the app."""
    return {
        step.model.source: Cached(model.sha256, model.bytes, model.etag)
        for step, model in zip(steps, models, strict=True)
        if step.action is not Action.LINK
    }

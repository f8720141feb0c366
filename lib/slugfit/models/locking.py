"""Resolves the models of an app to their contents."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256 as checksum
from pathlib import Path

from slugfit.models.directory import WantedDirectory, fetch_directory
from slugfit.models.leftovers import forget
from slugfit.models.lock import Locked
from slugfit.models.opening import open_source
from slugfit.models.progress import Progress
from slugfit.models.sources import Directory
from slugfit.models.transfer import Transfer, Wanted
from slugfit.output import Output
from slugfit.plan import is_url, source_of
from slugfit.settings.model import ModelSettings, Settings
from slugfit.settings.urls import display_of


def lock_contents(
    settings: Settings, work: Path, transfer: Transfer, output: Output
) -> tuple[Locked, ...]:
    """What every model from a store is now. Raises as their sources do.

    A checksum is of all bytes, so they are fetched, into `work`, which is empty at the end.
    """
    locked: dict[str, Locked] = {}
    for model in settings.models:
        known = locked.get(source_of(model))
        if is_url(model.source) and not (known and model.sha256 in (None, known.sha256)):
            with _arriving(work, model) as part:
                locked[source_of(model)] = _resolve(model, settings, part, transfer, output)
    return tuple(locked.values())


@contextmanager
def _arriving(work: Path, model: ModelSettings) -> Iterator[Path]:
    """Where a model arrives; an interrupted run leaves it for the next one."""
    work.mkdir(parents=True, exist_ok=True)
    part = work / checksum(source_of(model).encode()).hexdigest()[:32]
    yield part
    forget(part)


def _resolve(
    model: ModelSettings, settings: Settings, part: Path, transfer: Transfer, output: Output
) -> Locked:
    source = open_source(model, settings)
    watch = Progress(model.path, display_of(model.source), output, transfer.clock.monotonic)
    if isinstance(source, Directory):
        wanted = WantedDirectory(source, model.include, model.exclude, model.sha256)
        many = fetch_directory(wanted, transfer, part, watch)
        assert many is not None  # noqa: S101 (no ETag was excluded)
        found = Locked.of(model, many.size, many.manifest.sha256, many.etag)
    else:
        one = transfer.fetch(Wanted(source, model.sha256), part, watch, lambda path, sha256: None)
        assert one is not None  # noqa: S101 (no ETag was excluded)
        found = Locked.of(model, one.bytes, one.sha256, one.etag)
    output.detail(f"sha256 {found.sha256}")
    return found

"""Finds the current content of each model, for slugfit.lock."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256 as checksum
from pathlib import Path

from slugfit.base.output import Output
from slugfit.fetch.clients import open_source
from slugfit.fetch.directory import WantedDirectory, fetch_directory
from slugfit.fetch.lockfile import Locked
from slugfit.fetch.plan import cache_key_of
from slugfit.fetch.progress import Progress
from slugfit.fetch.transfer.part_files import remove_part
from slugfit.fetch.transfer.transfer import Transfer, WantedObject
from slugfit.settings.model import ModelSettings, Settings
from slugfit.stores import StoreDirectory
from slugfit.stores.location import StoreLocation


def pin_models(
    settings: Settings, work: Path, transfer: Transfer, output: Output
) -> tuple[Locked, ...]:
    """The current content of every model from a store. Raises as their sources do.

    Checksums need all bytes: they are fetched into `work`, which is empty at the end.
    """
    locked: dict[str, Locked] = {}
    for model in settings.models:
        known = locked.get(cache_key_of(model))
        is_known = known and model.sha256 in (None, known.sha256)
        if isinstance(model.source, StoreLocation) and not is_known:
            with _part_of(work, model) as part:
                locked[cache_key_of(model)] = _resolve(model, settings, part, transfer, output)
    return tuple(locked.values())


@contextmanager
def _part_of(work: Path, model: ModelSettings) -> Iterator[Path]:
    """Where a model is fetched to; the next run resumes from it after an interruption."""
    work.mkdir(parents=True, exist_ok=True)
    part = work / checksum(cache_key_of(model).encode()).hexdigest()[:32]
    yield part
    remove_part(part)


def _resolve(
    model: ModelSettings, settings: Settings, part: Path, transfer: Transfer, output: Output
) -> Locked:
    source = open_source(model, settings)
    progress = Progress(model.path, model.source.display, output, transfer.clock.monotonic)
    if isinstance(source, StoreDirectory):
        wanted = WantedDirectory(source, model.include, model.exclude, model.sha256)
        many = fetch_directory(wanted, transfer, part, progress)
        assert many is not None  # noqa: S101 (no ETag was excluded)
        found = Locked.of(model, many.size, many.manifest.sha256, many.etag)
    else:
        one = transfer.fetch(
            WantedObject(source, model.sha256), part, progress, lambda path, sha256: None
        )
        assert one is not None  # noqa: S101 (no ETag was excluded)
        found = Locked.of(model, one.bytes, one.sha256, one.etag)
    output.detail(f"sha256 {found.sha256}")
    return found

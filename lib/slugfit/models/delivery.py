"""One model to where the user says: a file, or a directory, whole or not at all."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from slugfit.files import is_path_below, naming_full_disk
from slugfit.models.leftovers import forget
from slugfit.models.manifest import Manifest
from slugfit.models.opening import open_source
from slugfit.models.progress import Progress
from slugfit.models.sources import Directory, Source
from slugfit.models.transfer import Transfer, Wanted, move_to
from slugfit.output import Output
from slugfit.settings.failures import Problem, SettingsInvalid
from slugfit.settings.model import ModelSettings, Settings
from slugfit.settings.urls import display_of, parse

# ruff: noqa: PLC0415 (to import what a single file does without takes longer than to fetch it)

_UNFIT = {
    errno.EACCES,
    errno.EEXIST,
    errno.EISDIR,
    errno.ENAMETOOLONG,
    errno.ENOTDIR,
    errno.EPERM,
    errno.EROFS,
}


def deliver(settings: Settings, transfer: Transfer, output: Output) -> str:
    """Fetch the one model of `settings` to its path; its sha256. Raises as its source does.

    A path that is a directory, or ends like one, gets a file with the source's name. Raises
    SettingsInvalid for a path where nothing can be written. What an interrupted run leaves
    beside the path, the next one goes on with.
    """
    (model,) = settings.models
    source = open_source(model, settings)
    watch = Progress(model.path, display_of(model.source), output, transfer.clock.monotonic)
    with _telling_what_is_unfit(model.path):
        if isinstance(source, Directory):
            return _deliver_directory(source, model, transfer, watch)
        if model.unpack:
            return _deliver_unpacked(source, model, transfer, watch)
        return _deliver_file(source, model, transfer, watch)


def _deliver_file(source: Source, model: ModelSettings, transfer: Transfer, watch: Progress) -> str:
    dest = _file_for(model)
    if dest.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    part = _prepared(dest.with_name(f".{dest.name}.slugfit-part"))
    received = transfer.fetch(Wanted(source, model.sha256), part, watch, move_to(dest))
    assert received is not None  # noqa: S101 (no ETag was excluded)
    return received.sha256


def _deliver_directory(
    source: Directory, model: ModelSettings, transfer: Transfer, watch: Progress
) -> str:
    from slugfit.models.directory import WantedDirectory, fetch_directory

    dest = _directory_for(model)
    part = _prepared(_beside(dest, "slugfit-parts"))
    wanted = WantedDirectory(source, model.include, model.exclude, model.sha256)
    received = fetch_directory(wanted, transfer, part, watch)
    assert received is not None  # noqa: S101 (no ETag was excluded)
    _move_all(received.path, dest)
    forget(part)
    return received.manifest.sha256


def _deliver_unpacked(
    source: Source, model: ModelSettings, transfer: Transfer, watch: Progress
) -> str:
    from slugfit.models.unpacking import fetch_unpacked

    dest = _directory_for(model)
    part = _prepared(_beside(dest, "slugfit-part"))

    def move(directory: Path, manifest: Manifest) -> None:
        _move_all(directory, dest)

    received = fetch_unpacked(Wanted(source, model.sha256), part, transfer, watch, move)
    assert received is not None  # noqa: S101 (no ETag was excluded)
    forget(part)
    return received.sha256


def _file_for(model: ModelSettings) -> Path:
    dest, url = Path(model.path).absolute(), parse(model.source)
    if not (model.path.endswith("/") or dest.is_dir()):
        return dest
    name = url.name if url else ""
    if "/" in name or not is_path_below(name):
        raise _unfit(model.path, "a directory", "a file: the end of SOURCE is no name for one")
    return dest / name


def _directory_for(model: ModelSettings) -> Path:
    dest = Path(model.path).absolute()
    if dest.exists() and not dest.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
    return dest


def _beside(dest: Path, suffix: str) -> Path:
    """On the same filesystem as `dest`, which can be where another one begins."""
    return dest / f".{suffix}" if dest.is_dir() else dest.with_name(f".{dest.name}.{suffix}")


def _prepared(part: Path) -> Path:
    with naming_full_disk(part.parent):
        part.parent.mkdir(parents=True, exist_ok=True)
    return part


@contextmanager
def _telling_what_is_unfit(dest: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno not in _UNFIT:
            raise
        why = os.strerror(error.errno or 0)
        raise _unfit(dest, why, "a path that can be written to") from error


def _unfit(dest: str, why: str, allowed: str) -> SettingsInvalid:
    return SettingsInvalid((Problem("DEST", f'"{dest}": {why}', allowed),))


def _move_all(source: str | Path, dest: str | Path) -> None:
    """At once, if nothing is there yet; else what is in it, each at once if nothing is there."""
    try:
        os.rename(source, dest)
    except OSError:
        if not (os.path.isdir(source) and os.path.isdir(dest)):
            raise
        for name in sorted(os.listdir(source)):
            _move_all(os.path.join(source, name), os.path.join(dest, name))

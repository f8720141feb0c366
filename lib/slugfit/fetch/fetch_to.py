"""One model to a path of the user's: a file or a directory, complete or not at all."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from slugfit.base.errors import Problem
from slugfit.base.files import is_path_below, naming_full_disk
from slugfit.base.output import Output
from slugfit.fetch.clients import open_source
from slugfit.fetch.manifest import Manifest
from slugfit.fetch.progress import Progress
from slugfit.fetch.transfer.part_files import remove_part
from slugfit.fetch.transfer.transfer import Transfer, WantedObject, move_to
from slugfit.settings.failures import SettingsInvalid
from slugfit.settings.model import ModelSettings, Settings
from slugfit.stores import StoreDirectory, StoreObject

# ruff: noqa: PLC0415 (importing what a single file does not need takes longer than fetching it)

_UNFIT = {
    errno.EACCES,
    errno.EEXIST,
    errno.EISDIR,
    errno.ENAMETOOLONG,
    errno.ENOTDIR,
    errno.EPERM,
    errno.EROFS,
}


def fetch_to(settings: Settings, transfer: Transfer, output: Output) -> str:
    """Fetch the one model of `settings` to its path; its sha256. Raises as its source does.

    A path that is a directory, or ends with a slash, gets a file with the source's name. Raises
    SettingsInvalid for a path that can't be written to. After an interruption the next run
    resumes from what is beside the path.
    """
    (model,) = settings.models
    source = open_source(model, settings)
    progress = Progress(model.path, model.source.display, output, transfer.clock.monotonic)
    with _path_errors(model.path):
        if isinstance(source, StoreDirectory):
            return _fetch_directory(source, model, transfer, progress)
        if model.unpack:
            return _fetch_unpacked(source, model, transfer, progress)
        return _fetch_file(source, model, transfer, progress)


def _fetch_file(
    source: StoreObject, model: ModelSettings, transfer: Transfer, progress: Progress
) -> str:
    dest = _file_for(model)
    if dest.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    part = _prepared(dest.with_name(f".{dest.name}.slugfit-part"))
    received = transfer.fetch(WantedObject(source, model.sha256), part, progress, move_to(dest))
    assert received is not None  # noqa: S101 (no ETag was excluded)
    return received.sha256


def _fetch_directory(
    source: StoreDirectory, model: ModelSettings, transfer: Transfer, progress: Progress
) -> str:
    from slugfit.fetch.directory import WantedDirectory, fetch_directory

    dest = _directory_for(model)
    part = _prepared(_beside(dest, "slugfit-parts"))
    wanted = WantedDirectory(source, model.include, model.exclude, model.sha256)
    received = fetch_directory(wanted, transfer, part, progress)
    assert received is not None  # noqa: S101 (no ETag was excluded)
    _move_all(received.path, dest)
    remove_part(part)
    return received.manifest.sha256


def _fetch_unpacked(
    source: StoreObject, model: ModelSettings, transfer: Transfer, progress: Progress
) -> str:
    from slugfit.fetch.unpack import fetch_unpacked

    dest = _directory_for(model)
    part = _prepared(_beside(dest, "slugfit-part"))

    def move(directory: Path, manifest: Manifest) -> None:
        _move_all(directory, dest)

    received = fetch_unpacked(WantedObject(source, model.sha256), part, transfer, progress, move)
    assert received is not None  # noqa: S101 (no ETag was excluded)
    remove_part(part)
    return received.sha256


def _file_for(model: ModelSettings) -> Path:
    dest, name = Path(model.path).absolute(), model.source.name
    if not (model.path.endswith("/") or dest.is_dir()):
        return dest
    if "/" in name or not is_path_below(name):
        raise _unfit(model.path, "a directory", "a file: SOURCE does not end with a file name")
    return dest / name


def _directory_for(model: ModelSettings) -> Path:
    dest = Path(model.path).absolute()
    if dest.exists() and not dest.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
    return dest


def _beside(dest: Path, suffix: str) -> Path:
    """On the same filesystem as `dest`, which may be a mount point."""
    return dest / f".{suffix}" if dest.is_dir() else dest.with_name(f".{dest.name}.{suffix}")


def _prepared(part: Path) -> Path:
    with naming_full_disk(part.parent):
        part.parent.mkdir(parents=True, exist_ok=True)
    return part


@contextmanager
def _path_errors(dest: str) -> Iterator[None]:
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
    """With a rename if `dest` does not exist, else file by file."""
    try:
        os.rename(source, dest)
    except OSError:
        if not (os.path.isdir(source) and os.path.isdir(dest)):
            raise
        for name in sorted(os.listdir(source)):
            _move_all(os.path.join(source, name), os.path.join(dest, name))

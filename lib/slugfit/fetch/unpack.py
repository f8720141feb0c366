"""Fetches an archive and unpacks it into a directory of files and a manifest."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from slugfit.base.files import naming_full_disk, sha256_of
from slugfit.fetch.archives import unpack
from slugfit.fetch.archives.failures import (
    ArchiveEncrypted,
    ArchiveExpands,
    ArchiveUnreadable,
    ArchiveUnsafe,
)
from slugfit.fetch.manifest import Manifest, ManifestFile
from slugfit.fetch.transfer.part_files import remove_part
from slugfit.fetch.transfer.transfer import ProgressListener, ReceivedObject, Transfer, WantedObject
from slugfit.stores.urls import StoreUrl


def fetch_unpacked(
    wanted: WantedObject,
    part: Path,
    transfer: Transfer,
    progress: ProgressListener,
    deliver: Callable[[Path, Manifest], None],
) -> ReceivedObject | None:
    """Fetch an archive into `part`, and deliver a directory of its files, which is then removed.

    None when its ETag is still `unless_etag`. Raises the failures of the transfer and of `unpack`.
    """
    unpacked = part.with_name(f"{part.name}.unpacked")

    def unpack_and_deliver(archive: Path, sha256: str) -> None:
        deliver(unpacked, _unpack(archive, unpacked, wanted.source.url))

    try:
        return transfer.fetch(wanted, part, progress, unpack_and_deliver)
    except (ArchiveEncrypted, ArchiveExpands, ArchiveUnreadable, ArchiveUnsafe):
        remove_part(part)
        raise
    finally:
        shutil.rmtree(unpacked, ignore_errors=True)


def _unpack(archive: Path, directory: Path, url: StoreUrl) -> Manifest:
    shutil.rmtree(directory, ignore_errors=True)  # left by a run that was killed
    with naming_full_disk(directory):
        directory.mkdir()
    paths = unpack(archive, directory, url)
    return Manifest.of(
        tuple(ManifestFile(path, sha256_of(directory / path).hex()) for path in paths)
    )
